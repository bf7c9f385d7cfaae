"""Money from a running Weir to finance: dated rates, a provider by name, exports, re-rating, models that retire."""

import csv
import io
import json
import logging
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.root import weir
from tests.integration.sandboxed import POLICY, Sandboxed

TODAY = datetime.now(UTC).date()
RETIRES = TODAY + timedelta(days=12)
RATES = (
    "gpu_rates: [{usd_per_gpu_hour: 9}, {from: %s, owned: {capex_usd: 26280, years: 3, interest: 0,"
    " kilowatts: 1, usd_per_kwh: 0.10}}]" % (TODAY - timedelta(days=1))
)
DATED = (
    POLICY.replace("usd_per_gpu_hour: 2.10", RATES)
    .replace(
        'replicas: ["${WEIR_SANDBOX_OPENAI_URL}"]',
        'provider: openai, replicas: ["${WEIR_SANDBOX_OPENAI_URL}"]',
    )
    .replace("vision, reasoning]}", f"vision, reasoning], retires: {RETIRES}}}")
)


def command(weir_: Sandboxed, *arguments: str) -> str:
    result = CliRunner().invoke(weir, [*arguments, "--store", str(weir_.ledger)], env=weir_.environ)
    assert result.exit_code == 0, result.output
    return result.stdout


def ledger_usd(running: Sandboxed, verb: str, *more: str) -> Decimal:
    found = json.loads(command(running, "ledger", verb, "--format", "json", *more))
    return sum((Decimal(row["usd_rerated"]) for row in found), Decimal(0))


def focus(running: Sandboxed) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(command(running, "export", "focus"))))


def ready(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:  # noqa: S310  # loopback
        told: dict[str, Any] = json.load(answer)
        return told


def test_from_requests_to_finance(tmp_path: Path) -> None:
    running = Sandboxed(tmp_path, DATED)
    try:
        assert ready(running.url)["retiring"] == {"gpt": str(RETIRES)}
        with urllib.request.urlopen(running.service.metrics_url, timeout=10) as answer:  # noqa: S310  # loopback
            seconds = int(datetime(RETIRES.year, RETIRES.month, RETIRES.day, tzinfo=UTC).timestamp())
            assert f'weir_model_retires_timestamp_seconds{{model="gpt"}} {seconds}' in answer.read().decode()
        for number in range(6):
            status, _, _ = running.ask(**({"x_weir_workflow": "hard"} if number % 2 else {}))
            assert status == 200
    finally:
        running.stop()
    check_money(running)


def test_a_model_without_a_price_is_named_at_load_and_costs_unknown_not_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    told = "what the model `gpt` costs is unknown: no price for nobody/gpt-5"
    sold = 'provider: nobody, replicas: ["${WEIR_SANDBOX_OPENAI_URL}"]'
    running = Sandboxed(tmp_path, POLICY.replace('replicas: ["${WEIR_SANDBOX_OPENAI_URL}"]', sold))
    try:
        assert told in ready(running.url)["warnings"]
        assert told in caplog.messages
        assert running.ask(x_weir_workflow="hard")[0] == 200
        (attempt,) = running.rows("attempts")
        assert (attempt["usd"], attempt["price_source"]) == (None, "no price for nobody/gpt-5")
        with urllib.request.urlopen(running.service.metrics_url, timeout=10) as answer:  # noqa: S310  # loopback
            page = answer.read().decode()
        assert 'weir_unpriced_attempts_total{route="hard",model="gpt",zone="openai"} 1' in page
        (spent,) = json.loads(command(running, "ledger", "query", "--format", "json"))
        assert (spent["attempts"], spent["unpriced"], Decimal(spent["usd"])) == (1, 1, 0)
        (row,) = [row for row in focus(running) if row["ConsumedUnit"] == "Tokens"]
        assert (row["x_Unpriced"], row["ListUnitPrice"]) == ("1", "")
    finally:
        running.stop()


def check_money(running: Sandboxed) -> None:
    rates = {row["source"] for row in json.loads(sources(running))}
    assert rates == {f"gpu-a: 1.100000 USD/GPU-hour owned from {TODAY - timedelta(days=1)}"}
    rows = focus(running)
    tokens = [row for row in rows if row["ConsumedUnit"] == "Tokens"]
    gpu = [row for row in rows if row["ConsumedUnit"] == "GPU-Hours"]
    assert {row["ServiceProviderName"] for row in tokens} == {"openai"}
    assert sum(int(row["x_Calls"]) for row in tokens) == 3
    assert sum(Decimal(row["EffectiveCost"]) for row in gpu) == ledger_usd(running, "gpu") > 0
    running.config.write_text(running.config.read_text().replace("kilowatts: 1", "kilowatts: 2"))
    before = ledger_usd(running, "gpu")
    again = ("ledger", "rerate", "--config", str(running.config), "--from", str(TODAY - timedelta(days=1)))
    assert "Re-rated 0 attempts" in command(running, *again)
    assert abs(ledger_usd(running, "gpu") / before - Decimal("1.2") / Decimal("1.1")) < Decimal("1e-6")
    assert "0 attempts and 0 GPU bookings" in command(running, *again)
    gpu = [row for row in focus(running) if row["ConsumedUnit"] == "GPU-Hours"]
    assert sum(Decimal(row["EffectiveCost"]) for row in gpu) == ledger_usd(running, "gpu")
    assert sum(Decimal(row["x_BookedCost"]) for row in gpu) == before
    assert "as booked" in command(running, "ledger", "verify")
    assert "V*" in command(running, "ledger", "report", "--config", str(running.config))


def sources(running: Sandboxed) -> str:
    lines = command(running, "ledger", "export", "--kind", "gpu").splitlines()
    return json.dumps([{"source": json.loads(line)["price_source"]} for line in lines])
