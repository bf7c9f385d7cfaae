"""Events are found wherever the bytes are cut and whatever ends the lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects import sse
from adapters.document import AT_ONCE
from adapters.errors import UpstreamError

_LINE_ENDS = (b"\n", b"\r\n", b"\r")


def _stream(line_end: bytes) -> bytes:
    lines = [
        b'data: {"a":1}',
        b"",
        b": ping",
        b"",
        b"event: x",
        b"data: 1",
        b"data:2",
        b"",
        b"data: [DONE]",
        b"",
        b"",
    ]
    return line_end.join(lines)


@pytest.mark.parametrize("line_end", _LINE_ENDS)
@given(cuts=st.lists(st.integers(0, 80), max_size=8))
def test_any_cut_gives_the_same_bytes_and_events(line_end: bytes, cuts: list[int]) -> None:
    stream = _stream(line_end)
    frames, runs, start = sse.Frames(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        runs.append(frames.feed(stream[start:cut]))
        start = max(start, cut)
    assert b"".join(runs) + frames.rest() == stream
    events = [event for run in runs for event in sse.split(run)]
    assert b"".join(events) == b"".join(runs)
    data = [sse.payload(event) for event in events]
    assert [d for d in data if d is not None] == [b'{"a":1}', b"1\n2", b"[DONE]"]


def test_a_run_holds_all_events_that_are_whole() -> None:
    frames = sse.Frames()
    assert frames.feed(b"data: 1\n\ndata: 2\n\nda") == b"data: 1\n\ndata: 2\n\n"
    assert frames.feed(b"ta: 3\n") == b""
    assert frames.feed(b"\n") == b"data: 3\n\n"
    assert frames.rest() == b""


def test_an_event_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LONGEST_EVENT", 100)
    frames = sse.Frames()
    frames.feed(b"x" * 100)
    with pytest.raises(UpstreamError, match="longer than"):
        frames.feed(b"x")


@pytest.mark.parametrize("event", [b": ping\n\n", b"event: done\n\n", b"\n\n", b"retry: 10\n\n"])
def test_events_without_data_say_nothing(event: bytes) -> None:
    assert sse.payload(event) is None


@pytest.mark.parametrize("line_end", _LINE_ENDS)
@pytest.mark.parametrize("size", [AT_ONCE - 7, AT_ONCE, 3 * AT_ONCE])
def test_long_events_are_told_apart_and_read_as_short_ones_are(line_end: bytes, size: int) -> None:
    blank, long = 2 * line_end, b'{"a":"%b"}' % (b"x" * size)
    told = [
        b"event: x" + line_end + b"data: " + long + blank,
        b"data: 1" + line_end + b"data:2" + blank,
        b": ping" + blank,
        b"data: " + long + line_end + b"data: " + blank,
        b"data:" + long + blank,
    ]
    run = b"".join(told)
    frames = sse.Frames()
    runs = [frames.feed(run[at : at + 50_000]) for at in range(0, len(run), 50_000)]
    assert b"".join(runs) + frames.rest() == run
    assert sse.split(run) == told
    assert [sse.payload(event) for event in told] == [long, b"1\n2", None, long + b"\n", long]
