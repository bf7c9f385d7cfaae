"""What all tests share: a real vLLM, and the shares of recorded and real material that pass, printed at the end of a
run."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.integration.engines import RealVllm

# No test asserts a time: an example may take as long as a busy machine makes it take.
# The examples are the same in every run, unless --hypothesis-profile=explore asks for others.
settings.register_profile(
    "weir", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
settings.register_profile("explore", settings.get_profile("weir"), derandomize=False)
settings.load_profile("weir")

_SHARES: list[str] = []
_PAIRS: dict[
    tuple[str, str, str], tuple[int, int, int]
] = {}  # client, provider, what: passed, of, refused by name


@pytest.fixture(scope="session")
def share() -> Callable[[str, int, int], None]:
    """`share(what, passed, total)`: one line of the summary."""

    def note(what: str, passed: int, total: int) -> None:
        _SHARES.append(f"{passed} of {total} {what}")

    return note


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealVllm]:
    """A running vLLM, started once. A test that kills it starts it again."""
    engine = RealVllm(tmp_path_factory.mktemp("vllm") / "vllm.log")
    engine.start()
    try:
        yield engine
    finally:
        engine.kill()


@pytest.fixture(scope="session")
def pair() -> Callable[..., None]:
    """`pair(client, provider, what, passed, total, by_name=…)`: one cell of the table of dialect pairs. `what` is
    `answers` or `requests`; calls for one cell add up; `by_name` is how many were refused naming the field."""

    def note(client: str, provider: str, what: str, passed: int, total: int, by_name: int = 0) -> None:
        before = _PAIRS.get((client, provider, what), (0, 0, 0))
        now = zip(before, (passed, total, by_name), strict=True)
        _PAIRS[client, provider, what] = tuple(old + new for old, new in now)  # type: ignore[assignment]  # three

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _PAIRS:
        terminalreporter.section("recordings in every pair of dialects, passed of all")
        terminalreporter.write_line(f"{'client':<14}{'provider':<26}{'requests':<40}answers")
        for client, provider in sorted({key[:2] for key in _PAIRS}):
            cells = [_cell(_PAIRS.get((client, provider, what))) for what in ("requests", "answers")]
            terminalreporter.write_line(f"{client:<14}{provider:<26}{cells[0]:<40}{cells[1]}")
    if _SHARES:
        terminalreporter.section("recorded traffic and real prompts")
        for line in _SHARES:
            terminalreporter.write_line(line)


def _cell(counted: tuple[int, int, int] | None) -> str:
    if counted is None:
        return "-"
    passed, total, by_name = counted
    others = f", {by_name} refused by name" if by_name else ""
    return f"{passed}/{total} ({passed / total:.1%}){others}"
