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
from gateway.ledger.records import AttemptRecord, EnergyBooking, GpuBooking

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


def test_parquet_says_in_every_column_what_csv_says(store, tmp_path):
    """All columns of the specification that apply, each in a type of its own and null where CSV is empty."""
    pyarrow = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    book = Ledger.open(store, tmp_path / "ledger.journal")
    whose = {"tenant": "acme, Inc.", "workflow": "invoices", "route": "easy", "model": "llama"}
    for replica in ("r", "of its own"):
        own = {
            "at": AT,
            "window": AT,
            "window_ns": 10**9,
            "backend": "gpu",
            "replica": replica,
            "use": "request",
        }
        book.append(
            GpuBooking(id=f"g-{replica}", gpu_ns=2 * 10**9, usd=Decimal("0.001166666666666"), **own, **whose),
            EnergyBooking(id=f"e-{replica}", energy_uj=7 * 10**8, usd=Decimal("0.00005"), **own, **whose),
        )
    assert book.close()
    path = tmp_path / "focus.parquet"
    assert run(store, "--format", "parquet", "--output", path).exit_code == 0
    table = parquet.read_table(path)
    types = {"string": pyarrow.string(), "decimal": pyarrow.decimal128(38, 18)}
    types["datetime"] = pyarrow.timestamp("us", "UTC")
    assert {field.name: field.type for field in table.schema} == {
        n: types[kind] for n, kind in COLUMNS.items()
    }
    written = list(csv.DictReader(io.StringIO(run(store).stdout)))
    found = table.to_pylist()
    assert len(found) == len(written) == 6
    for as_parquet, as_csv in zip(found, written, strict=True):
        for name, kind in COLUMNS.items():
            assert as_parquet[name] == read(kind, as_csv[name]), name
    used = {name for row in found for name, value in row.items() if value is not None}
    assert COLUMNS.keys() - used == NEVER_SAID


NEVER_SAID = {"ChargeClass"}  # of corrections to what was invoiced


def read(kind, text):
    """A value of a CSV file, as Parquet's types hold it; an empty one is null."""
    if not text:
        return None
    if kind == "datetime":
        return datetime.fromisoformat(text)
    return Decimal(text).quantize(Decimal("1e-18")) if kind == "decimal" else text


def test_without_the_extra_parquet_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run(store, "--format", "parquet", "--output", tmp_path / "focus.parquet")
    assert result.exit_code == 1
    assert "weir-gateway[parquet]" in result.output


def test_parquet_is_not_written_to_a_terminal(store):
    assert "name a file with --output" in run(store, "--format", "parquet").output
