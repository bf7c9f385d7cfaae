"""Nothing in the ledger's databases is changed or removed unseen."""

import threading
from contextlib import closing

import pytest

from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import segments
from gateway.ledger.stores import open_store
from gateway.ledger.verify import compare, verify_journal, verify_store
from tests.integration.ledger.stored import change, records_of, shipped


def test_an_untouched_ledger_verifies(name, journal):
    with closing(shipped(name, journal)) as store:
        whole = verify_store(store, journal.id, seek=journal.head)
        assert (whole.lines, whole.head, whole.faults, whole.met) == (450, journal.head, (), True)
        assert verify_journal(journal.directory).head == journal.head
        assert compare(store, journal.directory).faults == ()
        assert not verify_store(store, journal.id, seek="of another chain").met


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE attempts SET usd = '0.5' WHERE id = 'r7/1'",
        "UPDATE attempts SET tenant = 'someone-else' WHERE id = 'r7/1'",
        "UPDATE requests SET outcome = 'ok' WHERE id = 'r5'",
        "DELETE FROM attempts WHERE id = 'r7/1'",
        "DELETE FROM gpu_bookings WHERE id = 'g149'",  # the last line of all
        "UPDATE attempts SET line = 1000 WHERE id = 'r149/1'",
    ],
)
def test_a_row_changed_or_removed_is_seen(name, journal, statement):
    shipped(name, journal).close()
    change(name, statement)
    with closing(open_store(name)) as store:
        assert verify_store(store, journal.id).faults
        assert compare(store, journal.directory).faults


def test_after_the_oldest_segments_are_gone_the_rest_still_compares(name, journal):
    with closing(shipped(name, journal)) as store:
        for path in segments(journal.directory)[:2]:
            path.unlink()
        assert compare(store, journal.directory).faults == ()
        assert verify_journal(journal.directory).faults == ()


def test_checkpoints_tell_roughly_where_a_row_was_changed(name, journal, monkeypatch):
    monkeypatch.setattr("gateway.ledger.store.CHECKPOINT_EVERY", 100)
    with closing(shipped(name, journal)) as store:
        ends = [checkpoint.number for checkpoint in store.checkpoints(journal.id)]
        assert ends == [194, 291, 388, 450]  # shipments end at multiples of 97
    change(name, "UPDATE attempts SET tenant = 'x' WHERE id = 'r70/1'")
    with closing(open_store(name)) as store:
        assert verify_store(store, journal.id).faults == (
            "the rows of lines 195 to 291 are not as they were shipped",
        )


def test_a_ledger_that_is_being_written_verifies(name, tmp_path):
    ledger = Ledger.open(name, tmp_path / "busy.journal")
    done = threading.Event()

    def book():
        i = 0
        while not done.wait(0.002):
            ledger.append(*records_of(i))
            i += 1

    thread = threading.Thread(target=book)
    thread.start()
    try:
        with closing(open_store(name)) as store:
            for _ in range(10):
                for journal in store.journals():
                    assert verify_store(store, journal).faults == ()
                assert compare(store, tmp_path / "busy.journal").faults == ()
    finally:
        done.set()
        thread.join()
        ledger.close(60)
