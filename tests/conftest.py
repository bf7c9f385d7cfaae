"""What all tests share: the shares of recorded and real material that pass, printed at the end of a run."""

from collections.abc import Callable
from typing import Any

import pytest

_SHARES: list[str] = []


@pytest.fixture(scope="session")
def share() -> Callable[[str, int, int], None]:
    """`share(what, passed, total)`: one line of the summary."""

    def note(what: str, passed: int, total: int) -> None:
        _SHARES.append(f"{passed} of {total} {what}")

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _SHARES:
        terminalreporter.section("recorded traffic and real prompts")
        for line in _SHARES:
            terminalreporter.write_line(line)
