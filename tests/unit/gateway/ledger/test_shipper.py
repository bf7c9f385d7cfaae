"""Lines reach the store once each, however often the store goes away."""

import threading
from pathlib import Path

import pytest

from gateway.ledger.journal import Journal
from gateway.ledger.reading import segments
from gateway.ledger.records import RequestRecord
from gateway.ledger.shipper import Shipper
from gateway.ledger.store import Cursor, StoreUnavailable


class FakeStore:
    """A store in memory that can be away, or lose the connection after it has committed."""

    def __init__(self):
        self.lines = []
        self.held = {}
        self.away = False
        self.claimed = []
        self.taken = False
        self.drop_after_commit = False
        self.shipments = 0
        self.changed = threading.Condition()

    def connect(self):
        if self.away:
            raise StoreUnavailable("away")
        return self

    def claim(self, journal, *, alone):
        if self.taken:
            raise StoreUnavailable("another gateway ships here")
        self.claimed.append((journal, alone))

    def cursor(self, journal):
        return self.held.get(journal)

    def ship(self, journal, lines):
        with self.changed:
            if self.away:
                raise StoreUnavailable("away")
            self.lines.extend(lines)
            self.held[journal] = Cursor(lines[-1].number, lines[-1].digest)
            self.shipments += 1
            self.changed.notify_all()
            if self.drop_after_commit:
                self.drop_after_commit = False
                raise StoreUnavailable("the connection was lost")

    def close(self):
        pass

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.lines) >= count, 60)

    @property
    def ids(self):
        return [line.members["id"] for line in self.lines]


class Clock:
    def __init__(self):
        self.ns = 1_000

    def __call__(self):
        return self.ns


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal", segment_bytes=2_000, sync_seconds=0.001)
    yield journal
    if not journal._stopped:
        journal.close()


@pytest.fixture
def ship(journal, store, clock):
    shippers = []

    def begin(**options):
        shippers.append(
            Shipper(
                journal,
                store.connect,
                now=clock,
                **{"keep_segments": 100, "first_pause": 0.01, "pace": 0.0, **options},
            )
        )
        return shippers[-1]

    yield begin
    for shipper in shippers:
        shipper.drain(5)


def write(journal, *names):
    for name in names:
        journal.append(RequestRecord(id=name, at=1, tenant="acme"))


def test_lines_arrive_in_order(journal, store, ship):
    ship()
    names = [f"r{i}" for i in range(50)]
    write(journal, *names)
    store.wait_for(50)
    assert store.ids == names


def test_a_store_that_is_away_loses_nothing_and_shows_as_lag(journal, store, clock, ship):
    store.away = True
    shipper = ship()
    write(journal, "a", "b")
    clock.ns += 3_600_000_000_000
    assert shipper.lag_seconds() >= 3_599
    store.away = False
    store.wait_for(2)
    assert store.ids == ["a", "b"]


def test_a_connection_lost_after_the_commit_doubles_nothing(journal, store, ship):
    ship()
    store.drop_after_commit = True
    write(journal, "a")
    store.wait_for(1)
    write(journal, "b")
    store.wait_for(2)
    assert store.ids == ["a", "b"]


def test_closing_ships_what_is_synced(journal, store, ship):
    shipper = ship()
    write(journal, "a", "b", "c")
    journal.flush()
    assert shipper.drain(5)
    assert store.ids == ["a", "b", "c"]
    assert shipper.lag_seconds() == 0


def test_closing_without_the_store_says_so(journal, store, ship):
    store.away = True
    shipper = ship()
    write(journal, "a")
    journal.flush()
    assert not shipper.drain(5)
    assert shipper.trouble == "away"


def test_what_the_disk_does_not_hold_for_sure_is_not_shipped(tmp_path, store, clock):
    def sync(file):
        raise OSError(5, "Input/output error")

    journal = Journal(tmp_path / "other", sync=sync, sync_seconds=0.001)
    write(journal, "a")
    shipper = Shipper(journal, store.connect, now=clock, keep_segments=1)
    journal.flush()
    assert not shipper.drain(5)
    assert store.lines == []
    journal.close()


def test_shipped_segments_go_but_for_the_newest(journal, store, ship):
    shipper = ship(keep_segments=2)
    write(journal, *(f"r{i}" for i in range(200)))
    store.wait_for(200)
    journal.flush()
    shipper.drain(5)
    assert len(segments(journal.directory)) == 3  # the one being written, and two
    assert store.ids == [f"r{i}" for i in range(200)]


def test_segments_not_shipped_stay(journal, store, ship):
    store.away = True
    shipper = ship(keep_segments=1)
    write(journal, *(f"r{i}" for i in range(200)))
    journal.flush()
    before = len(segments(journal.directory))
    assert not shipper.drain(5)
    assert before > 5
    assert len(segments(journal.directory)) == before


@pytest.mark.parametrize("number", [1, 99])
def test_a_journal_put_back_from_an_old_copy_is_not_shipped_over_newer_rows(journal, store, ship, number):
    store.held[journal.id] = Cursor(number, "of another line")
    write(journal, "a")
    journal.flush()
    shipper = ship()
    assert not shipper.drain(5)
    assert store.lines == []
    assert "old copy" in shipper.trouble


def test_a_damaged_line_stops_the_shipping_and_says_so(journal, store, ship):
    write(journal, "a", "b")
    journal.flush()
    path: Path = segments(journal.directory)[0]
    path.write_bytes(path.read_bytes().replace(b'{"n":1', b'{"x:1'))
    shipper = ship()
    assert not shipper.drain(5)
    assert store.lines == []
    assert shipper.trouble
