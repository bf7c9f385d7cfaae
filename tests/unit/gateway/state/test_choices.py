"""What was chosen for a conversation is what was said last, for as long and for as many as the bounds say."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.state.choices import LocalChoices
from gateway.state.conversations import Bounds

WIDE = Bounds(keep_ms=1000, most=100)


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from("xyz"),
            st.sampled_from(["", "one", "two"]),
            st.integers(0, 700),
        )
    )
)
async def test_it_is_what_was_said_last_until_the_conversation_slept(turns) -> None:
    clock = Clock()
    choices, model = LocalChoices(clock), {}
    for tenant, name, said, passed in turns:
        clock.now += passed
        known, last = model.get((tenant, name), ("", 0))
        if clock.now - last >= WIDE.keep_ms:
            known = ""
        if said:
            await choices.keep(tenant, name, said, WIDE)
        else:
            assert await choices.recall(tenant, name, WIDE) == known
        if said or known:
            model[tenant, name] = (said or known, clock.now)


async def test_the_oldest_of_too_many_is_forgotten_and_only_its_own_tenants() -> None:
    choices, few = LocalChoices(Clock()), Bounds(keep_ms=1000, most=2)
    await choices.keep("other", "first", "gpt", few)
    for name in ("first", "second"):
        await choices.keep("acme", name, "gpt", few)
    assert await choices.recall("acme", "first", few) == "gpt"
    await choices.keep("acme", "third", "gpt", few)
    assert await choices.recall("acme", "second", few) == ""
    assert await choices.recall("acme", "first", few) == "gpt"
    assert await choices.recall("other", "first", few) == "gpt"
