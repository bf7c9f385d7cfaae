"""What a provider says of its tokens is taken for a count only where it is one."""

from typing import Any

import pytest

from adapters.chat import counted


@pytest.mark.parametrize(
    ("told", "count"),
    [(7, 7), (0, 0), (-7, 0), (None, 0), ("7", 0), (7.0, 0), (True, 0), (2**64, 2**63 - 1)],
)
def test_a_count_is_a_number_that_a_ledger_holds(told: Any, count: int) -> None:
    assert counted(told) == count
