"""What is remembered of conversations only grows, and is bounded in number and time for each tenant apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.state.conversations import NOTHING, Bounds, LocalConversations

WIDE = Bounds(keep_ms=1000, most=100)
WORDS = st.frozensets(st.sampled_from(["level confidential", "level restricted", "category HEALTH"]))


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), WORDS, st.integers(0, 600))))
async def test_it_is_what_was_said_since_the_conversation_last_slept(turns) -> None:
    clock = Clock()
    conversations = LocalConversations(clock)
    model: dict[tuple[str, str], tuple[frozenset[str], int]] = {}
    for tenant, name, words, passed in turns:
        clock.now += passed
        known, last = model.get((tenant, name), (NOTHING, clock.now))
        known = (known if clock.now - last < WIDE.keep_ms else NOTHING) | words
        model[tenant, name] = (known, clock.now)
        assert await conversations.remember(tenant, name, words, WIDE) == known


async def test_the_oldest_of_too_many_is_forgotten_and_only_its_own_tenants(
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversations = LocalConversations(Clock())
    few = Bounds(keep_ms=1000, most=2)
    word = frozenset({"level restricted"})
    await conversations.remember("other", "first", word, few)
    for name in ("first", "second", "first", "third"):
        await conversations.remember("acme", name, word, few)
    assert await conversations.remember("acme", "second", NOTHING, few) == NOTHING
    assert await conversations.remember("acme", "first", NOTHING, few) == word
    assert await conversations.remember("other", "first", NOTHING, few) == word
    assert "more than 2 sensitive conversations" in caplog.text


async def test_harmless_conversations_take_no_room() -> None:
    conversations = LocalConversations(Clock())
    few = Bounds(keep_ms=1000, most=1)
    word = frozenset({"level restricted"})
    await conversations.remember("acme", "kept", word, few)
    for i in range(10):
        await conversations.remember("acme", f"harmless-{i}", NOTHING, few)
    assert await conversations.remember("acme", "kept", NOTHING, few) == word
