"""What queries take on a ledger of many requests: `python -m bench.rollups [--postgres postgresql://…]`.

A day's traffic of every tenant, workflow and route is booked and shipped as a gateway does it; the database then
copies that day, hourly sums and rows, until the hourly tables are those of so many requests over so many days, and the
rows beside them as many as the disk is meant to hold: sums are never asked of rows, which the plans below show.
Printed: the median of several runs of what Weir asks, and how the database finds it. Nothing is deleted afterwards.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Final

from adapters.chat import TokenUsage
from gateway.configuration.settings import BudgetSettings, Ceilings, KeySettings, TenantSettings
from gateway.ledger.bill import bills
from gateway.ledger.focus import Payer, rows
from gateway.ledger.journal import Journal
from gateway.ledger.reading import Reader
from gateway.ledger.records import ActionRecord, AttemptRecord, GpuBooking, Record, RequestRecord, attempt_id
from gateway.ledger.schema import ROLLUPS, TABLES
from gateway.ledger.store import STANDING_ACTION, STANDING_REQUEST, Store
from gateway.ledger.stores import open_store
from gateway.ledger.sums import ACTIONS, ANSWERED, GPU_TIME, SPENT, Question
from gateway.metering.budgets.limits import Allowances
from gateway.metering.budgets.opening import spent_before

_HOUR: Final = 3_600
_DAY: Final = 86_400
_NS: Final = 10**9
_FIRST: Final = 20_000 * _DAY  # the first day's midnight, UTC seconds
_COPIED: Final = ("request", "attempt", "gpu", "action")
_TENANTS, _WORKFLOWS, _MODELS = 20, 5, ("llama-8b", "llama-70b", "gpt-5", "claude")
_ROUTES: Final = ("everyday", "hard")


@dataclass(frozen=True, slots=True)
class Size:
    """How much: `requests` in the hourly sums, `kept` of them as rows, over `days`."""

    requests: int
    kept: int
    days: int


class Database:
    """A connection of one's own: to copy rows, and to ask how a query is run."""

    def __init__(self, name: str) -> None:
        self.postgres: Final = "://" in name
        if self.postgres:
            import psycopg  # noqa: PLC0415  # an optional extra

            self._connection: Any = psycopg.connect(name, autocommit=True, options="-c search_path=weir")
        else:
            self._connection = sqlite3.connect(name, isolation_level=None)
            self._connection.execute("PRAGMA synchronous=OFF")  # of what is made up
        self.mark: Final = "%s" if self.postgres else "?"

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []

    def columns(self, table: str) -> list[str]:
        return [each[0] for each in self._connection.execute(f"SELECT * FROM {table} LIMIT 0").description]  # noqa: S608  # our own names

    def series(self, count: int) -> str:
        """A table whose column `copy` has the numbers from 0 on."""
        if self.postgres:
            return f"generate_series(0, {count - 1}) AS copies(copy)"
        numbers = f"SELECT 0 UNION ALL SELECT copy + 1 FROM c WHERE copy < {count - 1}"  # noqa: S608  # a number
        return f"(WITH RECURSIVE c(copy) AS ({numbers}) SELECT copy FROM c) AS copies"  # noqa: S608  # as above

    def plan(self, query: str, values: Sequence[Any]) -> list[str]:
        """How it reads which table, one of each kind."""
        if self.postgres:
            lines = [line for (line,) in self.run(f"EXPLAIN {query}", values)]
            found = [line.split("  (")[0].strip(" ->") for line in lines if " Scan" in line]
        else:
            found = [line[3] for line in self.run(f"EXPLAIN QUERY PLAN {query}", values)]
            found = [line for line in found if line.startswith(("SCAN", "SEARCH"))]
        return found

    def close(self) -> None:
        self._connection.close()


def a_day() -> Iterator[tuple[Record, ...]]:
    """A request of every tenant, workflow, route and model in every hour of the first day."""
    kinds = product(range(24), range(_TENANTS), range(_WORKFLOWS), zip(_ROUTES * 2, _MODELS, strict=True))
    for number, (hour, tenant, workflow, (route, model)) in enumerate(kinds):
        at = (_FIRST + hour * _HOUR) * _NS + number * 1_000
        yield request_of(f"req-{number:012d}", at, f"tenant-{tenant}", f"workflow-{workflow}", route, model)


def request_of(name: str, at: int, tenant: str, workflow: str, route: str, model: str) -> tuple[Record, ...]:
    """What one request leaves behind, on GPUs of one's own or not."""
    own = model.startswith("llama")
    whose: dict[str, Any] = {"tenant": tenant, "workflow": workflow, "action": f"act-{name}"}
    where: dict[str, Any] = {"route": route, "model": model, "zone": "home" if own else "us"}
    backend = {"backend": "gpu-a" if own else "openai", "replica": "http://10.0.0.4:8000"}
    cost: dict[str, Any] = {
        "at": at,
        "status": 200,
        "usage": TokenUsage(input=1200, cache_read=800, output=350, source="reported"),
        "usd": Decimal("0.005100000"),
        "price_source": "genai-prices 0.2.3 openai/gpt-5",
        "priced_at": date(2026, 11, 21),
        "gpu_ns": 412_345_678 if own else None,
        "ttft_ns": 412_345_678,
        "duration_ns": 3_123_456_789,
    }
    yours = {"key": f"key-{len(name) % 3}", "asked": "auto", "level": "internal", "policy": "3f1c9a0b77de"}
    told: dict[str, Any] = {"reasons": ("complexity 0.82 is at least 0.7",), "rules": ("ip-address-v4",)}
    booking = GpuBooking(
        id=f"gpu-{name}", window=at // _NS * _NS, window_ns=_NS, use="request" if own else "idle", gpu_ns=412_345_678,
        at=at + 2 * _NS, request=name, attempt=attempt_id(name, 1), usd=Decimal("0.00024"), price_source="gpu-a",
        **whose, **where, **backend,
    )  # fmt: skip
    return (
        AttemptRecord(id=attempt_id(name, 1), request=name, n=1, upstream=model, **whose, **where, **backend, **cost),
        RequestRecord(id=name, attempts=1, overhead_ns=312_000, **yours, **told, **whose, **where, **backend, **cost),
        booking,
        ActionRecord(
            id=f"closed-{name}", outcome="success", opened=at, closed=at, at=at, requests=1, usd=Decimal("0.0051"),
            **whose,
        ),
    )  # fmt: skip


def ship(name: str, folder: Path, groups: Iterator[tuple[Record, ...]]) -> str:
    """Book and ship them as a gateway does; the journal's id."""
    journal = Journal(folder)
    for group in groups:
        journal.append(*group)
    journal.flush()
    with closing(open_store(name)) as store:
        reader = Reader(folder)
        while batch := reader.read(journal.last, 2_000):
            store.ship(journal.id, batch)
    journal.close()
    return journal.id


def build(name: str, folder: Path, size: Size) -> str:
    """Make the ledger; the id of the journal that was copied."""
    copied = ship(name, folder / "day", a_day())
    others = (
        request_of(f"first-{day}", (_FIRST + day * _DAY) * _NS, "other", "", "everyday", "gpt-5")
        for day in range(1, size.days)
    )
    ship(name, folder / "others", others)  # which makes each day's partitions
    with closing(Database(name)) as database:
        in_a_day = len(_MODELS) * 24 * _TENANTS * _WORKFLOWS
        factor = max(1, size.requests // size.days // in_a_day)
        for day in range(1, size.days):
            _copy_sums(database, day, factor)
        copies = max(1, size.kept // size.days // in_a_day)
        for day in range(size.days):
            _copy_rows(database, copied, day, copies)
        database.run("ANALYZE")
    return copied


def _copy_sums(database: Database, day: int, factor: int) -> None:
    """The first day's hourly sums, so many times, as another day's."""
    for rollup in ROLLUPS:
        columns = ["hour", *rollup.keys, *(total.name for total in rollup.sums)]
        shifted = [f"hour + {day * _DAY}", *rollup.keys]
        for total in rollup.sums:  # SQLite's money is text, whose product would be a float
            kept = total.money and not database.postgres
            shifted.append(total.name if kept else f"{total.name} * {factor}")
        database.run(
            f"INSERT INTO {rollup.table} ({', '.join(columns)}) SELECT {', '.join(shifted)} FROM {rollup.table} "  # noqa: S608  # our own names
            f"WHERE hour < {_FIRST + _DAY} AND hour >= {_FIRST} ON CONFLICT DO NOTHING"
        )


def _copy_rows(database: Database, journal: str, day: int, copies: int) -> None:
    """The first day's rows, so many times, as another day's."""
    lines = 4 * len(_MODELS) * 24 * _TENANTS * _WORKFLOWS
    until = (_FIRST + _DAY) * _NS
    series = database.series(copies)
    for kind in _COPIED:
        columns = [f'"{name}"' for name in database.columns(TABLES[kind])]
        suffix = f"|| '-{day}-' || copy"
        changed = {
            '"line"': f"line + ({day * copies} + copy) * {lines}",
            '"at"': f"at + {day * _DAY * _NS} + copy",
            '"id"': f"id {suffix}",
            '"request"': f"request {suffix}",
            '"action"': f"action {suffix}",
        }
        source = [changed.get(name, name) for name in columns]
        again = "AND copy > 0" if day == 0 else ""
        database.run(
            f"INSERT INTO {TABLES[kind]} ({', '.join(columns)}) SELECT {', '.join(source)} "  # noqa: S608  # our own names
            f"FROM {TABLES[kind]}, {series} WHERE journal = '{journal}' AND line <= {lines} "
            f"AND at >= {_FIRST * _NS} AND at < {until} {again}"
        )


def timed(ask: Callable[[], object], runs: int = 5) -> float:
    """Its median, in milliseconds."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        ask()
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took)


def span(first: int, days: int) -> tuple[int, int]:
    """Those days (UTC nanoseconds)."""
    start = (_FIRST + first * _DAY) * _NS
    return start, start + days * _DAY * _NS


def sums(store: Store, database: Database, size: Size) -> None:
    """What `weir ledger query`, `requests`, `gpu` and `actions` ask."""
    asked: tuple[tuple[str, Question[Any], tuple[str, ...], int], ...] = (
        ("query, a day by day, tenant, route", SPENT, ("day", "tenant", "route"), 1),
        ("query, 30 days by day, tenant, route", SPENT, ("day", "tenant", "route"), 30),
        ("query, all by day, tenant, route", SPENT, ("day", "tenant", "route"), size.days),
        ("query, all by model", SPENT, ("model",), size.days),
        ("query, a day by hour, workflow, model", SPENT, ("hour", "workflow", "model"), 1),
        ("requests, 30 days by day, route, outcome", ANSWERED, ("day", "route", "outcome"), 30),
        ("gpu, 30 days by day, backend, use", GPU_TIME, ("day", "backend", "use"), 30),
        ("actions, 30 days by workflow", ACTIONS, ("workflow", "outcome"), 30),
    )
    for title, question, by, days in asked:
        start, end = span(size.days - days, days)
        query = question.sql(by, "sum(usd)" if database.postgres else "count(usd)", database.mark)
        plan = database.plan(query, (start // _NS, end // _NS))
        show(title, timed(lambda: store.sums(question, by, start, end)), plan)  # noqa: B023  # asked at once


def lookups(store: Store, database: Database, size: Size) -> None:
    """What looks for one request or action, or is asked at a start."""
    day = size.days // 2
    name = f"req-{1234:012d}-{day}-0"
    tenant = f"tenant-{1234 // 20 % _TENANTS}"
    show(
        "feedback, an old request's standing",
        timed(lambda: store.standing(tenant, request=name)),
        database.plan(STANDING_REQUEST.format(database.mark), (tenant, name)),
    )
    query = STANDING_ACTION.replace("{1}", "count(usd)").format(database.mark)
    show(
        "feedback, an old action's standing",
        timed(lambda: store.standing(tenant, action=f"act-{name}")),
        database.plan(query, (tenant, f"act-{name}")),
    )
    query = f"SELECT * FROM requests WHERE id = {database.mark}"  # noqa: S608  # a parameter's mark
    show("gpu explain, one request", timed(lambda: bills(store, name)), database.plan(query, (name,)))
    start, _ = span(size.days - 30, 30)
    limited = Ceilings(BudgetSettings(usd_per_day=Decimal(1), usd_per_month=Decimal(1)))
    tenants = [
        TenantSettings(f"tenant-{i}", (KeySettings("key-0", "00", ceilings=limited),), {}, limited.budget)
        for i in range(_TENANTS)
    ]
    limits = Allowances(tenants).all()
    asked = [f"{table}: {line}" for table in ("hourly_spend", "hourly_keys") for line in database.plan(
        f"SELECT sum(gpu_ns) FROM {table} WHERE hour >= {start // _NS} AND hour < {start // _NS + 30 * _DAY}", ()  # noqa: S608  # our own names
    )]  # fmt: skip
    noon = start + 15 * _DAY * _NS
    show(
        "start, what budgets of a month have spent",
        timed(lambda: spent_before(store, limits, Decimal(1), noon)),
        asked,
    )
    one = span(size.days - 1, 1)
    show("export focus, a day", timed(lambda: sum(1 for _ in rows(store, *one, Payer())), 3), [])


def show(title: str, took: float, plan: Sequence[str]) -> None:
    print(f"  {title:<44}{took:>9,.1f} ms   {plan[0] if plan else ''}")
    for line in plan[1:3]:
        print(f"{'':<60}{line}")
    if len(plan) > 3:
        print(f"{'':<60}… {len(plan) - 3} more such")


@contextmanager
def building(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{what}: built in {time.perf_counter() - start:,.0f} s")


def measure(name: str, folder: Path, size: Size, *, made: bool) -> None:
    """Build it, unless it is there, and ask."""
    if not made:
        with building(name.partition("@")[0]):
            build(name, folder, size)
    with closing(open_store(name)) as store, closing(Database(name)) as database:
        for table in (*(rollup.table for rollup in ROLLUPS), *(TABLES[kind] for kind in _COPIED)):
            print(f"  {table:<20}{database.run(f'SELECT count(*) FROM {table}')[0][0]:>14,} rows")  # noqa: S608  # our own names
        counted = store.sums(SPENT, (), *span(0, size.days))[0].attempts
        print(f"  the sums are those of {counted:,} requests over {size.days} days")
        sums(store, database, size)
        lookups(store, database, size)


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postgres", help="the URL of an empty database; else a SQLite file")
    parser.add_argument(
        "--folder", type=Path, help="where the SQLite file and journals go  [default: a temporary one]"
    )
    parser.add_argument("--requests", type=int, default=100_000_000, help="in the hourly sums")
    parser.add_argument("--kept", type=int, default=1_000_000, help="of them as rows, four each")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--made", action="store_true", help="it was built before: only ask")
    options = parser.parse_args()
    size = Size(options.requests, options.kept, options.days)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as temporary:
        folder = options.folder or Path(temporary)
        measure(options.postgres or str(folder / "ledger.sqlite"), folder, size, made=options.made)


if __name__ == "__main__":
    main()
