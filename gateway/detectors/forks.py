"""Answers questions from a pipe, each in a fork of this process that is killed at the question's deadline.

This process loads what answering takes once, and then only forks: it never runs what could hang, so that whatever
becomes of one question, the next one is answered. It is the child's end; `apart.py` is the gateway's. Nothing but the
standard library is imported here, since another interpreter may run it.

On the wire both ways: `number, second, length` (see HEAD), then `length` bytes. In a question `second` is the time it
may take in milliseconds; in an answer it is one of ANSWERED, LATE and FAILED. Number 0 says that all is loaded, or why
it is not.
"""

import contextlib
import gc
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from typing import Any, BinaryIO, Final, NoReturn

HEAD: Final = struct.Struct(">IIQ")
ANSWERED: Final = 0
LATE: Final = 1
FAILED: Final = 2

Answer = Callable[[bytearray], bytes]
_PIECE: Final = 1 << 20  # bytes read at a time
_GRACE: Final = (
    1.0  # seconds behind its deadline after which a fork ends even where nobody is left to kill it
)


class Unready(OSError):  # noqa: N818  # it names a state
    """What is needed to answer is not there; `str()` says what to do."""


@dataclass(slots=True)
class _Fork:
    """One question under way: who answers it, until when (monotonic seconds), and what has come so far."""

    number: int
    pid: int
    end: float
    parts: list[bytes] = field(default_factory=list)


def serve(load: Callable[[], Answer], most: int) -> None:
    """Load, say so, and answer up to `most` questions at a time until the pipe is closed."""
    questions = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115  # unbuffered, so that select sees all
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    sys.addaudithook(_no_network)
    try:
        answer = load()
    except Unready as error:
        _write(answers, 0, FAILED, str(error).encode())
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a descriptor is all that is wanted
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)  # what a library says of a text goes into no log
    gc.collect()
    gc.freeze()  # so that forks share it
    _write(answers, 0, ANSWERED, b"")
    with contextlib.suppress(BrokenPipeError):  # the gateway is gone
        _Forks(questions, answers, answer, most).run()


def _no_network(event: str, _arguments: tuple[Any, ...]) -> None:
    """Texts that are judged here go nowhere else."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        raise PermissionError("a detector's process uses no network")


class _Forks:
    """The forks under way."""

    def __init__(self, questions: FileIO, answers: BinaryIO, answer: Answer, most: int) -> None:
        self._questions = questions
        self._answers = answers
        self._answer = answer
        self._most = most
        self._under_way: dict[int, _Fork] = {}  # by the descriptor its answer comes from

    def run(self) -> None:
        """Until the pipe is closed."""
        try:
            while self._step():
                pass
        finally:
            for each in list(self._under_way):
                self._end(each, kill=True)

    def _step(self) -> bool:
        """Wait for something, and see to it; False: the pipe is closed."""
        descriptor = self._questions.fileno()
        watched = list(self._under_way)
        if len(watched) < self._most:
            watched.append(descriptor)
        readable, _, _ = select.select(watched, (), (), self._patience())
        for each in readable:
            if each != descriptor:
                self._hear(each)
        self._end_late()
        return descriptor not in readable or self._take()

    def _patience(self) -> float | None:
        """Seconds until the next deadline."""
        if not self._under_way:
            return None
        return max(0.0, min(fork.end for fork in self._under_way.values()) - time.monotonic())

    def _take(self) -> bool:
        """Fork for the next question; False: there will be none."""
        head = _read(self._questions, HEAD.size)
        if head is None:
            return False
        number, milliseconds, length = HEAD.unpack(head)
        question = _read(self._questions, length)
        if question is None:
            return False
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            for not_its_own in (ours, self._questions.fileno(), self._answers.fileno()):
                os.close(not_its_own)  # or the pipes would outlive this process in its forks
            self._reply(question, theirs, milliseconds / 1000)
        os.close(theirs)
        self._under_way[ours] = _Fork(number, pid, time.monotonic() + milliseconds / 1000)
        return True

    def _reply(self, question: bytearray, to: int, seconds: float) -> NoReturn:
        """In the fork: answer, and end."""
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
            with os.fdopen(to, "wb") as out:
                out.write(self._answer(question))
            status = 0
        finally:
            os._exit(status)

    def _hear(self, descriptor: int) -> None:
        """Take what a fork has written; where that was all, pass it on."""
        fork = self._under_way[descriptor]
        part = os.read(descriptor, _PIECE)
        if part:
            fork.parts.append(part)
            return
        answer = b"".join(fork.parts)
        status = self._end(descriptor, kill=False)
        _write(
            self._answers, fork.number, ANSWERED if status == 0 else FAILED, answer if status == 0 else b""
        )

    def _end_late(self) -> None:
        """End what is past its deadline."""
        now = time.monotonic()
        for descriptor, fork in list(self._under_way.items()):
            if fork.end <= now:
                self._end(descriptor, kill=True)
                _write(self._answers, fork.number, LATE, b"")

    def _end(self, descriptor: int, *, kill: bool) -> int:
        """Have a fork gone, and say how it ended (0: of itself, with its answer written)."""
        fork = self._under_way.pop(descriptor)
        os.close(descriptor)
        if kill:
            os.kill(fork.pid, signal.SIGKILL)  # not waited for yet, so it is still this one's number
        _, status = os.waitpid(fork.pid, 0)
        return os.waitstatus_to_exitcode(status)


def _read(file: FileIO, length: int) -> bytearray | None:
    """So many bytes; None where the pipe ended before."""
    data = bytearray(length)
    view, at = memoryview(data), 0
    while at < length:
        got = file.readinto(view[at:])
        if not got:
            return None
        at += got
    return data


def _write(file: BinaryIO, number: int, status: int, answer: bytes) -> None:
    file.write(HEAD.pack(number, status, len(answer)))
    file.write(answer)
    file.flush()
