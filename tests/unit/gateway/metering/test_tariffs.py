"""Attempts are charged at the day's rate, and in the tier that the answer says it was served in."""

from datetime import UTC, date, datetime
from decimal import Decimal

import yaml

from adapters.chat import TokenUsage, served_tier
from adapters.dialects.chat.usage import read_usage as chat_usage
from adapters.dialects.messages.usage import read_usage as messages_usage
from adapters.dialects.responses.usage import read_usage as responses_usage
from gateway.configuration.rates import GpuRate, GpuRates
from gateway.metering.price_file import PriceFile
from gateway.metering.prices import PriceBook
from gateway.metering.tariffs import GpuPrices, GpuTariff, TokenTariff

HOUR = 3_600 * 10**9
OWN = """
prices:
  - {model: ours/m, from: 2026-01-01, usd_per_million: {input: 2, output: 8}}
  - {model: ours/m, from: 2026-01-01, tier: flex, usd_per_million: {input: 1, output: 4}}
discounts:
  - {model: "openai/*", from: 2026-01-01, percent: 10}
"""


def at(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9


def tariff(provider="ours", model="m"):
    return TokenTariff(PriceBook(PriceFile.model_validate(yaml.safe_load(OWN))), provider, model)


def test_the_tier_an_answer_reports_sets_its_price():
    counts = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
    charges = [
        tariff().charge(chat_usage(counts, tier), 0, at("2026-02-01")) for tier in (None, "default", "flex")
    ]
    assert [charge.usd for charge in charges] == [10, 10, 5]
    assert "flex" in charges[2].source
    assert (
        tariff().charge(chat_usage(counts, "priority"), 0, at("2026-02-01")).usd is None
    )  # unknown, never 0


def test_every_dialect_reads_its_tier():
    assert chat_usage({"prompt_tokens": 1}, "priority").tier == "priority"
    assert responses_usage({"input_tokens": 1}, "flex").tier == "flex"
    assert messages_usage({"output_tokens": 1, "service_tier": "batch"}).tier == "batch"
    assert {served_tier(each) for each in ("auto", "default", "standard", None, 7, {})} == {""}


def test_a_contract_discount_applies_to_list_prices_and_their_tiers():
    usage = TokenUsage(input=1_000_000, source="reported")
    plain = TokenTariff(PriceBook(), "openai", "gpt-5")
    cheaper = tariff("openai", "gpt-5")
    for tier in ("", "flex"):
        used = TokenUsage(input=usage.input, source="reported", tier=tier)
        full, less = plain.charge(used, 0, at("2026-11-01")), cheaper.charge(used, 0, at("2026-11-01"))
        assert full.usd is not None
        assert less.usd == full.usd * Decimal("0.9")
        assert "less 10%" in less.source


def test_gpu_time_is_charged_at_the_rate_of_its_day():
    rates = GpuRates.of([GpuRate(date(2026, 1, 1), Decimal(2)), GpuRate(date(2026, 7, 1), Decimal(3))])
    own = GpuTariff("gpu-a", rates)
    assert own.charge(TokenUsage(), HOUR, at("2026-06-30T23:00:00")).usd == 2
    after = own.charge(TokenUsage(), HOUR, at("2026-07-01"))
    assert (after.usd, after.source) == (3, "gpu-a: 3 USD/GPU-hour from 2026-07-01")
    assert own.charge(TokenUsage(), HOUR, at("2025-07-01")).usd is None
    assert own.charge(TokenUsage(), HOUR, at("2026-06-30")).usd == 2
    price = GpuPrices("gpu-a", rates).at(at("2026-07-01"))
    assert price is not None
    assert dict(price.charge(HOUR, "idle").components) == {"idle": 3}
