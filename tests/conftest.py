"""What all tests share: a real vLLM, and the shares of recorded and real material that pass, printed at the end of a
run."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.engines import RealVllm

_SHARES: list[str] = []


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


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _SHARES:
        terminalreporter.section("recorded traffic and real prompts")
        for line in _SHARES:
            terminalreporter.write_line(line)
