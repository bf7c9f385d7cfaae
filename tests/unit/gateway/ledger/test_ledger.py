"""The ledger as the gateway holds it."""

import errno

import pytest

from gateway.ledger.journal import JournalLocked
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import RequestRecord
from gateway.ledger.stores import open_store


def record(name):
    return RequestRecord(id=name, at=10**18, tenant="acme")


def ids(path):
    store = open_store(path)
    found = [record.id for record in store.records("request", 0, 2 * 10**18)]
    store.close()
    return found


def test_what_is_appended_is_in_the_database_after_closing(tmp_path):
    ledger = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "journal")
    assert ledger.accepting
    assert ledger.append(record("a"))
    assert ledger.close()
    assert ledger.lag_seconds() == 0
    assert ids(tmp_path / "ledger.sqlite") == ["a"]


def test_a_database_that_was_away_gets_its_rows_at_the_next_start(tmp_path):
    path = tmp_path / "closed" / "ledger.sqlite"
    (tmp_path / "closed").write_text("a file where a directory should be")
    ledger = Ledger.open(path, tmp_path / "journal")
    assert ledger.append(record("a"))
    assert not ledger.close()
    assert ledger.trouble
    (tmp_path / "closed").unlink()
    again = Ledger.open(path, tmp_path / "journal")
    again.append(record("b"))
    assert again.close()
    assert ids(path) == ["a", "b"]


def test_a_new_database_gets_all_that_the_journal_holds(tmp_path):
    first = Ledger.open(tmp_path / "one.sqlite", tmp_path / "journal")
    first.append(record("a"))
    first.close()
    second = Ledger.open(tmp_path / "two.sqlite", tmp_path / "journal")
    second.append(record("b"))
    second.close()
    assert ids(tmp_path / "one.sqlite") == ["a"]
    assert ids(tmp_path / "two.sqlite") == ["a", "b"]


def test_two_processes_cannot_share_a_journal(tmp_path):
    ledger = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "journal")
    with pytest.raises(JournalLocked):
        Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "journal")
    ledger.close()


def test_a_url_of_another_kind_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match="postgresql://"):
        Ledger.open("mysql://host/db", tmp_path / "journal")


def test_a_full_disk_shows_in_accepting(tmp_path, monkeypatch):
    ledger = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "journal")
    real = ledger._journal._write

    def full(file, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    ledger._journal._write = full
    assert ledger.append(record("a")) == 1 > ledger.last
    assert not ledger.accepting
    assert ledger.unbooked == 0
    ledger._journal._write = real
    ledger._journal.flush()
    assert ledger.accepting
    assert ledger.close()
    assert ids(tmp_path / "ledger.sqlite") == ["a"]
