"""`weir export focus`: files that read back as the ledger's figures."""

import csv
import io
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from click.testing import CliRunner

from adapters.chat import TokenUsage
from gateway.cli.export import export
from gateway.ledger.focus import COLUMNS
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, GpuBooking

AT = 490_000 * 3_600 * 10**9  # 2025-11-24T16:00Z
SPAN = ("--from", "2025-11-01", "--to", "2025-12-01")


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "ledger.sqlite"
    book = Ledger.open(path, tmp_path / "ledger.journal")
    usage = TokenUsage(input=7, source="reported")
    call = {
        "at": AT,
        "tenant": "acme, Inc.",
        "model": "gpt-5",
        "backend": "openai",
        "zone": "us",
        "usage": usage,
    }
    book.append(AttemptRecord(id="a/1", request="a", n=1, usd=Decimal("0.000000125"), **call))
    book.append(AttemptRecord(id="b/1", request="b", n=1, usd=None, **call))
    window = {"at": AT, "window": AT, "window_ns": 10**9, "backend": "gpu", "replica": "r", "tenant": ""}
    book.append(GpuBooking(id="g", use="idle", gpu_ns=10**9, usd=Decimal("0.000583333333333"), **window))
    assert book.close()
    return path


def run(store, *arguments):
    return CliRunner().invoke(export, ["focus", "--store", str(store), *SPAN, *map(str, arguments)])


def test_csv_holds_every_column_and_the_ledgers_money(store):
    result = run(store, "--account", "4711")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == list(COLUMNS)
    assert {row["BillingAccountId"] for row in rows} == {"4711"}
    assert sum(Decimal(row["EffectiveCost"]) for row in rows) == Decimal("0.000583458333333")
    assert {row["SubAccountName"] for row in rows} == {"acme, Inc.", ""}
    assert "1 attempts or GPU bookings have no known price" in result.stderr


def test_strict_fails_where_a_price_is_unknown(store, tmp_path):
    result = run(store, "--strict", "--output", tmp_path / "focus.csv")
    assert result.exit_code == 1
    assert "have no known price" in result.output
    assert len((tmp_path / "focus.csv").read_text().splitlines()) == 3


def test_parquet_keeps_types_and_money(store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    path = tmp_path / "focus.parquet"
    assert run(store, "--format", "parquet", "--output", path).exit_code == 0
    rows = parquet.read_table(path).to_pylist()
    assert list(rows[0]) == list(COLUMNS)
    assert sum(row["EffectiveCost"] for row in rows) == Decimal("0.000583458333333")
    assert {row["ChargePeriodStart"] for row in rows} == {datetime(2025, 11, 24, 16, tzinfo=UTC)}


def test_without_the_extra_parquet_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run(store, "--format", "parquet", "--output", tmp_path / "focus.parquet")
    assert result.exit_code == 1
    assert "weir-gateway[parquet]" in result.output


def test_parquet_is_not_written_to_a_terminal(store):
    assert "name a file with --output" in run(store, "--format", "parquet").output
