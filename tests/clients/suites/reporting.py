"""What every client suite shares, as a pytest plugin: whom to talk to, and one line of JSON for each result.

`$WEIR_SITE` names a JSON file with Weir's address, the client's key and the backends; `$WEIR_RESULTS` the file that
results are appended to. A suite runs in an interpreter of its own, so nothing here imports Weir.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend as a client sees it: names of models, and what to expect of their answers."""

    name: str  # the matrix's column
    model: str
    other: str  # another model of the same
    busy: str  # a model that answers 429
    broken: str  # one whose answers break off
    slow: str  # one that takes its time
    thinker: str  # one that reasons, or ""
    embedder: str  # one that embeds, or ""
    completer: str  # one that continues a text, or ""
    sees: bool  # images
    keeps: bool  # files
    sensible: bool  # its words follow the question; a random-weights model's do not
    native: list[str]  # dialects relayed as they are


@dataclass(frozen=True, slots=True)
class Site:
    """A running Weir."""

    url: str  # without `/v1`
    key: str
    backends: list[Backend]

    @property
    def v1(self) -> str:
        """The base URL that OpenAI's clients want."""
        return f"{self.url}/v1"


def loaded() -> Site:
    """The site that `$WEIR_SITE` tells of."""
    told = json.loads(Path(os.environ["WEIR_SITE"]).read_text())
    return Site(told["url"], told["key"], [Backend(**each) for each in told["backends"]])


def feature(name: str) -> Callable[[Any], Any]:
    """Which row of the matrix a test is about."""
    return pytest.mark.feature(name)


def cannot(why: str) -> None:
    """End a test at what this backend cannot do, once its refusal has been checked."""
    pytest.skip(why)


TINY = "the tiny model that stands in for real weights follows no instruction"

NO_THOUGHT = "the model is not configured as one that reasons: a 400 that says so"


NO_FILES = "an engine keeps no files: a 400 that says so"


def needs_sense(backend: Backend) -> None:
    """End a test whose next step rests on an answer that makes sense."""
    if not backend.sensible:
        cannot(TINY)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "feature(name): the row of the matrix")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a backend runs against each."""
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", loaded().backends, ids=lambda each: each.name, scope="session")


@pytest.fixture(scope="session")
def site() -> Site:
    """The running Weir."""
    return loaded()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Write the result down."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call" and report.passed:
        return
    marker = item.get_closest_marker("feature")
    given = item.callspec.params if hasattr(item, "callspec") else {}
    backend = given.get("backend") or getattr(item.getparent(pytest.Class) and item.cls, "backend", None)  # type: ignore[attr-defined]  # a class has one
    line = {
        "feature": marker.args[0] if marker else "other",
        "backend": backend.name if backend else "",
        "test": item.name.partition("[")[0],
        "outcome": report.outcome,
        "why": _why(report, call),
    }
    with Path(os.environ["WEIR_RESULTS"]).open("a") as results:
        results.write(json.dumps(line) + "\n")


def _why(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if report.passed:
        return ""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail).removeprefix("reason: ")
    return str(call.excinfo.value) if report.skipped and call.excinfo else str(report.longrepr)
