"""What tests of the ledger's databases store: the records of 150 requests, each different from the others, and how they
get there."""

import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.chat import TokenUsage
from gateway.ledger.reading import Reader
from gateway.ledger.records import AttemptRecord, GpuBooking, RequestRecord, attempt_id
from gateway.ledger.stores import open_store

DAY = 86_400 * 10**9
MIDNIGHT = 20_000 * DAY  # some midnight, UTC
ALWAYS = (0, 30_000 * DAY)


def change(name, statement):
    """Ask or meddle with the database behind the ledger's back."""
    if isinstance(name, Path):
        with closing(sqlite3.connect(name, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(name, autocommit=True, options="-c search_path=weir") as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def records_of(i):
    """One request's records, different from every other's."""
    usage = TokenUsage(input=100 + i, cache_read=i, output=7, reasoning=i % 3, source="reported")
    usd = None if i % 10 == 0 else Decimal(i).scaleb(-9) + Decimal("0.000000125")
    at = MIDNIGHT + i * 1_234_567_890_123
    common = {
        "at": at,
        "tenant": f"tenant-{i % 3}",
        "workflow": "invoices" if i % 2 else "",
        "route": f"route-{i % 4}",
        "model": "gpt-5",
        "backend": "openai",
        "zone": "us",
        "usage": usage,
        "usd": usd,
        "price_source": "test",
        "priced_at": date(2026, 1, 1 + i % 28),
    }
    request = RequestRecord(
        id=f"r{i}",
        types={"EMAIL_ADDRESS": i},
        rules=("a", "b"),
        dropped={"llama": "its zone lies outside · „quoted“ \n\t\\N"},
        complexity=i / 7,
        outcome="ok" if i % 5 else "failed",
        stream=bool(i % 2),
        key=f"key-{i % 2}",
        attempts=1,
        gpu_ns=i * 1000,
        **common,
    )
    attempt = AttemptRecord(
        id=attempt_id(f"r{i}", 1),
        request=f"r{i}",
        n=1,
        components={} if usd is None else {"tokens": usd},
        gpu_ns=i * 1000,
        **common,
    )
    booking = GpuBooking(
        id=f"g{i}",
        at=at,
        window=at // 10**9 * 10**9,
        window_ns=10**9,
        backend="gpu-a",
        replica="http://127.0.0.1:8000",
        use="request",
        gpu_ns=-i if i % 6 == 0 else i,
        correction=i % 6 == 0,
        usd=Decimal("0.000000000000001"),
    )
    return request, attempt, booking


def shipped(name, journal, batch=97):
    store = open_store(name)
    lines = Reader(journal.directory).read(journal.last, 10_000)
    for i in range(0, len(lines), batch):
        store.ship(journal.id, lines[i : i + batch])
    return store
