"""Actions, feedback and energy in the ledger's databases, real ones."""

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.ledger.journal import Journal
from gateway.ledger.reading import Reader
from gateway.ledger.records import (
    ActionRecord,
    EnergyBooking,
    FeedbackRecord,
    GpuBooking,
    RequestRecord,
)
from gateway.ledger.schema import TABLES
from gateway.ledger.store import Standing
from gateway.ledger.stores import open_store
from gateway.ledger.sums import ENERGY
from gateway.ledger.verify import verify_store
from gateway.ledger.workflows import action_costs
from tests.integration.ledger.stored import ALWAYS, DAY, change

NOON = 20_000 * DAY + DAY // 2


def action(number, outcome, **more):
    shape = {
        "id": f"a{number}", "at": NOON, "tenant": "acme", "workflow": "invoices", "action": f"act-{number}",
        "outcome": outcome, "closed": NOON, "requests": 2, "usd": Decimal("0.10"), "gpu_ns": 10**9,
    }  # fmt: skip
    return ActionRecord(**{**shape, **more})


def booking(number, use, usd):
    return GpuBooking(
        id=f"g{number}", at=NOON, window=NOON, window_ns=10**9, backend="gpu-a", replica="http://a", use=use,
        gpu_ns=10**9, usd=Decimal(usd),
    )  # fmt: skip


RECORDS = (
    RequestRecord(id="r1", at=NOON, tenant="acme", workflow="invoices", action="act-1"),
    RequestRecord(id="r2", at=NOON, tenant="acme", workflow="chat", outcome="failed"),
    RequestRecord(id="r3", at=NOON, tenant="acme", workflow="chat"),
    action(1, "success", judged_by="done"),
    action(2, "failure", judged_by="http"),
    action(3, "unknown"),
    action(7, "unknown", usd=Decimal(0), gpu_ns=0, count=0),  # all at their defaults
    action(4, "unknown", action="", count=7, usd=Decimal("0.7"), workflow="chat", gpu_ns=0),
    action(5, "unknown", action="act-3", count=-1, usd=Decimal("-0.1"), gpu_ns=-(10**9), correction=True),
    action(6, "success", action="act-3", usd=Decimal("0.1"), judged_by="done", correction=True),
    FeedbackRecord(
        id="f1", at=NOON, tenant="acme", metric="done", value="true", outcome="success", action="act-3",
        late=True, tags={"by": "form"},
    ),
    booking(1, "request", "0.3"),
    booking(2, "idle", "0.6"),
    booking(3, "foreign", "0.3"),
    EnergyBooking(
        id="e1", at=NOON, window=NOON, window_ns=10**9, backend="gpu-a", replica="http://a", use="request",
        energy_uj=400_000_000, usd=Decimal("0.00001"),
    ),
    EnergyBooking(
        id="e2", at=NOON, window=NOON, window_ns=10**9, backend="gpu-a", replica="http://a", use="unobserved",
        energy_uj=None,
    ),
)  # fmt: skip


@pytest.fixture
def store(name, tmp_path):  # the fixture
    journal = Journal(tmp_path / "ledger.journal")
    journal.append(*RECORDS)
    journal.flush()
    with closing(open_store(name)) as opened:
        opened.ship(journal.id, Reader(journal.directory).read(journal.last, 1_000))
        yield opened, journal
    journal.close()


def test_cost_per_success_counts_everything_that_was_spent(store):
    found = {each.by[0]: each for each in action_costs(store[0], ("workflow",), *ALWAYS)}
    invoices, chat = found["invoices"], found["chat"]
    assert (invoices.actions, invoices.successes, invoices.failures) == (3, 2, 1)
    assert invoices.coverage == 1.0  # later feedback filled the gap
    assert invoices.usd == Decimal("0.30")
    assert invoices.idle_usd == Decimal("0.9")  # it alone used the GPU
    assert invoices.per_action == Decimal("0.4")
    assert invoices.per_success == Decimal("0.6")
    assert (chat.actions, chat.coverage, chat.per_success, chat.idle_usd) == (7, 0.0, None, 0)


def test_the_new_kinds_are_part_of_the_chain_and_come_back_as_they_were(store):
    opened, journal = store
    walked = verify_store(opened, journal.id, seek=journal.head)
    assert (walked.faults, walked.met, walked.lines) == ((), True, len(RECORDS))
    for kind in ("energy", "action", "feedback"):
        held = {each.id: each for each in opened.records(kind, *ALWAYS)}
        assert list(held.values()) == [each for each in RECORDS if each.id in held]
        assert held


def test_energy_that_nobody_measured_is_null_and_counted_apart(store, name):  # the fixture
    assert change(name, "SELECT energy_uj FROM energy_bookings WHERE id = 'e2'")[0][0] is None
    by_use = {each.by[0]: each for each in store[0].sums(ENERGY, ("use",), *ALWAYS)}
    assert (by_use["request"].energy_uj, by_use["request"].unknown) == (400_000_000, 0)
    assert by_use["unobserved"].unknown == 1


def test_how_an_action_stands_is_told_to_its_own_tenant(store):
    opened, _ = store
    mine = Standing("act-1", "invoices", "success", NOON, Decimal("0.1"), 10**9)
    assert opened.standing("acme", action="act-1") == mine
    assert opened.standing("acme", request="r1") == mine
    assert opened.standing("globex", action="act-1") is None
    assert opened.standing("globex", request="r1") is None
    assert opened.standing("acme", action="never") is None
    later = opened.standing("acme", action="act-3")
    assert later is not None
    assert later.outcome == "success"
    assert opened.standing("acme", request="r2") == Standing("r2", "chat", "failure", NOON)
    assert opened.standing("acme", request="r3") == Standing("r3", "chat", "unknown", NOON)


def test_tables_of_the_version_before_are_upgraded(name):  # the fixture
    open_store(name).close()
    for table in ("actions", "feedback", "energy_bookings", "hourly_actions", "hourly_energy"):
        change(name, f"DROP TABLE {table}")
    change(name, "UPDATE weir_schema SET version = 1")
    with closing(open_store(name)) as opened:
        assert opened.standing("acme", action="x") is None
        assert action_costs(opened, ("workflow",), *ALWAYS) == []
    tables = set(TABLES.values())
    assert isinstance(name, (Path, str))
    assert all(change(name, f"SELECT count(*) FROM {table}") for table in tables)  # noqa: S608  # names of our own
