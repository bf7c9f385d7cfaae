"""`weir ledger report`: the break-even from a ledger of known content."""

from decimal import Decimal

import orjson
import pytest
from click.testing import CliRunner

from adapters.chat import TokenUsage
from gateway.cli.ledger import ledger
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, GpuBooking

HOUR = 3_600 * 10**9
AT = 495_000 * HOUR
CONFIG = """
zones:
  home: {inside: true}
  cloud: {inside: false}
backends:
  gpu: {kind: vllm, zone: home, replicas: ["http://127.0.0.1:9"], gpus: 2, usd_per_gpu_hour: 1.00}
  cloud: {kind: openai, zone: cloud, replicas: ["http://127.0.0.1:8"], api_key: sk-1, provider: ours}
models:
  small: {backend: gpu}
  large: {backend: cloud, upstream: m}
boundaries: [{name: home, data: {at_least: restricted}, only: {inside: true}}]
routes: [{name: all, use: [large]}]
tenants: {acme: {}}
server: {prices: prices.yaml}
"""
PRICES = "prices:\n  - {model: ours/m, from: 2026-01-01, usd_per_million: {input: 3, output: 3}}\n"


@pytest.fixture
def asked(tmp_path):
    """Ten days: `mixed` ran on both sides, `new` only rented, `free` rented without a price."""
    book = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "ledger.journal")
    usage = TokenUsage(input=600_000, output=400_000, source="reported")
    number = 0
    for hour in (0, 239):
        for workflow, backend, usd in (
            ("mixed", "cloud", "2"), ("mixed", "gpu", "9"), ("new", "cloud", "4"), ("free", "cloud", None)
        ):  # fmt: skip
            number += 1
            book.append(
                AttemptRecord(
                    id=f"r{number}/1", request=f"r{number}", n=1, at=AT + hour * HOUR, tenant="acme", workflow=workflow,
                    backend=backend, usage=usage, usd=None if usd is None else Decimal(usd),
                )
            )  # fmt: skip
        gpu = {"backend": "gpu", "replica": "r", "window": AT, "window_ns": 10**9, "tenant": "acme"}
        book.append(
            GpuBooking(id=f"g{hour}", at=AT, use="request", gpu_ns=360 * 10**9, workflow="mixed", **gpu),
            GpuBooking(id=f"i{hour}", at=AT, use="idle", gpu_ns=999 * 10**9, **gpu),
        )
    assert book.close()
    (tmp_path / "weir.yaml").write_text(CONFIG)
    (tmp_path / "prices.yaml").write_text(PRICES)

    def ask(*more):
        arguments = ["report", "--store", tmp_path / "ledger.sqlite", "--config", tmp_path / "weir.yaml"]
        arguments += ["--from", "2026-06-01", "--to", "2026-08-01", *more]
        return CliRunner().invoke(ledger, [str(each) for each in arguments], env={"COLUMNS": "200"})

    return ask


def fields(result, workflow):
    assert result.exit_code == 0, result.output
    return next(each for each in orjson.loads(result.output) if each["workflow"] == workflow)


def test_a_workload_is_held_against_what_it_paid_and_what_it_took(asked):
    mixed = fields(asked("--format", "json"), "mixed")
    assert mixed["tokens_millions_per_year"] == 4 / 10 * 365
    assert (mixed["rented_usd_per_million"], mixed["price_basis"]) == (2, "as paid")
    assert (mixed["gpu_seconds_per_million"], mixed["gpu_basis"]) == (360, "measured")
    assert (mixed["fixed_usd_per_year"], mixed["marginal_usd_per_million"]) == (17_520, 0)
    assert mixed["break_even_millions_per_year"] == 8_760
    assert mixed["verdict"] == "renting pays: it is at 1.7% of the break-even"


def test_what_never_ran_at_home_borrows_the_others_figures_and_says_so(asked):
    new = fields(asked("--format", "json"), "new")
    assert (new["gpu_seconds_per_million"], new["gpu_basis"]) == (360, "as all workloads")
    assert "It never ran on your GPUs" in asked().output


def test_without_a_price_there_is_no_break_even_until_one_is_named(asked):
    assert fields(asked("--format", "json"), "free")["break_even_millions_per_year"] is None
    free = fields(asked("--format", "json", "--against", "large"), "free")
    assert (free["rented_usd_per_million"], free["price_basis"]) == (3, "at large")
    assert free["break_even_millions_per_year"] == 5_840


def test_wrong_questions_get_clear_answers(asked):
    assert "is not a rented model" in asked("--against", "small").output
    assert "'colour' is not one of" in asked("--by", "colour").output
