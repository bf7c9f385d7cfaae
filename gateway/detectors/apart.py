"""Has questions answered by a process of its own: whatever it does holds no loop, and outlives no deadline.

The process loads once and answers each question in a fork (`forks.py`). Should it end, the next question starts it
again. Whatever goes wrong raises, and who asked decides what that means: of a detector, the highest level.
"""

import asyncio
import contextlib
import itertools
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.detectors.forks import ANSWERED, HEAD, LATE, Unready

_PIECE: Final = 1 << 18  # bytes written at a time
_LOADING: Final = (
    120.0  # seconds a process has to load what it needs; compiling patterns anew takes most of them
)
_ROOT: Final = str(Path(__file__).parents[2])
_CHILD: Final = """
import json, sys
pipe, told = sys.stdin.buffer.raw, b""
length = int.from_bytes(pipe.read(8))
while len(told) < length:
    told += pipe.read(length - len(told)) or sys.exit()  # nobody is left to say the rest
task = json.loads(told)
sys.path[:] = task["path"] or [*sys.path, task["root"]]
from importlib import import_module
from gateway.detectors import forks
module, _, name = task["load"].partition(":")
forks.serve(lambda: getattr(import_module(module), name)(task["task"]), task["most"])
"""

Part = bytes | bytearray | memoryview


class NotJudged(RuntimeError):  # noqa: N818  # it names what became of the question
    """There is no answer; `str()` says why, and never quotes the question."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a process is for: a function `module:name` of Weir's that is given `settings` (JSON values) and gives back
    what answers; how many questions it may answer at a time; the interpreter, where it is not Weir's own."""

    load: str
    settings: Mapping[str, Any]
    most: int
    python: str | None = None


class Apart:
    """One such process. Any number of tasks on any loop may ask."""

    def __init__(self, name: str, task: Task) -> None:
        self.name: Final = name
        self._task = task
        self._lock = threading.Lock()
        self._starter = ThreadPoolExecutor(1, f"weir-{name}-start")  # who asks meanwhile waits in its queue
        self._running: _Running | None = None
        self._under_way = 0
        self._closed = False

    def start(self) -> "_Running":
        """Have the process running and ready. Blocks for as long as loading takes. Raises Unready."""
        with self._lock:
            running = self._running
            if running is None or running.ended:
                running = self._running = _Running(self.name, self._task)
            return running

    async def ask(self, parts: list[Part], deadline: float) -> bytes:
        """The answer to the question that these parts make together, in `deadline` seconds from when it is taken up.
        The parts are let go as they are written. Raises NotJudged, Unready."""
        self._under_way += 1
        try:
            running = self._running
            if running is None or running.ended:
                running = await asyncio.get_running_loop().run_in_executor(self._starter, self.start)
            return await asyncio.wrap_future(running.ask(parts, deadline))
        finally:
            self._under_way -= 1
            if self._closed:
                self.close()

    def close(self) -> None:
        """End the process as soon as nothing is under way. Who asks later has it started once more, for that alone."""
        self._closed = True
        if self._under_way == 0 and self._running is not None:
            self._running.end()


class _Running:
    """The process while it runs, with a thread that writes to it and one that reads from it."""

    def __init__(self, name: str, task: Task) -> None:
        """Raises Unready."""
        self._name = name
        self._numbers = itertools.count(1)
        self._asked: queue.SimpleQueue[tuple[Future[bytes], list[Part], float] | None] = queue.SimpleQueue()
        self._waiting: dict[int, Future[bytes]] = {}
        self._end_lock = threading.Lock()  # nothing is asked once it has ended
        self.ended = False
        self._process = _started(task)
        status, told = self._ready()
        if status != ANSWERED:
            self._process.kill()
            self._reap()
            raise Unready(told or f"{name}: its process ended while it was loading")
        self._threads = [
            threading.Thread(target=work, name=f"weir-{name}-{end}", daemon=True)
            for work, end in ((self._write, "questions"), (self._read, "answers"))
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, parts: list[Part], deadline: float) -> Future[bytes]:
        """The answer to come."""
        future: Future[bytes] = Future()
        with self._end_lock:
            if not self.ended:
                self._asked.put((future, parts, deadline))
                return future
        future.set_exception(self._gone())
        return future

    def end(self) -> None:
        """Kill the process; its threads see to the rest."""
        self._note_end()
        self._process.kill()

    def _note_end(self) -> None:
        with self._end_lock:
            self.ended = True

    def _gone(self) -> NotJudged:
        return NotJudged(f"{self._name}: its process ended")

    def _ready(self) -> tuple[int, str]:
        """How loading went, and what the process has to say of it."""
        timer = threading.Timer(_LOADING, self._process.kill)
        timer.start()
        try:
            _, status, said = self._answer()
        except EOFError:
            return LATE, ""
        finally:
            timer.cancel()
        return status, said.decode("utf-8", "replace")

    def _write(self) -> None:
        """Write questions as they come, one after another."""
        assert self._process.stdin is not None  # noqa: S101  # it was opened with a pipe
        while (asked := self._asked.get()) is not None:
            future, parts, deadline = asked
            if not future.set_running_or_notify_cancel():
                continue
            number = next(self._numbers) & 0xFFFFFFFF
            self._waiting[number] = future
            try:
                length = sum(len(part) for part in parts)
                self._process.stdin.write(HEAD.pack(number, max(1, int(deadline * 1000)), length))
                for piece in _pieces(parts):
                    self._process.stdin.write(piece)
                self._process.stdin.flush()
            except OSError:
                self._process.kill()  # half a question is none
                break
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read(self) -> None:
        """Pass answers on as they come, until the process ends."""
        with contextlib.suppress(EOFError):
            while True:
                number, status, answer = self._answer()
                future = self._waiting.pop(number)
                if status == ANSWERED:
                    future.set_result(answer)
                else:
                    why = "did not come to an end" if status == LATE else "failed"
                    future.set_exception(NotJudged(f"{self._name} {why}"))
        self._note_end()
        self._asked.put(None)  # the last there is
        self._threads[0].join()
        self._reap()
        for future in self._waiting.values():
            future.set_exception(self._gone())
        self._waiting.clear()
        self._fail_queued()

    def _fail_queued(self) -> None:
        """Fail what the writer left behind."""
        with contextlib.suppress(queue.Empty):
            while (asked := self._asked.get_nowait()) is not None:
                if asked[0].set_running_or_notify_cancel():
                    asked[0].set_exception(self._gone())

    def _answer(self) -> tuple[int, int, bytes]:
        number, status, length = HEAD.unpack(self._exactly(HEAD.size))
        return number, status, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  # it was opened with a pipe
        data = self._process.stdout.read(length)
        if len(data) < length:
            raise EOFError
        return data

    def _reap(self) -> None:
        """Let go of the process and its pipes."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101  # both were opened
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()


def _started(task: Task) -> subprocess.Popen[bytes]:
    """The process, with its task written to it."""
    try:
        process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter or the configured one
            [task.python or sys.executable, "-I", "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C at a terminal is the gateway's to answer
        )
    except OSError as error:
        raise Unready(f"{task.python or sys.executable} cannot be run: {error.strerror}") from None
    own = [] if task.python else sys.path  # another interpreter has packages of its own
    told = {"path": own, "root": _ROOT, "load": task.load, "task": dict(task.settings), "most": task.most}
    assert process.stdin is not None  # noqa: S101  # it was opened with a pipe
    with contextlib.suppress(OSError):
        text = json.dumps(told).encode()
        process.stdin.write(len(text).to_bytes(8) + text)
        process.stdin.flush()
    return process


def _pieces(parts: list[Part]) -> Iterable[memoryview]:
    """The parts in pieces, none of them copied; each is let go behind its last."""
    parts.reverse()
    while parts:
        view = memoryview(parts.pop())
        for at in range(0, len(view), _PIECE):
            yield view[at : at + _PIECE]
