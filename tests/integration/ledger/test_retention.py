"""Rows go when they are old enough, and what is left of the ledger can be verified."""

from contextlib import closing

import pytest

from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import Reader
from gateway.ledger.retention import Unsound, prune
from gateway.ledger.stores import open_store
from gateway.ledger.sums import SPENT
from gateway.ledger.verify import compare, verify_store
from tests.integration.ledger.stored import ALWAYS, DAY, MIDNIGHT, change, records_of, shipped
from tests.integration.waiting import until


def half_of_the_time(count=150):
    """A moment by which half of the records were made, and how many lines they have."""
    return MIDNIGHT + count // 2 * 1_234_567_890_123, count // 2 * 3


def test_old_rows_go_sums_stay_and_the_rest_can_be_verified(name, journal):
    before, lines = half_of_the_time()
    with closing(shipped(name, journal)) as store:
        sums = store.sums(SPENT, ["tenant"], *ALWAYS)
        assert prune(store, before) == lines
        assert [each.id for each in store.records("request", *ALWAYS)] == [f"r{i}" for i in range(75, 150)]
        assert store.sums(SPENT, ["tenant"], *ALWAYS) == sums
        verified = verify_store(store, journal.id)
        assert (verified.faults, verified.last, verified.head) == ((), journal.last, journal.head)
        assert compare(store, journal.directory).faults == ()
        assert prune(store, before) == 0
        journal.append(*records_of(150))
        journal.flush()
        store.ship(journal.id, Reader(journal.directory, 450).read(journal.last, 100))
        assert verify_store(store, journal.id).faults == ()
        assert prune(store, ALWAYS[1]) == 3 * 151 - lines
        assert verify_store(store, journal.id).faults == ()
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 151
    change(name, "DELETE FROM pruned")  # what nobody discarded by the rules is missing
    with closing(open_store(name)) as store:
        assert "missing" in verify_store(store, journal.id).faults[0]


def test_rows_that_were_meddled_with_are_kept_for_a_person_to_see(name, journal):
    before, _ = half_of_the_time()
    shipped(name, journal).close()
    change(name, "DELETE FROM attempts WHERE id = 'r7/1'")
    with closing(open_store(name)) as store:
        with pytest.raises(Unsound, match="lines 23 to 23"):
            prune(store, before)
        assert len(list(store.records("request", *ALWAYS))) == 150


def test_empty_days_are_dropped(postgres, journal):
    url = postgres.fresh()
    partitions = "SELECT count(*) FROM pg_class WHERE relname LIKE 'attempts_2%' AND relkind = 'r'"
    with closing(shipped(url, journal)) as store:
        assert change(url, partitions) == [(3,)]
        prune(store, MIDNIGHT + 2 * DAY)
        assert change(url, partitions) == [(1,)]
        store.ship(journal.id, Reader(journal.directory).read(journal.last, 10_000))


def test_a_ledger_with_a_retention_prunes_by_itself(name, tmp_path):
    first = Ledger.open(name, tmp_path / "own.journal")
    first.append(*records_of(1))  # they are months old, and shipped before the retention is first looked to
    assert first.close(60)
    kept = Ledger.open(name, tmp_path / "own.journal", keep_rows=3600.0)

    def gone():
        with closing(open_store(name)) as store:
            return not list(store.records("request", *ALWAYS))

    with closing(open_store(name)) as store:
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 1
    until(gone)
    assert kept.close(60)
    with closing(open_store(name)) as store:
        assert list(store.records("request", *ALWAYS)) == []
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 1
