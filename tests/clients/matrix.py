"""Results of the client suites as docs/clients.md shows them: by client, feature and backend, passed or why not."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.clients.running import ROOT, SUITES, Result
from tests.clients.suites.reporting import TINY

DOCUMENT = ROOT / "docs" / "clients.md"
COLUMNS = ("vLLM", "vLLM stand-in", "OpenAI stand-in", "Anthropic stand-in")
Cell = tuple[str, str, str]  # client, feature, backend

_INTRODUCTION = """# Clients

What works with which client on which backend: written by `make matrix` from the results of the suites under
`tests/clients`, which `make test` runs too, and holds to this page. Every suite goes through a whole running Weir.

*vLLM* is a real server with a model of 0.5 million parameters: it speaks the wire, and no sense. The stand-ins
(`weir sandbox`) speak the wires of vLLM, OpenAI and Anthropic with canned answers, and hold a request to the rules of
what they stand in for. A cell says yes; or no with the reason, by its number below; or how many of its tests passed;
or a dash, where what is left to test hangs on sense. Errors (a bad key, an unknown model, a rate limit, …) pass where
the client raises the class it should; for *vLLM* the rate limit and the broken stream are its stand-in's.
"""


def cells(results: Iterable[Result]) -> dict[Cell, str]:
    """What each cell says."""
    found: dict[Cell, list[Result]] = {}
    for each in results:
        found.setdefault((each.client, each.feature, each.backend), []).append(each)
    return {cell: _told(of_it) for cell, of_it in found.items()}


def _told(results: Sequence[Result]) -> str:
    passed = sum(each.outcome == "passed" for each in results)
    failed = sum(each.outcome == "failed" for each in results)
    if failed:
        return f"FAILED ({failed} of {len(results)})"
    if passed == len(results):
        return "yes"
    reasons = sorted({each.why.rstrip(".") for each in results if each.outcome == "skipped"})
    why = "; ".join(reasons)
    share = f"{passed} of {len(results)}" if passed else "\N{EN DASH}" if reasons == [TINY] else "no"
    return f"{share}: {why}"


def written(found: Mapping[Cell, str]) -> str:
    """The page."""
    reasons = sorted({_split(cell)[1] for cell in found.values()} - {""})
    numbers = {why: number for number, why in enumerate(reasons, 1)}
    parts = [_INTRODUCTION]
    for suite in SUITES:
        features = list(dict.fromkeys(feature for client, feature, _ in found if client == suite.client))
        parts.append(f"\n## {suite.client}\n\n{_versions(suite.client)}\n")
        parts.append(f"| | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}")
        for feature in features:
            told = (found.get((suite.client, feature, column), "") for column in COLUMNS)
            parts.append(f"| {feature} | {' | '.join(_shown(cell, numbers) for cell in told)} |")
    parts.append("\n## Why not\n")
    parts += [f"{number}. {why}." for why, number in numbers.items()]
    return "\n".join(parts) + "\n"


def read(page: str) -> dict[Cell, str]:
    """The cells that a page holds."""
    reasons = {int(number): why for number, why in re.findall(r"^(\d+)\. (.+)\.$", page, re.MULTILINE)}
    found: dict[Cell, str] = {}
    client = ""
    for line in page.splitlines():
        if line.startswith("## "):
            client = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| |"):
            feature, *told = (cell.strip() for cell in line.strip("|").split("|"))
            for column, cell in zip(COLUMNS, told, strict=True):
                found[client, feature, column] = _unshown(cell, reasons)
    return {cell: told for cell, told in found.items() if told}


def _split(cell: str) -> tuple[str, str]:
    """What it says, and why."""
    told, _, why = cell.partition(": ")
    return told, why


def _shown(cell: str, numbers: Mapping[str, int]) -> str:
    told, why = _split(cell)
    return f"{told} ({numbers[why]})" if why else told


def _unshown(cell: str, reasons: Mapping[int, str]) -> str:
    reason = re.fullmatch(r"(.+) \((\d+)\)", cell)
    if reason is None:
        return cell
    return f"{reason[1]}: {reasons[int(reason[2])]}"


_LOCKS = {
    "openai (Python)": ("dev", ["openai"]),
    "anthropic (Python)": ("dev", ["anthropic"]),
    "a coding agent": ("dev", ["anthropic"]),
    "langchain-openai": ("clients", ["langchain-openai", "langchain-core", "openai"]),
    "langchain-tests": ("clients", ["langchain-tests", "langchain-openai"]),
    "pydantic-ai": ("clients", ["pydantic-ai-slim", "openai", "anthropic"]),
    "llama-index": ("clients-llama-index", ["llama-index-core", "llama-index-llms-openai-like", "openai"]),
    "llm": ("clients", ["llm", "openai"]),
    "openai (Node)": ("", ["openai"]),
    "anthropic (Node)": ("", ["@anthropic-ai/sdk"]),
}


def _versions(client: str) -> str:
    """The versions it was run with, from the lock files."""
    lock, names = _LOCKS[client]
    if lock:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        found = dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", text, re.MULTILINE))
    else:
        packages = json.loads((Path(__file__).parent / "node" / "package-lock.json").read_text())["packages"]
        found = {name: packages[f"node_modules/{name}"]["version"] for name in names}
    return ", ".join(f"{name} {found[name]}" for name in names) + "."
