"""`weir ledger`: figures people can read, rows machines can, and a chain that shows what was changed."""

import csv
import io
import sqlite3
from contextlib import closing
from decimal import Decimal

import orjson
import pytest
from click.testing import CliRunner

from adapters.chat import TokenUsage
from gateway.cli.ledger import ledger as command
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, GpuBooking, RequestRecord, attempt_id

HOUR = 3_600 * 10**9
BASE = 490_000 * HOUR  # 2025-11-24T16:00Z


@pytest.fixture
def store(tmp_path):
    """A ledger of 20 requests, one an hour; each fifth has no known price."""
    path = tmp_path / "ledger.sqlite"
    book = Ledger.open(path, tmp_path / "ledger.journal")
    for i in range(20):
        usd = None if i % 5 == 0 else Decimal("0.0000001") * i
        common = {
            "at": BASE + i * HOUR,
            "tenant": "acme" if i % 2 else "globex",
            "route": "hard",
            "usage": TokenUsage(input=1000, cache_read=10, output=5, source="reported"),
            "usd": usd,
            "gpu_ns": 1_500_000_000,
        }
        name = f"r{i}"
        book.append(
            RequestRecord(id=name, **common),
            AttemptRecord(id=attempt_id(name, 1), request=name, n=1, **common),
        )
    for i, (use, gpu_ns) in enumerate([("request", 3 * 10**9), ("request", -(10**9)), ("idle", 8 * 10**9)]):
        window = {"at": BASE, "window": BASE, "window_ns": 10**9, "backend": "gpu-a", "replica": "r"}
        book.append(GpuBooking(id=f"g{i}", use=use, gpu_ns=gpu_ns, usd=Decimal(gpu_ns).scaleb(-12), **window))
    assert book.close()
    return path


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def ask(store, *arguments):
    return run("query", "--store", store, "--from", "2025-11-01", "--to", "2025-12-01", *arguments)


def test_the_table_shows_sums_and_what_is_unpriced(store):
    result = ask(store, "--by", "tenant")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert [row[:2] for row in rows if row and row[0] in {"acme", "globex"}] == [
        ["acme", "10"],
        ["globex", "10"],
    ]
    assert ["total", "20", "20.0k", "200", "100", "0.0000", "4", "30.0"] in rows


def test_requests_are_told_by_their_outcome(store):
    span = ("--store", store, "--from", "2025-11-01", "--to", "2025-12-01")
    found = orjson.loads(run("requests", *span, "--by", "outcome", "--format", "json").output)
    assert [(each["outcome"], each["requests"]) for each in found] == [("ok", 20)]
    table = map(str.strip, run("requests", *span).output.splitlines())
    assert [line.split()[1:4] for line in table if line.startswith("2025")] == [
        ["hard", "ok", "8"],
        ["hard", "ok", "12"],
    ]


def test_json_keeps_money_exact(store):
    found = orjson.loads(ask(store, "--by", "tenant", "--format", "json").output)
    assert [each["tenant"] for each in found] == ["acme", "globex"]
    assert sum(Decimal(each["usd"]) for each in found) == Decimal("0.0000160")
    assert sum(each["unpriced"] for each in found) == 4
    assert {each["gpu_seconds"] for each in found} == {"15.000000000"}


def test_csv_has_a_line_per_group(store):
    rows = list(csv.DictReader(io.StringIO(ask(store, "--by", "day,route", "--format", "csv").output)))
    assert [row["day"] for row in rows] == ["2025-11-24", "2025-11-25"]
    assert sum(int(row["attempts"]) for row in rows) == 20


def test_hours_bound_the_sums(store):
    result = run(
        "query", "--store", store, "--from", "2025-11-24T16", "--to", "2025-11-24T19", "--format", "json"
    )
    assert sum(each["attempts"] for each in orjson.loads(result.output)) == 3


def test_gpu_time_is_shown_by_what_it_went_on_and_as_a_whole(store):
    span = ("--store", store, "--from", "2025-11-01", "--to", "2025-12-01")
    rows = [line.split() for line in run("gpu", *span).output.splitlines()]
    assert ["2025-11-24", "gpu-a", "idle", "8.000", "0.0080", "0"] in rows
    assert ["2025-11-24", "gpu-a", "request", "2.000", "0.0020", "0"] in rows
    assert ["total", "10.000", "0.0100", "0"] in rows
    found = orjson.loads(run("gpu", *span, "--by", "use", "--format", "json").output)
    assert {each["use"]: each["gpu_seconds"] for each in found} == {
        "idle": "8.000000000",
        "request": "2.000000000",
    }
    assert "is not one of" in run("gpu", *span, "--by", "zone").output


def test_an_empty_span_is_an_empty_table_not_an_error(store):
    result = run("query", "--store", store, "--from", "2020-01-01", "--to", "2020-01-02")
    assert result.exit_code == 0
    assert "unpriced" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "tenant,colour"), "'colour' is not one of"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "--to must be later"),
        (("--store", "nowhere.sqlite"), "there is no ledger at nowhere.sqlite"),
    ],
)
def test_a_wrong_question_gets_a_clear_answer(store, arguments, message):
    result = run("query", "--store", store, *arguments)
    assert result.exit_code != 0
    assert message in result.output


def test_export_writes_every_field_of_every_record(store):
    span = ("--from", "2025-11-01", "--to", "2025-12-01")
    lines = run("export", "--store", store, "--kind", "attempt", *span).output.splitlines()
    found = [orjson.loads(line) for line in lines]
    assert [each["request"] for each in found] == [f"r{i}" for i in range(20)]
    assert found[0]["usd"] is None
    assert found[1]["usd"] == "0.0000001"
    rows = list(csv.DictReader(io.StringIO(run("export", "--store", store, *span, "--format", "csv").output)))
    assert [row["usd"] for row in rows[:2]] == ["", "0.0000001"]


def test_export_writes_to_a_file(store, tmp_path):
    out = tmp_path / "requests.jsonl"
    result = run("export", "--store", store, "--from", "2025-11-01", "--kind", "request", "--output", out)
    assert result.exit_code == 0, result.output
    assert len(out.read_text().splitlines()) == 20


def test_verify_finds_an_untouched_ledger_as_booked_and_knows_its_head_again(store):
    result = run("verify", "--store", store)
    assert result.exit_code == 0, result.output
    assert result.output.count("as booked") == 3
    head = next(word for word in result.output.split() if len(word) == 64)
    assert run("verify", "--store", store, "--head", head).exit_code == 0
    other = run("verify", "--store", store, "--head", "0" * 64)
    assert other.exit_code == 1
    assert "written anew" in other.output


def test_verify_names_what_was_changed_in_the_database(store):
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("UPDATE attempts SET usd = '0' WHERE id = 'r7/1'")
    result = run("verify", "--store", store)
    assert result.exit_code == 1
    assert "not as they were shipped" in result.output
    assert "line 16: the database's row is not what the journal says" in result.output


def test_verify_names_what_was_changed_in_the_journal(store, tmp_path):
    path = next((tmp_path / "ledger.journal").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"id":"r7"', b'"id":"x7"'))
    result = run("verify", "--store", store)
    assert result.exit_code == 1
    assert "the digest does not fit" in result.output


def test_prune_discards_rows_and_keeps_sums(store):
    before = ask(store, "--format", "json").output
    result = run("prune", "--store", store, "--older-than", "1d", "--yes")
    assert result.exit_code == 0, result.output
    assert "43 rows discarded" in result.output
    assert ask(store, "--format", "json").output == before
    assert run("export", "--store", store, "--from", "2025-11-01").output == ""
    assert run("verify", "--store", store).exit_code == 0


def test_prune_asks_first_and_wants_a_unit(store):
    assert run("prune", "--store", store, "--older-than", "1d").exit_code != 0
    assert "a number and a unit" in run("prune", "--store", store, "--older-than", "90", "--yes").output
