"""AWS's event stream: however its bytes arrive the messages are the same, and no damaged byte passes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import UpstreamError
from adapters.eventstream import Frames, Message
from tests.integration.providers import MESSAGE_EVENTS, chunk_frame, frame

_STREAM = b"".join(map(chunk_frame, MESSAGE_EVENTS))


def _all(pieces: list[bytes]) -> list[Message]:
    frames = Frames()
    found = [message for piece in pieces for message in frames.feed(piece)]
    assert not frames.pending
    return found


def test_a_message_known_by_heart() -> None:
    """The empty message of the format's own test vectors: lengths, two checksums, nothing else."""
    assert _all([bytes.fromhex("000000100000000005c248eb7d98c8ff")]) == [Message({}, b"")]


def test_headers_and_payload() -> None:
    (message,) = _all([frame(b'{"a":1}', event_type="chunk", message_type="event")])
    assert message == Message({":event-type": "chunk", ":message-type": "event"}, b'{"a":1}')


def test_headers_of_other_types_are_passed_over() -> None:
    """The vector `int32_header` of the format's own test suite: `event-type` is the number 40972."""
    wire = bytes.fromhex(
        "0000002d0000001041c424b80a6576656e742d747970650400 00a00c7b27666f6f273a27626172277d36f480a0".replace(
            " ", ""
        )
    )
    assert _all([wire]) == [Message({}, b"{'foo':'bar'}")]


@given(st.lists(st.integers(1, len(_STREAM) - 1), max_size=8))
def test_any_cutting_gives_the_same_messages(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(_STREAM)]
    pieces = [_STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert _all(pieces) == _all([_STREAM])


@given(st.integers(0, len(_STREAM) - 1), st.integers(1, 255))
def test_no_damaged_byte_passes(at: int, change: int) -> None:
    damaged = _STREAM[:at] + bytes([_STREAM[at] ^ change]) + _STREAM[at + 1 :]
    with pytest.raises(UpstreamError, match="event stream is broken"):
        list(Frames().feed(damaged))


@given(st.integers(1, len(_STREAM) - 1))
def test_what_is_not_whole_is_known_to_be(at: int) -> None:
    frames = Frames()
    whole = list(frames.feed(_STREAM[:at]))
    ends = [len(b"".join(map(chunk_frame, MESSAGE_EVENTS[:n]))) for n in range(len(MESSAGE_EVENTS) + 1)]
    assert frames.pending == (at not in ends)
    assert len(whole) == max(n for n, end in enumerate(ends) if end <= at)
