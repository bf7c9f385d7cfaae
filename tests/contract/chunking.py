"""A stream that arrives in other pieces is the same answer."""

from collections.abc import Callable, Iterable

from adapters.call import Relay


def check_cut_up(make: Callable[[], Relay], stream: bytes, cuts: Iterable[int]) -> None:
    """The relay writes and counts the same of this stream, of two events of content, whole and cut at these bytes."""
    whole = make()
    expected = whole.feed(stream) + whole.finish()
    relay, out, start = make(), b"", 0
    for cut in [*sorted(cuts), len(stream)]:
        out += relay.feed(stream[start:cut])
        start = max(start, cut)
    assert out + relay.finish() == expected
    assert relay.complete
    assert (relay.usage, relay.content_events, relay.finish_reason, relay.made) == (
        whole.usage,
        whole.content_events,
        whole.finish_reason,
        whole.made,
    )
    assert relay.content_events == 2
    assert relay.usage.source == "reported"
