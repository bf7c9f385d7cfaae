"""`weir ledger actions`: what a success costs, as a table, JSON and CSV."""

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.ledger import ledger as command
from gateway.ledger.journal import Journal
from gateway.ledger.reading import Reader
from gateway.ledger.records import ActionOutcome, ActionRecord
from gateway.ledger.stores import open_store

AT = 1_780_000_000_000_000_000
SPAN = ("--from", "2026-01-01", "--to", "2026-12-31")


def action(number: int, outcome: ActionOutcome, workflow: str, usd: str, count: int = 1) -> ActionRecord:
    return ActionRecord(
        id=f"a{number}", at=AT, tenant="acme", outcome=outcome, workflow=workflow, closed=AT, usd=Decimal(usd),
        count=count,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = tmp_path / "ledger.sqlite"
    with closing(Journal(tmp_path / "ledger.journal")) as journal, closing(open_store(path)) as opened:
        journal.append(
            action(1, "success", "invoices", "0.25"),
            action(2, "failure", "invoices", "0.50"),
            action(3, "unknown", "invoices", "0.25", 2),
            action(4, "unknown", "chat", "1"),
        )
        journal.flush()
        opened.ship(journal.id, Reader(journal.directory).read(journal.last, 100))
    return str(path)


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(command, ["actions", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_all_spend_over_the_successes(store: str) -> None:
    rows = {row["workflow"]: row for row in json.loads(ask("--store", store, *SPAN, "--format", "json"))}
    invoices = rows["invoices"]
    assert (invoices["actions"], invoices["successes"], invoices["coverage"]) == (4, 1, 0.5)
    assert (Decimal(invoices["usd_per_action"]), Decimal(invoices["usd_per_success"])) == (Decimal("0.25"), 1)
    assert (rows["chat"]["coverage"], rows["chat"]["usd_per_success"]) == (0.0, None)


def test_the_table_is_for_people(store: str) -> None:
    table = ask("--store", store, *SPAN)
    (line,) = [line for line in table.splitlines() if line.strip().startswith("invoices")]
    assert line.split() == ["invoices", "4", "1", "50.0%", "1.0000", "0.0000", "0.250000", "1.000000", "0"]


def test_grouping_by_what_is_no_dimension_is_refused(store: str) -> None:
    done = CliRunner().invoke(command, ["actions", "--store", store, "--by", "outcome"])
    assert done.exit_code == 2
    assert "'outcome' is not one of" in done.output
    assert (
        "tenant" in ask("--store", store, *SPAN, "--by", "tenant,workflow", "--format", "csv").splitlines()[0]
    )
