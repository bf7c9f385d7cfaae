"""The compiled build holds what the sources hold: it is built here (or found in the cache), each of its modules is
imported, and a slice of this suite runs against it: decision, permits, dispatch, pipeline, wires, whole gateways."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compiling import modules
from compiling.tree import missing, tree

ROOT = Path(__file__).resolve().parents[2]
SLICE = (
    "tests/unit/compiling/test_either_build.py",
    "tests/unit/routers/policy",
    "tests/unit/gateway/dispatch/test_faulty.py",
    "tests/unit/gateway/dispatch/test_passed_on.py",
    "tests/unit/gateway/dispatch/test_waves.py",
    "tests/unit/gateway/pipeline",
    "tests/unit/gateway/access",
    "tests/unit/gateway/metering/gpu",
    "tests/unit/adapters",
    "tests/contract",
    "tests/integration/test_gateway.py",
    "tests/integration/test_nothing_leaves.py",
    "tests/integration/test_escalation.py",
    "tests/integration/test_redaction.py",
)
# These put fakes where compiled code takes its own classes only, or patch what cannot be patched there.
LEFT_OUT = (
    "tests/integration/test_redaction.py::test_whatever_breaks_nothing_leaves",
    "tests/unit/gateway/pipeline/test_reopened.py::test_budgets_are_held_again_all_at_once",
    "tests/unit/adapters/transport/test_pace.py",
    "tests/unit/adapters/dialects/test_chat_relay.py::test_an_answer_that_never_ends_is_refused",
    "tests/unit/adapters/dialects/test_sse.py::test_an_event_that_never_ends_is_refused",
)
_IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    print(name, module.__file__)
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose packages are the compiled ones."""
    if lacking := missing():
        pytest.skip(f"the compiled build needs {' and '.join(lacking)}")
    made, folder = tree(print), tmp_path_factory.mktemp("compiled")
    for path in (
        *made.iterdir(),
        *(ROOT / name for name in ("tests", "config", "compiling", "bench", "deploy")),
    ):
        (folder / path.name).symlink_to(path)
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return folder


def _run(compiled: Path, *command: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(compiled), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=compiled, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.timeout(900)
def test_every_compiled_module_is_imported_as_what_it_is(compiled: Path) -> None:
    names = [name.removesuffix(".py").replace("/", ".") for name in modules.compiled(ROOT)]

    found = dict(line.split(" ", 1) for line in _run(compiled, "-c", _IMPORTS, *names).splitlines())

    assert [name for name in names if not found[name].endswith(".so")] == []
    assert "(compiled)" in _run(compiled, "-m", "gateway", "--version")


@pytest.mark.timeout(900)
def test_a_slice_of_the_suite_holds_for_it(compiled: Path) -> None:
    left_out = [f"--deselect={name}" for name in LEFT_OUT]

    said = _run(compiled, "-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, *SLICE)

    print(said.splitlines()[-1])
