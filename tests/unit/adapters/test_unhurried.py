"""A body parsed in slices is the body parsed at once: the same values and places, or the same fault."""

import gc
import json
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document import Document, InvalidDocument, parse
from adapters.unhurried import let_go, parse_in_slices

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
)
BODIES = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(
        "utf-8", "surrogatepass"
    ),
    st.dictionaries(st.text(max_size=8), VALUES, max_size=6),
    st.booleans(),
    st.none() | st.just(1),
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b":", b",", b'"a"', b'"a":', b'"\\u00e9"', b'"\\ud83d\\ude00"', b'"\\ud83d',
         b"\\",
         b"\\n", b"12", b"-", b"1e5", b"NaN", b"true", b" ", b"\n", b"\xc3\xa9", b"\xff", b"\x01", b"x" * 20]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


def _all(work: Generator[None, None, Document]) -> tuple[Document, int]:
    turns = 0
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value, turns
        turns += 1


def _outcome(read: Any, body: bytes) -> Any:
    try:
        document, _ = _all(parse_in_slices(body))
    except InvalidDocument as fault:
        return fault.fault
    return repr(document.values), _places(document)


def _places(document: Document) -> dict[str, tuple[bytes, bytes]]:
    """Each member from its key on, and its value, as they stand in the body."""
    text = document.text or document.body  # in slices, places are of bytes

    def cut(start: int, end: int) -> bytes:
        part = text[start:end]
        return part.encode() if isinstance(part, str) else part

    return {key: (cut(at.start, at.end), cut(at.value_start, at.end)) for key, at in document.members.items()}


@settings(deadline=None, max_examples=400)
@given(
    BODIES
    | FRAGMENTS
    | st.tuples(BODIES, st.integers(0, 400), st.integers(0, 3), FRAGMENTS).map(
        lambda part: part[0][: part[1]] + part[3] + part[0][part[1] + part[2] :]
    ),
    st.sampled_from([16, 17, 18, 19, 21, 64, 65_536]),
)
def test_the_same_as_at_once(body: bytes, stretch: int) -> None:
    assert _outcome(lambda raw: _all(parse_in_slices(raw, stretch))[0], body) == _outcome(parse, body)


@pytest.mark.parametrize(
    "text", ["a" * 500_000, 'line\n"quoted" \\ \u00e9 \U0001f600 ' * 20_000, "\n" * 300_000]
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_one_long_string_takes_many_turns(text: str, ascii_only: bool) -> None:
    body = json.dumps({"messages": [{"content": [{"text": text}]}]}, ensure_ascii=ascii_only).encode()
    document, turns = _all(parse_in_slices(body))
    assert document.values["messages"][0]["content"][0]["text"] == text
    assert turns > len(body) // 131_072


def test_many_small_messages_take_many_turns() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi there"}] * 30_000}).encode()
    document, turns = _all(parse_in_slices(body))
    assert document.values == parse(body).values
    assert _places(document) == _places(parse(body))
    assert turns > 15


@pytest.mark.parametrize("key", ["model", "é", "user"])
@pytest.mark.parametrize("value", ["m", "é", "\U0001f600"])
@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["model", "é", "messages", "n"]), VALUES, max_size=4), st.booleans())
def test_what_is_changed_is_changed_as_at_once(
    key: str, value: str, values: dict[str, Any], ascii_only: bool
) -> None:
    body = json.dumps(values, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        whole = parse(body)
    except InvalidDocument:
        return  # a lone surrogate
    sliced, _ = _all(parse_in_slices(body, 8))
    for changes in ({key: json.dumps(value, ensure_ascii=False)}, {key: None}, {key: "1", "n": None}):
        pieces = sliced.rewritten(changes)
        assert bytes(pieces) == whole.rewritten(changes)
        assert len(pieces) == len(bytes(pieces))


def test_white_space_takes_turns_too() -> None:
    space = b" " * 2_000_000
    document, turns = _all(
        parse_in_slices(space.join([b"", b"{", b'"a"', b":", b"[", b"1", b"]", b"}", b""]))
    )
    assert document.values == {"a": [1]}
    assert turns > 40


def test_numbers_without_end_are_refused() -> None:
    with pytest.raises(InvalidDocument, match="not JSON Weir can read"):
        _all(parse_in_slices(b'{"a": 0.' + b"1" * 2_000_000 + b"}"))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"a": ' + b"[" * 50_000, "too_deep"),
        (b'{"a": [{"b": 1, "b": 2}]}', "duplicate_key"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": "' + b"x" * 200_000 + b"\x01" + b'"}', "not_json"),
        (b'{"a": "' + b"x" * 2_000_000 + b'\xff"}', "not_utf8"),
        (b"[1]", "not_an_object"),
    ],
)
def test_faults_are_told_as_at_once(body: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as sliced:
        _all(parse_in_slices(body))
    with pytest.raises(InvalidDocument) as whole:
        parse(body)
    assert sliced.value.fault == whole.value.fault == fault
    assert str(sliced.value) == str(whole.value)


def test_it_is_let_go_a_little_at_a_time() -> None:
    content = [{"type": "text", "text": "hi"}] * 1_000
    body = json.dumps({"model": "m", "messages": [{"content": content}] * 200}).encode()
    document, _ = _all(parse_in_slices(body))
    messages = document.values["messages"]
    first = messages[0]["content"]
    turns = sum(1 for _ in let_go(document))
    assert (document.values, document.body, messages, first) == ({}, b"", [], [])
    assert turns > 200 * 1_000 // 64


def test_the_collector_does_not_walk_a_long_list() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 90}] * 2_000}).encode()
    document, _ = _all(parse_in_slices(body))
    assert not gc.is_tracked(document.values["messages"])
    assert document.values == json.loads(body)


def test_the_collector_does_not_walk_what_is_in_it() -> None:
    said = {"role": "user", "content": [{"type": "text", "text": "x", "marks": [[], {"a": [1]}]}]}
    body = json.dumps({"messages": [said] * 2_000}).encode()
    document, _ = _all(parse_in_slices(body))
    before: list[Any] = [*document.values["messages"]]
    for each in before:
        assert not gc.is_tracked(each)
        before += [
            inner
            for inner in (each if isinstance(each, list) else each.values())
            if not isinstance(inner, str | int)
        ]
    assert len(before) == 2_000 * 7
    assert document.values == json.loads(body)


def test_many_small_things_are_let_go_some_at_a_time() -> None:
    said = {"role": "user", "content": [{"type": "text", "text": "x"}]}
    document, _ = _all(parse_in_slices(json.dumps({"messages": [said] * 6_400}).encode()))
    turns = sum(1 for _ in let_go(document))
    assert 100 <= turns <= 110
    assert document.values == {}
