"""Runs the client suites, each in the interpreter that has its libraries, and reads what they found."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weir"
SECONDS = 240  # for one suite


@dataclass(frozen=True, slots=True)
class Suite:
    """One client: the files of its suite, and what it needs to run."""

    client: str  # the matrix's row
    files: tuple[str, ...]
    home: (
        str  # whose libraries: `own` (the tests' interpreter's), `node`, or those of requirements/{home}.txt
    )


SUITES = (
    Suite("openai (Python)", ("openai_python.py", "openai_responses.py"), "own"),
    Suite("openai (Node)", ("openai.mjs",), "node"),
    Suite("anthropic (Python)", ("anthropic_python.py",), "own"),
    Suite("anthropic (Node)", ("anthropic.mjs",), "node"),
    Suite("a coding agent", ("coding_agent.py",), "own"),
    Suite("langchain-openai", ("langchain_client.py",), "clients"),
    Suite("langchain-tests", ("langchain_standard.py",), "clients"),
    Suite("pydantic-ai", ("pydantic_ai_client.py",), "clients"),
    Suite("llama-index", ("llama_index_client.py",), "clients-llama-index"),
    Suite("llm", ("llm_command.py",), "clients"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one test found on one backend."""

    client: str
    feature: str
    backend: str
    test: str
    outcome: str  # passed, skipped (`why` says what cannot be), failed
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """One suite, run."""

    suite: Suite
    results: Sequence[Result]
    missing: str = ""  # what was not there, where it could not run
    trouble: str = field(default="", repr=False)  # the end of its output, where it ended badly


def interpreter(home: str) -> Path | str:
    """The program that runs suites of this home; where it is missing, a str that says how to get it."""
    if home == "own":
        return Path(sys.executable)
    if home == "node":
        folder, program = node_modules().parent, shutil.which("node")
    else:
        folder = CACHE / f"clients-{_digest(ROOT / 'requirements' / f'{home}.txt')}"
        program = str(folder / "bin" / "python")
    if program is None:
        return "node is not installed"
    if not (folder / ".complete").exists():
        return f"{folder.name} is not installed: run `make clients`"
    return Path(program)


def node_modules() -> Path:
    """Where `make clients` puts the libraries for Node."""
    return CACHE / f"node-{_digest(HERE / 'node' / 'package-lock.json')}" / "node_modules"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def run(suite: Suite, site: str, folder: Path) -> Run:
    """Run one suite against the described site; its files go into `folder`."""
    program = interpreter(suite.home)
    if isinstance(program, str):
        return Run(suite, (), missing=program)
    folder.mkdir()
    (folder / "site.json").write_text(site)
    results = folder / "results.jsonl"
    results.touch()
    environ = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG")},
        "HOME": str(folder),  # so that no setting of the user's own reaches a client
        "WEIR_SITE": str(folder / "site.json"),
        "WEIR_RESULTS": str(results),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(HERE / "suites"),
    }
    ended = _execute(_command(suite, program, folder), folder, environ)
    found = tuple(_read(suite.client, line) for line in results.read_text().splitlines())
    return Run(suite, found, trouble="" if found and ended is None else ended or "it reported nothing")


def _command(suite: Suite, program: Path, folder: Path) -> list[str]:
    if suite.home == "node":
        for file in (HERE / "node").glob("*.mjs"):
            shutil.copy(file, folder)  # Node looks for libraries beside the file
        (folder / "node_modules").symlink_to(node_modules())
        return [str(program), *suite.files]
    suites = HERE / "suites"
    options = ["-p", "reporting", "-p", "no:cacheprovider", "-q", "--tb=short", "--import-mode=importlib"]
    if suite.home == "own":
        options += ["-p", "no:hypothesispytest", "--rootdir", str(suites)]
    return [
        str(program),
        "-m",
        "pytest",
        "-c",
        str(suites / "pytest.ini"),
        *options,
        *(str(suites / file) for file in suite.files),
    ]


def _execute(command: list[str], folder: Path, environ: Mapping[str, str]) -> str | None:
    """None where it ended by itself, whatever its tests found; else the end of its output."""
    with (folder / "output.txt").open("wb") as output:
        try:
            status = subprocess.run(
                command,
                cwd=folder,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    if status in (0, 1):  # pytest: some tests failed, which the results say
        return None
    return f"{command[:3]} ended with {status}:\n{(folder / 'output.txt').read_text()[-3000:]}"


def _read(client: str, line: str) -> Result:
    told: dict[str, Any] = json.loads(line)
    return Result(client, told["feature"], told["backend"], told["test"], told["outcome"], told["why"])
