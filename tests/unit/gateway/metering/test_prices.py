"""Prices: dated, exact, the company's own first, and unknown where nobody knows."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import calc_price
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.metering.price_file import InvalidPriceFile, PriceFile, read_price_file
from gateway.metering.prices import PriceBook


def ns(year, month, day, hour=0, minute=0):
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 10**9


def usage(**tokens):
    return TokenUsage(**tokens, source="reported")


def model(name, prices, variants=None):
    return ModelInfo(id=name, match=ClauseEquals(equals=name), prices=prices, price_variants=variants)


SNAPSHOT = DataSnapshot(
    providers=[
        Provider(
            id="acme",
            name="Acme",
            api_pattern=r"https://api\.acme\.test",
            models=[
                model("plain", ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(8))),
                model(
                    "full",
                    ModelPrice(
                        input_mtok=Decimal(2),
                        cache_read_mtok=Decimal("0.2"),
                        cache_write_mtok=Decimal("2.5"),
                        output_mtok=Decimal(8),
                        output_reasoning_mtok=Decimal(12),
                        input_audio_mtok=Decimal(40),
                        output_audio_mtok=Decimal(80),
                        requests_kcount=Decimal(5),
                    ),
                ),
                model("embedding", ModelPrice(input_mtok=Decimal("0.02"))),
                model(
                    "tiered",
                    ModelPrice(
                        input_mtok=TieredPrices(
                            base=Decimal(1),
                            tiers=[
                                Tier(start=200_000, price=Decimal(2)),
                                Tier(start=500_000, price=Decimal(4)),
                            ],
                        ),
                        output_mtok=TieredPrices(
                            base=Decimal(10), tiers=[Tier(start=200_000, price=Decimal(15))]
                        ),
                    ),
                ),
                model(
                    "dated",
                    [
                        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(10))),
                        ConditionalPrice(
                            constraint=StartDateConstraint(start_date=date(2026, 6, 1)),
                            prices=ModelPrice(input_mtok=Decimal(5)),
                        ),
                    ],
                ),
                model(
                    "nightly",
                    [
                        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(4))),
                        ConditionalPrice(
                            constraint=TimeOfDateConstraint(start_time=time(16, 30), end_time=time(0, 30)),
                            prices=ModelPrice(input_mtok=Decimal(1)),
                        ),
                    ],
                ),
                model(
                    "tiers",
                    ModelPrice(input_mtok=Decimal(4), output_mtok=Decimal(8)),
                    [
                        PriceVariant(when={"processing": "batch"}, prices=ModelPrice(input_mtok=Decimal(2))),
                        PriceVariant(
                            when={"service_tier": "flex"},
                            prices=ModelPrice(input_mtok=Decimal(3)),
                            constraint=StartDateConstraint(start_date=date(2026, 6, 1)),
                        ),
                    ],
                ),
            ],
        )
    ],
    from_auto_update=False,
)
NOW = ns(2026, 7, 1, 12)


@pytest.fixture
def book():
    return PriceBook(snapshot=SNAPSHOT)


def usd(charge):
    return None if charge.usd is None else charge.usd.normalize()


def test_each_class_pays_its_own_price(book):
    tokens = usage(
        input=1_000_000, cache_read=1_000_000, cache_write=1_000_000, output=1_000_000,
        reasoning=1_000_000, audio_in=1_000_000, audio_out=1_000_000,
    )  # fmt: skip
    expected = Decimal(2) + Decimal("0.2") + Decimal("2.5") + 8 + 12 + 40 + 80 + Decimal("0.005")
    assert usd(book.charge("acme", "full", tokens, NOW)) == expected.normalize()


def test_a_class_without_a_price_costs_what_it_is_part_of(book):
    tokens = usage(input=1, cache_read=1, cache_write=1, audio_in=1, output=1, reasoning=1, audio_out=1)
    assert usd(book.charge("acme", "plain", tokens, NOW)) == Decimal("0.000032")


def test_cached_tokens_are_not_charged_twice(book):
    whole = book.charge("acme", "full", usage(input=600, cache_read=400), NOW)
    assert usd(whole) == Decimal("0.00128") + Decimal("0.005")


def test_an_unknown_price_is_unknown_and_says_so(book):
    charge = book.charge("acme", "nobody-knows", usage(input=5), NOW)
    assert charge.usd is None
    assert charge.components == {}
    assert charge.source == "no price for acme/nobody-knows"
    assert book.rates("nobody", "plain", NOW) is None
    assert book.charge("acme", "embedding", usage(input=5, output=1), NOW).usd is None
    assert usd(book.charge("acme", "embedding", usage(input=5), NOW)) == Decimal("1E-7")


def test_tokens_nobody_reported_have_no_price_but_estimates_do(book):
    assert book.charge("acme", "plain", TokenUsage(input=5), NOW).usd is None
    assert book.charge("acme", "plain", TokenUsage(input=5, source="estimated"), NOW).usd is not None


@pytest.mark.parametrize(
    ("prompt", "price"), [(1, 1), (200_000, 1), (200_001, 2), (500_000, 2), (500_001, 4)]
)
def test_a_long_prompt_pays_its_step_for_all_its_tokens(book, prompt, price):
    charge = book.charge("acme", "tiered", usage(input=prompt - 1, cache_read=1), NOW)
    assert usd(charge) == (Decimal(prompt) * price / 1_000_000).normalize()


def test_a_price_holds_from_its_day_on(book):
    before = book.charge("acme", "dated", usage(input=1_000_000), ns(2026, 5, 31, 23, 59))
    after = book.charge("acme", "dated", usage(input=1_000_000), ns(2026, 6, 1))
    assert (usd(before), before.priced_at) == (Decimal(10).normalize(), date(2026, 5, 31))
    assert (usd(after), after.priced_at) == (Decimal(5), date(2026, 6, 1))
    assert after.source.endswith("acme/dated from 2026-06-01")
    again = book.charge("acme", "dated", usage(input=1_000_000), ns(2026, 5, 31, 23, 59))
    assert again == before  # the past keeps its price, in whatever order one asks


@pytest.mark.parametrize(
    ("hour", "minute", "price"), [(16, 29, 4), (16, 30, 1), (23, 59, 1), (0, 29, 1), (0, 30, 4)]
)
def test_a_price_by_the_hour_changes_at_its_minute(book, hour, minute, price):
    book.rates("acme", "nightly", ns(2026, 7, 1, hour - 1 if hour else 0))
    assert usd(book.charge("acme", "nightly", usage(input=1_000_000), ns(2026, 7, 1, hour, minute))) == price


def test_a_service_tier_has_its_own_price_or_none(book):
    def price(tier, at=NOW):
        charge = book.charge("acme", "tiers", usage(input=1_000_000), at, tier)
        return usd(charge)

    assert [price(tier) for tier in ("", "default", "auto", "batch", "flex")] == [4, 4, 4, 2, 3]
    assert price("flex", ns(2026, 5, 1)) is None
    assert price("priority") is None


def test_the_provider_of_an_address(book):
    assert book.provider_at("https://api.acme.test/v1") == "acme"
    assert book.provider_at("http://10.0.0.4:8000") is None


def own(**content):
    return PriceFile.model_validate(content)


def test_the_companys_own_price_wins_from_its_day_on():
    prices = own(
        prices=[
            {
                "model": "acme/plain",
                "from": "2026-07-01",
                "until": "2026-08-01",
                "usd_per_million": {"input": 1.10},
            },
            {"model": "acme/*", "from": "2026-01-01", "until": "2026-02-01", "usd_per_million": {"input": 9}},
        ]
    )
    book = PriceBook(prices, SNAPSHOT)

    def price(at):
        return usd(book.charge("acme", "plain", usage(input=1_000_000), at))

    assert [price(ns(2026, month, 1)) for month in (1, 2, 6, 7, 8)] == [9, 2, 2, Decimal("1.1"), 2]
    charge = book.charge("acme", "plain", usage(cache_read=1_000_000), ns(2026, 7, 15))
    assert usd(charge) == Decimal("1.1")
    assert charge.source == "price file acme/plain from 2026-07-01"
    assert book.charge("acme", "plain", usage(output=1), ns(2026, 7, 15)).usd is None


def test_of_several_entries_the_latest_begun_holds():
    entry = {"model": "acme/plain", "usd_per_million": {"input": 1}}
    later = {**entry, "from": "2026-05-01", "usd_per_million": {"input": 3}}
    prices = own(prices=[later, {**entry, "from": "2026-01-01"}])
    assert usd(PriceBook(prices, SNAPSHOT).charge("acme", "plain", usage(input=1_000_000), NOW)) == 3


def test_own_prices_may_rise_with_the_prompt_and_charge_each_request():
    prices = own(
        prices=[
            {
                "model": "acme/new",
                "from": "2026-01-01",
                "usd_per_million": {"input": 1, "output": 2},
                "usd_per_request": "0.01",
                "above": [{"prompt_tokens": 100, "usd_per_million": {"input": 10}}],
            }
        ]
    )
    book = PriceBook(prices, SNAPSHOT)
    assert usd(book.charge("acme", "new", usage(input=100), NOW)) == Decimal("0.0101")
    assert usd(book.charge("acme", "new", usage(input=101, output=10), NOW)) == Decimal("0.01103")


def test_a_discount_is_off_the_list_price_alone():
    prices = own(
        discounts=[{"model": "acme/*", "from": "2026-01-01", "percent": 12.5}],
        prices=[{"model": "acme/full", "from": "2026-01-01", "usd_per_million": {"input": 2}}],
    )
    book = PriceBook(prices, SNAPSHOT)
    charge = book.charge("acme", "plain", usage(input=1_000_000), NOW)
    assert usd(charge) == Decimal("1.75")
    assert charge.source.endswith("acme/plain, less 12.5% from 2026-01-01")
    assert usd(book.charge("acme", "full", usage(input=1_000_000), NOW)) == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "prices: [{model: a/b, from: 2026-01-01, usd_per_million: {imput: 1}}]",
            "did you mean `input`?",
        ),
        (
            "prices: [{model: a/b, from: 2026-01-01, usd_per_million: {input: -1}}]",
            "greater than or equal to 0",
        ),
        ("prices: [{model: a/b, usd_per_million: {input: 1}}]", "`from` is missing in `prices[0]`"),
        ("prices: [{model: b, from: 2026-01-01, usd_per_million: {input: 1}}]", "like openai/gpt-5"),
        ("prises: []", "did you mean `prices`?"),
        ("discounts: [{model: a/b, from: 2026-01-01, percent: 120}]", "discounts[0].percent"),
        ("prices: [", "this is not YAML"),
        ("\udcff", "it is not UTF-8 text"),
        ("[1]", "the file must be a mapping"),
    ],
)
def test_a_price_file_with_a_fault_is_refused_and_says_where(tmp_path, text, fault):
    path = tmp_path / "prices.yaml"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(InvalidPriceFile) as raised:
        read_price_file(path)
    assert "/prices.yaml" in str(raised.value)
    assert fault in str(raised.value)


def test_money_in_the_file_is_what_it_says_to_the_digit(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("prices: [{model: a/b, from: 2026-01-01, usd_per_million: {input: 0.1}}]")
    assert read_price_file(path).prices[0].usd_per_million == {"input": Decimal("0.1")}


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "prices.yaml").write_text("# nothing yet\n")
    assert read_price_file(tmp_path / "prices.yaml") == PriceFile()


def test_the_example_file_can_be_read():
    example = read_price_file(Path(__file__).resolve().parents[4] / "config" / "prices.yaml")
    book = PriceBook(example)
    charge = book.charge("openai", "example-contract-model", usage(input=1_000_000), NOW)
    assert usd(charge) == Decimal("1.1")


@pytest.fixture(scope="module")
def listed():
    return PriceBook()


@settings(deadline=None)  # a busy machine is no fault
@given(
    name=st.sampled_from(
        [
            ("openai", "gpt-4o"),
            ("openai", "gpt-5"),
            ("anthropic", "claude-sonnet-4-5"),
            ("google", "gemini-2.5-pro"),
        ]
    ),
    uncached=st.integers(0, 300_000),
    cached=st.integers(0, 300_000),
    written=st.integers(0, 1000),
    output=st.integers(0, 10_000),
    reasoning=st.integers(0, 10_000),
)
def test_charges_agree_with_genai_prices_own_sum(listed, name, uncached, cached, written, output, reasoning):
    """Our classes are disjoint, theirs nested: both must come to the same money."""
    provider, upstream = name
    tokens = usage(input=uncached, cache_read=cached, cache_write=written, output=output, reasoning=reasoning)
    theirs = calc_price(
        Usage(
            input_tokens=uncached + cached + written,
            cache_read_tokens=cached,
            cache_write_tokens=written,
            output_tokens=output + reasoning,
        ),
        upstream,
        provider_id=provider,
        genai_request_timestamp=datetime.fromtimestamp(NOW / 1e9, UTC),
    )
    assert listed.charge(provider, upstream, tokens, NOW).usd == theirs.total_price
