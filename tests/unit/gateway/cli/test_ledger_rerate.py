"""`weir ledger rerate`: today's prices for what was booked, both figures kept, and nothing to do the second time."""

import csv
import io
from decimal import Decimal

import orjson
import pytest
from click.testing import CliRunner

from adapters.chat import TokenUsage
from gateway.cli.export import export
from gateway.cli.ledger import ledger
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, GpuBooking

HOUR = 3_600 * 10**9
AT = 495_000 * HOUR + 5  # 2026-06-21
SPAN = ("--from", "2026-06-01", "--to", "2026-07-01")
CONFIG = """
zones:
  home: {inside: true}
  cloud: {inside: false}
backends:
  gpu: {kind: vllm, zone: home, replicas: ["http://127.0.0.1:9"], gpus: 1, usd_per_gpu_hour: %s}
  cloud: {kind: openai, zone: cloud, replicas: ["http://127.0.0.1:8"], api_key: sk-1, provider: ours}
models:
  small: {backend: gpu}
  large: {backend: cloud, upstream: m}
boundaries: [{name: home, data: {at_least: restricted}, only: {inside: true}}]
routes: [{name: all, use: [large]}]
tenants: {acme: {}}
server: {prices: prices.yaml}
"""
PRICES = "prices:\n  - {model: ours/m, from: 2026-01-01, usd_per_million: {input: %s}}\n"


@pytest.fixture
def store(tmp_path):
    """Two calls at 2 USD per million, one without a price, one to a backend that is gone; a GPU hour at 2.10."""
    path = tmp_path / "ledger.sqlite"
    book = Ledger.open(path, tmp_path / "ledger.journal")
    usage = TokenUsage(input=1_000_000, source="reported")
    for i, (backend, usd) in enumerate([("cloud", 2), ("cloud", 2), ("cloud", None), ("gone", 1)]):
        book.append(
            AttemptRecord(
                id=f"r{i}/1", request=f"r{i}", n=1, at=AT + i * HOUR, tenant="acme", model="large", upstream="m",
                backend=backend, zone="cloud", usage=usage, usd=None if usd is None else Decimal(usd),
                price_source="price file of then",
            )
        )  # fmt: skip
    for use, hours in (("request", 1), ("idle", 2)):
        gpu = {"backend": "gpu", "replica": "r", "window": AT - 5, "window_ns": 10**9, "tenant": ""}
        usd = Decimal("2.10") * hours
        book.append(
            GpuBooking(id=f"g-{use}", at=AT, use=use, gpu_ns=hours * HOUR, usd=usd, price_source="x", **gpu)
        )
    assert book.close()
    return path


@pytest.fixture
def configured(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()

    def write(per_million, per_hour="2.10"):
        (folder / "weir.yaml").write_text(CONFIG % per_hour)
        (folder / "prices.yaml").write_text(PRICES % per_million)
        return folder

    return write


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def rerate(store, config, *more):
    return run(ledger, "rerate", "--store", store, "--config", config, *SPAN, *more)


def spent(store, by="backend"):
    rows = orjson.loads(run(ledger, "query", "--store", store, *SPAN, "--by", by, "--format", "json"))
    return {row[by]: (Decimal(row["usd"]), Decimal(row["usd_rerated"])) for row in rows}


def test_both_figures_are_kept_and_a_second_run_changes_nothing(store, configured):
    config = configured("1.5")
    first = rerate(store, config)
    assert "Re-rated 3 attempts and 0 GPU bookings: +0.5" in first  # -0.5 -0.5 +1.5
    assert "2 cost the same" in first
    assert spent(store) == {"cloud": (4, Decimal("4.5")), "gone": (1, 1)}
    assert "Re-rated 0 attempts and 0 GPU bookings: +0 USD" in rerate(store, config)
    assert spent(store)["cloud"] == (4, Decimal("4.5"))
    assert "Re-rated since it was booked: +0.5000 USD, 5.5000 USD in all." in run(
        ledger, "query", "--store", store, *SPAN
    )


def test_the_last_price_counts_and_the_way_back_is_open(store, configured):
    rerate(store, configured("1.5"))
    rerate(store, configured("3"))
    assert spent(store)["cloud"] == (4, 9)
    rerate(store, configured("2"))
    assert spent(store)["cloud"] == (4, 6)  # with the price that was unknown then


def test_gpu_time_gets_its_backends_rate(store, configured):
    assert "and 2 GPU bookings: +3.2" in rerate(
        store, configured("2", "2.50")
    )  # 3 * 0.40, and 2 for the call without a price
    rows = orjson.loads(run(ledger, "gpu", "--store", store, *SPAN, "--by", "use", "--format", "json"))
    assert {row["use"]: Decimal(row["usd_rerated"]) for row in rows} == {"request": Decimal("2.5"), "idle": 5}


def test_a_dry_run_changes_nothing(store, configured):
    assert "Would re-rate 3 attempts" in rerate(store, configured("1.5"), "--dry-run")
    assert spent(store)["cloud"] == (4, 4)


def test_exports_use_the_new_figure_and_show_the_booked_one(store, configured):
    rerate(store, configured("1.5", "2.50"))
    rows = list(csv.DictReader(io.StringIO(run(export, "focus", "--store", store, *SPAN))))
    cost = sum(Decimal(row["EffectiveCost"]) for row in rows)
    assert cost == Decimal("5.5") + Decimal("7.5")
    assert sum(Decimal(row["x_BookedCost"]) for row in rows) == 5 + Decimal("6.30")
    assert {row["x_Unpriced"] for row in rows} == {"0"}


def test_the_ledger_still_verifies(store, configured):
    rerate(store, configured("1.5"))
    assert run(ledger, "verify", "--store", store).count("as booked") == 4


def test_history_changes_only_where_it_is_asked_to(store, configured):
    result = CliRunner().invoke(ledger, ["rerate", "--store", str(store), "--config", str(configured("1"))])
    assert result.exit_code == 2
    assert "--from" in result.output
