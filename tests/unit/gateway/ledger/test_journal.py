"""The journal keeps what it acknowledged: through torn tails, full disks, restarts and rotation."""

import errno
import os
import shutil
import threading

import pytest

from gateway.ledger.journal import Journal, JournalLocked
from gateway.ledger.reading import chained, genesis, journal_id, read_lines, segments
from gateway.ledger.records import AttemptRecord, RequestRecord
from gateway.ledger.verify import verify_journal


def record(name, at=1):
    return RequestRecord(id=name, at=at, tenant="acme")


@pytest.fixture
def opened(tmp_path):
    """Opens journals in one directory, and closes what the test left open."""
    journals = []

    def open_journal(**options):
        journals.append(Journal(tmp_path / "journal", **options))
        return journals[-1]

    yield open_journal
    for journal in journals:
        if not journal._stopped:
            journal.close()


def names(journal):
    return [line.members["id"] for path in segments(journal.directory) for line in read_lines(path)]


def test_what_is_acknowledged_is_in_the_file_at_once(opened):
    journal = opened()
    assert journal.append(record("a"), record("b"))
    assert names(journal) == ["a", "b"]
    assert journal.last == 2


def test_one_request_is_one_write(opened):
    writes = []

    def write(file, text):
        writes.append(text)
        return os.write(file, text)

    journal = opened(write=write)
    journal.append(record("a"), AttemptRecord(id="a/1", request="a", n=1, at=1, tenant="acme"))
    assert [text.count(b"\n") for text in writes] == [2]


def test_the_chain_begins_with_the_journals_own_id_and_binds_every_line(opened):
    journal = opened()
    journal.append(record("a"))
    journal.append(record("b"))
    digest = genesis(journal_id(journal.directory))
    for line in read_lines(segments(journal.directory)[0]):
        digest = chained(digest, line.number, line.kind, line.body)
        assert line.digest == digest
    assert journal.head == digest


def test_a_journal_goes_on_where_it_stopped(opened):
    first = opened()
    first.append(record("a"))
    first.close()
    second = opened()
    second.append(record("b"))
    assert second.id == first.id
    assert names(second) == ["a", "b"]
    assert verify_journal(second.directory).faults == ()


@pytest.mark.parametrize("torn", [b"{", b'{"n":2,"digest":"ab","kind":"request","record":{"id":"x"'])
def test_a_torn_last_line_is_cut_off(opened, torn):
    journal = opened()
    journal.append(record("a"))
    journal.close()
    path = segments(journal.directory)[0]
    path.write_bytes(path.read_bytes() + torn)
    again = opened()
    again.append(record("b"))
    assert names(again) == ["a", "b"]
    assert verify_journal(again.directory).faults == ()
    assert not list(again.directory.glob("*.damaged"))


def test_blocks_a_power_cut_left_unwritten_are_put_aside(opened, caplog):
    journal = opened()
    journal.append(record("a"))
    journal.close()
    path = segments(journal.directory)[0]
    path.write_bytes(path.read_bytes() + bytes(512) + b'\n{"n":9}\n')
    again = opened()
    again.append(record("b"))
    assert names(again) == ["a", "b"]
    assert [aside.read_bytes()[:3] for aside in again.directory.glob("*.damaged")] == [b"\0\0\0"]
    assert "put aside" in caplog.text


def test_a_segment_begun_but_not_written_carries_the_chain_on(opened):
    journal = opened()
    journal.append(record("a"))
    journal.close()
    (journal.directory / f"{2:020d}.jsonl").touch()
    again = opened()
    again.append(record("b"))
    assert names(again) == ["a", "b"]
    assert verify_journal(again.directory).faults == ()


def test_long_journals_are_cut_into_segments(opened):
    journal = opened(segment_bytes=600)
    for i in range(20):
        journal.append(record(f"r{i}"))
    assert len(segments(journal.directory)) > 2
    assert names(journal) == [f"r{i}" for i in range(20)]
    journal.close()
    again = opened()
    again.append(record("last"))
    verified = verify_journal(again.directory)
    assert (verified.lines, verified.faults) == (21, ())


def test_one_process_alone_may_write(opened):
    opened()
    with pytest.raises(JournalLocked, match="another Weir process"):
        opened()


class Disk:
    """A disk that can be full: fails outright, or takes a part of the write."""

    def __init__(self):
        self.room = None  # None: plenty

    def write(self, file, text):
        if self.room is None:
            return os.write(file, text)
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(file, text[: self.room])


@pytest.mark.parametrize("room", [0, 10])
def test_a_full_disk_under_refuse_takes_no_new_request_and_loses_none_under_way(opened, room):
    disk = Disk()
    journal = opened(write=disk.write)
    journal.append(record("a"))
    disk.room = room
    assert journal.append(record("b")) == 2
    assert journal.append(record("c")) == 3
    assert journal.last == 1
    assert not journal.accepting
    assert names(journal) == ["a"]
    disk.room = None
    journal.flush()
    assert journal.accepting
    assert journal.append(record("d")) == journal.last == 4
    numbered = [
        (line.number, line.members["id"]) for path in segments(journal.directory) for line in read_lines(path)
    ]
    assert numbered == [*enumerate("abcd", 1)], "as their numbers were told"
    assert journal.unbooked == 0
    assert verify_journal(journal.directory).faults == ()


def test_records_that_come_after_the_end_are_counted_as_lost(opened):
    journal = opened()
    journal.append(record("a"))
    journal.close()
    assert not journal.append(record("b"))
    assert journal.unbooked == 1
    assert names(journal) == ["a"]


def test_a_disk_still_full_at_the_end_is_no_secret(opened, caplog):
    disk = Disk()
    journal = opened(write=disk.write)
    disk.room = 0
    journal.append(record("a"))
    journal.close()
    assert journal.unbooked == 1
    assert "1 of the ledger's records are lost" in caplog.text


def test_a_part_of_a_line_that_could_not_be_cut_off_is_cut_off_before_the_next(opened, monkeypatch):
    disk = Disk()
    journal = opened(write=disk.write)
    journal.append(record("a"))
    disk.room = 10
    with monkeypatch.context() as patched:

        def fail(file, size):
            raise OSError(errno.EIO, "Input/output error")

        patched.setattr("gateway.ledger.journal.os.ftruncate", fail)
        journal.append(record("b"))
    disk.room = None
    journal.flush()
    journal.append(record("c"))
    assert names(journal) == ["a", "b", "c"]


def test_what_is_lined_up_is_written_together_and_in_order(opened):
    disk = Disk()
    journal = opened(write=disk.write)
    assert journal.line_up([record("a")]) == 1
    assert journal.line_up([record("b"), record("c")]) == 3
    assert journal.last == 0, "nothing is written yet"
    journal.write_out()
    assert journal.last == 3
    assert journal.line_up([record("d")]) == 4
    assert journal.append(record("e")) == 5, "what was lined up before it is written before it"
    assert names(journal) == ["a", "b", "c", "d", "e"]


def test_many_lines_do_not_wait_for_anyone(opened):
    journal = opened()
    for number in range(200):
        journal.line_up([record(str(number))])
    assert journal.last >= 100
    journal.flush()
    assert names(journal) == [str(number) for number in range(200)]


def test_what_is_lined_up_on_a_full_disk_waits_for_room(opened):
    disk = Disk()
    journal = opened(write=disk.write)
    journal.line_up([record("a")])
    disk.room = 0
    journal.write_out()
    assert not journal.accepting
    assert journal.line_up([record("b")]) == 2
    disk.room = None
    journal.flush()
    assert names(journal) == ["a", "b"]


def test_a_full_disk_under_unbooked_goes_on_and_counts(opened):
    disk = Disk()
    journal = opened(write=disk.write, full_disk="unbooked")
    disk.room = 0
    assert not journal.append(record("a"), record("b"))
    assert journal.accepting
    assert journal.unbooked == 2
    journal.flush()
    assert journal.full, "there is no more room than before"
    assert journal.trouble.endswith("requests are served and not booked until it can")
    disk.room = None
    journal.flush()
    assert journal.trouble == ""
    assert journal.append(record("c"))
    assert names(journal) == ["c"]


def test_a_segment_that_could_not_be_synced_is_synced_before_what_came_behind_it_counts(opened):
    refusing, synced = threading.Event(), []

    def sync(file):
        if refusing.is_set():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(file)
        synced.append(os.fstat(file).st_ino)

    journal = opened(sync=sync, segment_bytes=1)
    refusing.set()
    for name in "abc":
        journal.append(record(name))
        journal.flush()
    assert (journal.synced, journal.failing) == (0, True)
    refusing.clear()
    journal.flush()
    assert (journal.synced, journal.failing) == (3, False)
    assert {path.stat().st_ino for path in segments(journal.directory)} <= set(synced)


def test_only_what_is_on_the_disk_itself_counts_as_synced(opened):
    allowed = threading.Event()

    def sync(file):
        if not allowed.is_set():
            raise OSError(errno.EIO, "Input/output error")

    journal = opened(sync=sync)
    journal.append(record("a"))
    journal.flush()
    assert (journal.last, journal.synced, journal.failing) == (1, 0, True)
    allowed.set()
    journal.flush()
    assert (journal.synced, journal.failing) == (1, False)


def test_threads_append_without_mixing_lines(opened):
    journal = opened()

    def write(thread):
        for i in range(200):
            journal.append(record(f"{thread}-{i}"), record(f"{thread}-{i}b"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verified = verify_journal(journal.directory)
    assert (verified.lines, verified.faults) == (1600, ())
    assert len(set(names(journal))) == 1600


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'"id":"r2"', b'"id":"x2"', "line 3: the digest does not fit"),
        (b'"kind":"request","record":{"id":"r2"', b'"kind":"attempt","record":{"id":"r2"', "line 3"),
        (None, None, "lines 3 to 3 are missing"),
    ],
)
def test_a_changed_or_missing_line_breaks_the_chain(opened, old, new, fault):
    journal = opened()
    for i in range(5):
        journal.append(record(f"r{i}"))
    journal.close()
    path = segments(journal.directory)[0]
    if old is None:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:2] + lines[3:]))
    else:
        path.write_bytes(path.read_bytes().replace(old, new))
    assert fault in verify_journal(journal.directory).faults[0]


def test_what_is_appended_together_is_kept_together_wherever_a_kill_cuts_its_write(tmp_path):
    whole = Journal(tmp_path / "whole")
    for name in "abc":
        attempts = [AttemptRecord(id=f"{name}/{n}", request=name, n=n, at=1, tenant="acme") for n in (1, 2)]
        whole.line_up([*attempts, record(name)])
    whole.write_out()
    whole.close()
    (path,) = segments(whole.directory)
    text = path.read_bytes()
    for end in {*range(0, len(text), 13), *(at + 1 for at, byte in enumerate(text) if byte == ord("\n"))}:
        cut = tmp_path / f"cut-{end}"
        shutil.copytree(whole.directory, cut)
        (cut / path.name).write_bytes(text[:end])
        journal = Journal(cut)
        try:
            kinds = [line.kind for line in read_lines(cut / path.name)]
            assert kinds == ["attempt", "attempt", "request"] * (text[:end].count(b"\n") // 3)
            assert journal.last == len(kinds)
            assert not list(cut.glob("*.damaged")), "nobody was told of what is gone"
        finally:
            journal.close()
        assert verify_journal(cut).faults == ()
