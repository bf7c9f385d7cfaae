"""Shipping from a process of its own: it survives its process's death, and hides the database's password."""

import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from gateway.ledger import apart
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import RequestRecord


def record(number: int) -> RequestRecord:
    return RequestRecord(id=f"req-{number}", at=1_800_000_000_000_000_000 + number, tenant="acme")


def shipped(database: Path) -> int:
    if not database.exists():
        return 0
    connection = sqlite3.connect(database)
    try:
        count: int = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
    except sqlite3.OperationalError:  # no table yet
        return 0
    else:
        return count
    finally:
        connection.close()


def wait_until_shipped(database: Path, count: int) -> None:
    deadline = time.monotonic() + 30
    while shipped(database) < count:
        assert time.monotonic() < deadline, f"{shipped(database)} of {count} rows arrived"
        time.sleep(0.05)


def test_a_process_that_is_killed_is_started_again_and_nothing_is_doubled(tmp_path: Path) -> None:
    database = tmp_path / "ledger.sqlite"
    ledger = Ledger.open(database, tmp_path / "journal")
    try:
        ledger.append(*(record(i) for i in range(50)))
        wait_until_shipped(database, 50)
        process = ledger._shipper._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        ledger.append(*(record(i) for i in range(50, 80)))
        wait_until_shipped(database, 80)
    finally:
        assert ledger.close()
    assert shipped(database) == 80
    assert ledger.lag_seconds() == 0


def test_a_process_that_no_longer_listens_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "ledger.sqlite"
    with monkeypatch.context() as deaf:
        deaf.setattr(apart, "_CHILD", "import os, time; os.close(0); time.sleep(3)")
        ledger = Ledger.open(database, tmp_path / "journal")
        while ledger._shipper._process is None:
            time.sleep(0.01)
        time.sleep(1)  # it is deaf by then
    try:
        ledger.append(record(1))
        wait_until_shipped(database, 1)
    finally:
        assert ledger.close()


def test_a_process_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "ledger.sqlite"
    with monkeypatch.context() as starved:
        starved.setattr(sys, "executable", str(tmp_path / "no-python"))
        ledger = Ledger.open(database, tmp_path / "journal")
        deadline = time.monotonic() + 20
        while "cannot be started" not in ledger.trouble:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    try:
        ledger.append(record(1))
        wait_until_shipped(database, 1)
    finally:
        assert ledger.close()


def test_the_store_is_not_named_in_the_process_list(tmp_path: Path) -> None:
    ledger = Ledger.open("postgresql://weir:hunter2@127.0.0.1:1/weir", tmp_path / "journal")
    try:
        process = ledger._shipper._process
        deadline = time.monotonic() + 10
        while (process := ledger._shipper._process) is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"hunter2" not in arguments + environment
    finally:
        ledger.append(record(1))
        assert not ledger.close(timeout=1), "no database took the row"
