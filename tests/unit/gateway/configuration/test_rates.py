"""What an hour of a GPU costs, by day: rented, or owned and paid for over the years."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gateway.configuration.rates import GpuRate, GpuRates, Ownership

OWNED = Ownership(
    capex=Decimal(30_000),
    residual=Decimal(3_000),
    years=Decimal(4),
    interest=Decimal("0.06"),
    yearly=Decimal(2_500),
    kilowatts=Decimal("0.9"),
    pue=Decimal("1.3"),
    usd_per_kwh=Decimal("0.12"),
)
GPU = "{kind: vllm, zone: home, replicas: [http://10.0.0.1:8000]}"


def at(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9


def test_the_annuity_pays_back_what_the_gpu_loses_in_value():
    annuity = OWNED.fixed_per_year - OWNED.yearly
    left = OWNED.capex
    for _ in range(4):  # year by year: interest on what is left, less the annuity
        left = left * Decimal("1.06") - annuity
    assert abs(left - OWNED.residual) < Decimal("1e-18")


def test_an_owned_hour_is_fixed_cost_and_power():
    rate = GpuRate.of_owned(date(2026, 1, 1), OWNED)
    assert rate.power == Decimal("0.140400")  # 0.9 kW * 1.3 * 0.12
    assert abs(rate.usd - rate.power - OWNED.fixed_per_year / 8760) < Decimal("0.000001")
    assert rate.source == f"{rate.usd} USD/GPU-hour owned from 2026-01-01"


def test_without_interest_the_loss_in_value_is_spread_evenly():
    free = Ownership(*(Decimal(each) for each in (8760, 0, 2, 0, 0, 0, 1, 0)))
    assert GpuRate.of_owned(date.min, free).usd == Decimal("0.5")


def test_each_day_has_the_rate_that_began_last():
    rates = GpuRates.of(
        [GpuRate(date(2026, 7, 1), Decimal("1.5")), GpuRate(date(2026, 1, 1), Decimal("2.1"))]
    )
    assert rates.at(at("2025-12-31T23:59:59")) is None
    found = [rates.at(at(day)) for day in ("2026-01-01", "2026-06-30T23:59:59", "2026-07-01")]
    assert [rate.usd for rate in found if rate] == [Decimal("2.1"), Decimal("2.1"), Decimal("1.5")]
    assert not GpuRates()


def test_rates_stand_under_a_backend(loaded, small):
    owned = "{from: 2026-07-01, owned: {capex_usd: 30000, residual_usd: 3000, years: 4, interest: 0.06,"
    owned += " yearly_usd: 2500, kilowatts: 0.9, pue: 1.3, usd_per_kwh: 0.12}}"
    gpu = GPU.replace("}", f", gpus: 1, gpu_rates: [{{from: 2026-01-01, usd_per_gpu_hour: 2.10}}, {owned}]}}")
    backend = loaded(small.replace(GPU, gpu)).backends["gpu"]
    assert backend.gpu_rates.at(at("2026-02-01")).usd == Decimal("2.1")
    assert backend.gpu_rates.at(at("2026-08-01")) == GpuRate.of_owned(date(2026, 7, 1), OWNED)


def test_one_figure_holds_always(loaded, small):
    backend = loaded(small.replace(GPU, GPU.replace("}", ", gpus: 1, usd_per_gpu_hour: 2.5}"))).backends[
        "gpu"
    ]
    assert backend.gpu_rates.at(0).source == "2.5 USD/GPU-hour"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("gpu_rates: [{usd_per_gpu_hour: 2}]", "`gpu_rates` needs `gpus`"),
        ("gpus: 1, usd_per_gpu_hour: 1, gpu_rates: [{usd_per_gpu_hour: 2}]", "write either"),
        ("gpus: 1, gpu_rates: [{usd_per_gpu_hour: 1}, {usd_per_gpu_hour: 2}]", "begin on the same day"),
        ("gpus: 1, gpu_rates: [{from: 2026-01-01}]", "either `usd_per_gpu_hour` or `owned`"),
        ("gpus: 1, gpu_rates: [{owned: {capex_usd: 1, years: 0, interest: 0}}]", "years"),
        (
            "gpus: 1, energy: {nvml: [0], usd_per_kwh: 0.2}, gpu_rates: [{owned: {capex_usd: 1, years: 1, interest: 0,"
            " kilowatts: 1, usd_per_kwh: 0.2}}]",
            "paid twice",
        ),
    ],
)
def test_mistakes_are_refused(refused, small, keys, message):
    assert message in "\n".join(refused(small.replace(GPU, GPU.replace("}", f", {keys}}}"))))


def test_provider_and_ledger_settings_are_read(loaded, small):
    more = "server: {keep_rows: 90d, full_disk: unbooked}\n"
    snapshot = loaded(
        small.replace("kind: openai, zone: cloud", "kind: openai, provider: mistral, zone: cloud") + more
    )
    assert snapshot.backends["cloud"].provider == "mistral"
    assert (snapshot.server.keep_rows, snapshot.server.full_disk) == (90 * 86400, "unbooked")
