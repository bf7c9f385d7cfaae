"""The local journal: every record is one line of a file before the answer's last byte leaves.

A line is written by one `write`, alone or with others of its wave, so a process killed at any moment loses no
acknowledged record; `fsync` runs in groups on a thread of its own, so a machine that loses power loses at most the
last group. Each line carries a digest of itself and of the line before: whoever changes, drops or inserts one breaks
the chain from there on (`weir ledger verify`). The chain shows tampering to whoever kept its head elsewhere;
it cannot stop someone who rewrites the whole journal.

A file of the journal is a segment, named by the number of its first line.
"""

import errno
import fcntl
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from gateway.ledger.encoding import Entry, encoded
from gateway.ledger.reading import SUFFIX, Line, chained, first_of, genesis, journal_id, parse_line, segments
from gateway.ledger.records import Kind, Record

_log = logging.getLogger(__name__)

FullDisk = Literal[
    "refuse",  # take no new request until the disk has room again; what is in flight waits in memory
    "unbooked",  # go on without booking, and count what was lost
]
_MORE: Final = ',"more":1'  # on a line whose next one was appended together with it
_MOST_LINED_UP: Final = 128  # lines that are written together: well under a millisecond
_MEMORY_LINES: Final = 20_000  # of requests in flight while the disk is full: about 20 MB
_ROOM: Final = 64 << 10  # bytes that have to find room before a full disk counts as one that has some
_CONSEQUENCE: Final[dict[FullDisk, str]] = {
    "refuse": "requests are refused until it can",
    "unbooked": "requests are served and not booked until it can",
}


class JournalLocked(Exception):  # noqa: N818  # it names a state
    """Another process writes this journal."""


_Written = tuple[Kind, bytes, str]  # a record's kind, the record, and _MORE or nothing


class Journal:
    """One process's journal, open for writing. `append` may be called from any thread."""

    def __init__(
        self,
        directory: Path,
        *,
        full_disk: FullDisk = "refuse",
        segment_bytes: int = 64 << 20,
        sync_seconds: float = 0.05,
        write: Callable[[int, bytes], int] = os.write,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        """Open or begin the journal in `directory`; a torn last line, of a process that was killed while
        writing, is cut off. Raises JournalLocked, OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory: Final = directory
        self._full_disk = full_disk
        self._segment_bytes = segment_bytes
        self._write = write
        self._sync = sync
        self._lock_file = _locked(directory)
        self.id: Final = _begun(directory)
        self._lock = threading.Lock()  # the journal's end
        self._sync_lock = threading.Lock()  # one group at a time
        self._pending: deque[_Written] = deque()
        self._lined_up: list[_Written] = []
        self.unbooked = 0  # records lost to a full disk, since start
        self.full = False
        self._torn = False  # a failed write may have left a part of a line
        self.failing = False  # the last sync failed: what was written may not survive a power cut
        self._why = ""  # the last write or sync failed
        self._old: list[int] = []  # segments closed for writing, not yet synced
        path, last = _end_of(directory)
        self._number: int = last.number if last else (first_of(path) - 1)
        self._digest: str = last.digest if last else genesis(self.id)
        self._file: int = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size: int = os.fstat(self._file).st_size
        _sync_files(directory)
        self._synced = self._number
        self._wake = threading.Event()
        self._stopped = False
        self.advanced = threading.Event()  # set whenever more lines are safe: the shipper waits on it
        self._syncing = threading.Thread(
            target=self._sync_in_groups, args=(sync_seconds,), name="weir-journal-sync", daemon=True
        )
        self._syncing.start()

    @property
    def accepting(self) -> bool:
        """Whether new requests may begin: always, but on a full disk under `refuse`."""
        return not (self.full and self._full_disk == "refuse")

    @property
    def trouble(self) -> str:
        """Why records are not kept as they should be, and what that means for requests; empty: they are."""
        if self.full:
            return f"the journal cannot be written: {self._why}; {_CONSEQUENCE[self._full_disk]}"
        return f"a power cut would lose the last records: {self._why}" if self.failing else ""

    @property
    def last(self) -> int:
        """The number of the last line written (0: none)."""
        return self._number

    @property
    def synced(self) -> int:
        """The number of the last line known to be on the disk itself."""
        return self._synced

    @property
    def head(self) -> str:
        """The chain's value at the last line."""
        return self._digest

    def append(self, *records: Record | Entry) -> int:
        """Write records, all of them in one `write`; the number of the last one's line. They are kept, whatever
        happens to this process, once `last` is that far.

        On a full disk it is not: under `refuse` they wait in memory and are written when there is room. 0: they
        are lost.
        """
        lines = _together(records)
        with self._lock:
            self._lined_up += lines
            return self._write_lines()

    def line_up(self, records: Sequence[Record | Entry]) -> int:
        """As `append`, but they are written with what others line up meanwhile, and not kept before: by the next
        `append` or `write_out`."""
        lines = _together(records)
        with self._lock:
            self._lined_up += lines
            if self.full or len(self._lined_up) >= _MOST_LINED_UP:
                return self._write_lines()
            return self._number + len(self._lined_up)

    def write_out(self) -> None:
        """Write what is lined up. Whoever acknowledges a record calls it first; all but one find nothing to do."""
        if self._lined_up:
            with self._lock:
                self._write_lines()

    def flush(self) -> None:
        """Write what waits in memory if there is room, and sync. Blocks for as long as the disk takes."""
        self.write_out()
        with self._lock:
            self._retry()
        self._sync_now()

    def close(self) -> None:
        """Flush, and let go of the directory."""
        self._stopped = True
        self._wake.set()
        self._syncing.join()
        self.flush()
        with self._lock:
            self.full, self._full_disk = True, "unbooked"  # what comes from now on is lost, and counted
            lost = len(self._pending)
            self.unbooked += lost
        if lost:
            _log.error("the disk stayed full: %d of the ledger's records are lost", lost)
        for file in (*self._old, self._file, self._lock_file):
            os.close(file)

    def _write_lines(self) -> int:
        """Write what is lined up; the number of its last line, as `append`."""
        lines = self._lined_up
        number = self._keep(lines) if self.full or not self._put(lines) else self._number
        self._lined_up = []  # not before: `write_out` on another thread takes an empty one for all being written
        return number

    def _put(self, lines: list[_Written]) -> bool:
        """Write lines at the journal's end; on a failure the file is as before."""
        number, digest = self._number, self._digest
        parts: list[bytes] = []
        for kind, body, more in lines:
            number += 1
            digest = chained(digest, number, kind, body)
            head = f'{{"n":{number},"digest":"{digest}","kind":"{kind}"{more},"record":'
            parts += (head.encode(), body, b"}\n")
        text = b"".join(parts)
        if self._size and self._size + len(text) > self._segment_bytes and not self._next_segment():
            return False
        try:
            if self._torn:
                self._untear()
            written = self._write(self._file, text)
        except OSError as error:
            return self._refused(error)
        if written != len(text):
            return self._refused(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        self._size += written
        self._number, self._digest = number, digest
        if not self._wake.is_set():  # asking is cheaper than setting again
            self._wake.set()
        return True

    def _refused(self, error: OSError) -> bool:
        self._why = error.strerror or type(error).__name__
        if not self.full:
            consequence = _CONSEQUENCE[self._full_disk]
            _log.error("the ledger's journal cannot be written: %s; %s", self._why, consequence)
        self.full = self._torn = True
        with suppress(OSError):  # else it is tried again before the next write
            self._untear()
        return False

    def _untear(self) -> None:
        """Cut off what a failed write left behind the last whole line."""
        os.ftruncate(self._file, self._size)
        self._torn = False

    def _keep(self, lines: list[_Written]) -> int:
        """A full disk: hold the lines in memory, and say what number the last will have; or count them as lost."""
        if self._full_disk == "refuse" and len(self._pending) < _MEMORY_LINES:
            self._pending.extend(lines)
            return self._number + len(self._pending)
        self.unbooked += len(lines)
        return 0

    def _retry(self) -> None:
        """See whether there is room again: for what waits, and for more than that."""
        if not self.full or not self._has_room():
            return
        if self._put(list(self._pending)):
            self._pending.clear()
            self.full = False
            _log.warning("the ledger's journal can be written again")

    def _has_room(self) -> bool:
        """Try to write blanks at the journal's end, and cut them off again."""
        try:
            if self._torn:
                self._untear()
            self._torn = True
            room = self._write(self._file, b" " * _ROOM) == _ROOM
            self._untear()
        except OSError:
            return False
        return room

    def _next_segment(self) -> bool:
        path = self.directory / f"{self._number + 1:020d}{SUFFIX}"
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            return self._refused(error)
        self._old.append(self._file)
        self._file, self._size = file, 0
        return True

    def _sync_in_groups(self, pause: float) -> None:
        while not self._stopped:
            self._wake.wait(1.0)
            self._wake.clear()
            self.flush()
            time.sleep(pause)

    def _sync_now(self) -> None:
        """Everything written so far, on the disk itself."""
        with self._sync_lock:
            with self._lock:
                if self._number == self._synced:
                    return
                number, files, self._old = self._number, [*self._old, self._file], []
            try:
                for file in files:
                    self._sync(file)
                if len(files) > 1:
                    _sync_directory(self.directory)
            except OSError as error:
                self._why = error.strerror or type(error).__name__
                if not self.failing:
                    _log.error("the ledger's journal cannot be synced: %s", self._why)
                self.failing = True
                with self._lock:
                    self._old = files[:-1] + self._old  # nothing behind them is safe before they are
                return
            self.failing = False
            self._synced = number
            self.advanced.set()
            for file in files[:-1]:
                os.close(file)


def _together(records: Sequence[Record | Entry]) -> list[_Written]:
    """The records as lines that are kept all or none, wherever a kill cuts their write."""
    lines: list[_Written] = [(kind, body, _MORE) for kind, body in map(encoded, records)]
    if lines:
        kind, body, _ = lines[-1]
        lines[-1] = (kind, body, "")
    return lines


def _end_of(directory: Path) -> tuple[Path, Line | None]:
    """The segment to go on writing, and the journal's last sound line; what is torn behind it is cut off, and so are
    lines whose fellows are."""
    paths = segments(directory)
    if not paths:
        return directory / f"{1:020d}{SUFFIX}", None
    for path in reversed(paths):  # a segment begun just before the end may hold no line yet
        last, whole, sound = _sound_end(path)
        if path == paths[-1]:
            _cut(path, whole, sound)
        if last is not None:
            return paths[-1], last
    return paths[-1], None


def _sound_end(segment: Path) -> tuple[Line | None, int, int]:
    """A segment's last line that stands with all that were appended with it, and where it ends; and where the last
    line ends that can be read, all before it too (bytes)."""
    last, whole, end = None, 0, 0
    with segment.open("rb") as file:
        for text in file:
            try:
                line = parse_line(text[:-1]) if text.endswith(b"\n") else None
            except ValueError:
                line = None
            if line is None:
                break
            end += len(text)
            if not line.more:
                last, whole = line, end
    return last, whole, end


def _cut(segment: Path, whole: int, sound: int) -> None:
    """Shorten a segment to its whole lines. What a kill cut short was never acknowledged and goes; anything more
    (blocks that a power cut left unwritten) is put aside for a person to look at."""
    rest = segment.stat().st_size - whole
    if not rest:
        return
    with segment.open("rb") as file:
        file.seek(whole)
        tail = file.read()
    if b"\n" in tail[sound - whole :]:
        aside = segment.with_suffix(".damaged")
        aside.write_bytes(tail)
        _log.error("the journal's last %d bytes cannot be read; they were put aside in %s", rest, aside.name)
    os.truncate(segment, whole)


def _sync_files(directory: Path) -> None:
    """What a killed process wrote but did not sync: at most in the last two segments."""
    for path in segments(directory)[-2:]:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
    _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    """Make the directory's entries (a new segment) as durable as the files."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _locked(directory: Path) -> int:
    file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise JournalLocked(
            f"{directory} is the journal of another Weir process; give each its own"
        ) from None
    return file


def _begun(directory: Path) -> str:
    """The journal's id, made and kept if it has none."""
    path = directory / "journal.id"
    if not path.exists():
        fresh = directory / "journal.id.new"
        fresh.write_text(secrets.token_hex(8) + "\n")
        fresh.replace(path)
    return journal_id(directory)
