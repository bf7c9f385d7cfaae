"""Long bytes are looked through a stretch at a time, with the same result as at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.stretches import STRETCH, find, joined, stretches


@pytest.mark.parametrize("at", [0, 1, STRETCH - 3, STRETCH - 2, STRETCH, 2 * STRETCH - 1, 3 * STRETCH])
def test_a_mark_is_found_wherever_a_stretch_ends(at: int) -> None:
    data = b"." * at + b"mark" + b"." * STRETCH
    assert find(data, b"mark") == at
    assert find(data, b"mark", at) == at
    assert find(data, b"mark", at + 1) == -1


@given(st.binary(max_size=40), st.binary(min_size=1, max_size=3), st.integers(0, 45))
def test_it_finds_what_bytes_find(data: bytes, mark: bytes, start: int) -> None:
    assert find(data, mark, start) == data.find(mark, start)


@given(st.lists(st.binary(max_size=9), max_size=9))
def test_parts_are_joined_and_let_go(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    assert joined(parts) == whole
    assert parts == []


@pytest.mark.parametrize("size", [0, 1, STRETCH, STRETCH + 1, 3 * STRETCH - 1])
def test_stretches_are_the_whole(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    parts = list(stretches(memoryview(data)[:size]))
    assert b"".join(parts) == data[:size]
    assert all(len(part) <= STRETCH for part in parts)
