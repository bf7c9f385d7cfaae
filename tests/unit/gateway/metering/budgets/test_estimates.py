"""Upper estimates, and the ways they leave to serve a request."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.metering.budgets.estimates import MEDIA_TOKENS, Upper, prompt_tokens, upper, ways
from gateway.metering.charges import Charge, GpuPrice

uppers = st.lists(st.builds(Upper, st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=6)


class PerToken:
    """A millionth of a dollar a token; None: nobody knows."""

    def __init__(self, known: bool = True) -> None:
        self.known = known

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        return Charge(Decimal(usage.prompt + usage.generated) / 10**6 if self.known else None)


class PerGpuHour:
    """2.10 dollars for an hour of a GPU."""

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        return GpuPrice(Decimal("2.10"), "").charge(gpu_ns)


def test_a_prompt_has_at_most_a_token_for_three_bytes():
    assert prompt_tokens(3000, 10, media=False) == 1001


def test_the_bytes_of_pictures_say_little():
    assert prompt_tokens(30_000_000, 10, media=True) == 20 + MEDIA_TOKENS
    assert prompt_tokens(300, 10, media=True) == 101


def test_money_is_rounded_up_to_the_next_nano_dollar():
    tariff = PerGpuHour()
    assert upper(tariff, 0, 0, 1, 0) == Upper(1, 1)
    assert upper(tariff, 0, 0, 3_600_000_000_000, 0) == Upper(2_100_000_000, 3_600_000_000)
    assert upper(PerToken(), 700, 300, 0, 0) == Upper(1_000_000, 0)


def test_an_unknown_price_has_no_estimate():
    assert upper(PerToken(known=False), 700, 300, 0, 0) is None


def test_the_dearest_are_left_out_first():
    dear, cheap, own = Upper(90, 0), Upper(50, 0), Upper(5, 10)
    found = ways([dear, cheap, own], downgrade=True)
    assert [way.targets for way in found] == [(0, 1, 2), (0, 1), (1,), (2,)]
    assert found[0].upper == Upper(90, 10)
    assert [way.targets for way in ways([dear, cheap, own], downgrade=False)] == [(0, 1, 2), (0, 1)]
    assert [way.targets for way in ways([own, dear], downgrade=False)] == [(0, 1), (0,)]


@given(uppers, st.booleans())
def test_a_way_is_never_wider_than_the_decision_and_covers_its_targets(found: list[Upper], downgrade: bool):
    all_ways = ways(found, downgrade=downgrade)
    assert all_ways[0].targets == tuple(range(len(found)))
    for way in all_ways:
        assert way.targets
        assert list(way.targets) == sorted(set(way.targets) & set(range(len(found)))), "in its order"
        most = way.upper
        assert all(most.usd >= found[at].usd and most.gpu >= found[at].gpu for at in way.targets)
        assert downgrade or 0 in way.targets


@given(uppers, st.integers(0, 5))
def test_a_downgrade_finds_whatever_is_covered(found: list[Upper], left: int):
    covered = [each for each in found if each.usd <= left]
    fits = [way for way in ways(found, downgrade=True) if way.upper.usd <= left]
    assert bool(covered) == bool(fits)
