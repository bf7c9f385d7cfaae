"""A label written down as words and read back falls under at least the boundaries it fell under."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.remembering import STORE, Stickiness, held_to_before, raised, why, words_of
from gateway.state.claims import Gone
from gateway.state.conversations import Bounds, Words
from routers.sensitivity.label import Label, Level

LABELS = st.builds(
    Label,
    level=st.sampled_from(Level),
    types=st.dictionaries(st.sampled_from(["US_SSN", "API_KEY", "URL"]), st.integers(1, 3)),
    categories=st.frozensets(st.sampled_from(["HEALTH", "SECRET", "SOFT"])),
    unscanned=st.lists(st.sampled_from(["image", "file_id"]), unique=True).map(tuple),
    failed=st.lists(st.sampled_from(["patterns", "presidio"]), unique=True).map(tuple),
)


@given(LABELS, LABELS)
def test_a_later_turn_has_all_that_an_earlier_one_had(before: Label, after: Label) -> None:
    held = raised(after, words_of(before))
    assert held.level >= after.level
    assert held.categories >= after.categories
    assert dict(after.types).items() <= dict(held.types).items()
    if before.must_stay:
        assert held.level >= before.level
        assert held.types.keys() >= before.types.keys()
        assert set(held.unscanned) >= set(before.unscanned)
        assert set(held.failed) >= set(before.failed)
    assert held.categories >= before.categories
    assert raised(held, words_of(held)) is held


class _Gone:
    async def remember(self, tenant: str, conversation: str, words: Words, bounds: Bounds) -> Words:
        raise Gone("away")

    async def close(self) -> None:
        pass


async def test_a_store_that_cannot_be_asked_means_the_highest_unless_the_policy_says_otherwise() -> None:
    own, bounds = Label(Level.PUBLIC), Bounds(1, 1)
    held = await held_to_before(own, _Gone(), Stickiness(bounds, "restrict"), "acme", "c")
    assert (held.level, held.failed) == (Level.RESTRICTED, (STORE,))
    assert why(own, held)
    allowed = await held_to_before(own, _Gone(), Stickiness(bounds, "allow"), "acme", "c")
    assert allowed is own
    assert not why(own, allowed)
