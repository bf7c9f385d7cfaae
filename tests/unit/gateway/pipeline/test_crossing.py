"""What was parsed arrives in the other process as it was, in frames that are made a few at a time."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pipeline.crossing import put_together, taken_apart

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=30), inner, max_size=5),
    max_leaves=30,
)


def _all(work: Generator[None, None, list[bytes]]) -> tuple[list[bytes], int]:
    turns = 0
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value, turns
        turns += 1


@settings(deadline=None, max_examples=300)
@given(VALUES, st.sampled_from([1, 3, 128, 200, 1000, 65_536]))
def test_it_arrives_as_it_was(value: Any, stretch: int) -> None:
    frames, _ = _all(taken_apart(value, stretch))
    assert repr(put_together(memoryview(b"".join(frames)))) == repr(value)


@pytest.mark.parametrize("text", ["\ud800", "a\ud83d", "é" * 70_000, "\U0001f600" * 70_000, ""])
def test_so_does_any_text(text: str) -> None:
    frames, _ = _all(taken_apart({text: [text]}))
    assert put_together(memoryview(b"".join(frames))) == {text: [text]}


def test_no_frame_is_long_and_no_depth_too_deep() -> None:
    deep: Any = "x" * 1_000_000
    for _ in range(20_000):
        deep = [deep]
    value = {
        "texts": ["y" * 1_000_000, *("z" * 100 for _ in range(10_000))],
        "ids": list(range(50_000)),
        "deep": deep,
    }
    frames, turns = _all(taken_apart(value))
    assert max(map(len, frames)) < 400_000
    assert turns > 100
    found = put_together(memoryview(b"".join(frames)))
    assert (found["texts"], found["ids"]) == (value["texts"], value["ids"])
    inner, depth = found["deep"], 0
    while inner.__class__ is list:
        inner, depth = inner[0], depth + 1
    assert (inner, depth) == ("x" * 1_000_000, 20_000)
