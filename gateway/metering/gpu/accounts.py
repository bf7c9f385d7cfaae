"""The GPU accounts of one gateway: attempts open tickets, engines report, closed windows are booked."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence

from gateway.fleet.engines.reading import Reading
from gateway.metering.gpu.book import ReplicaBook
from gateway.metering.gpu.facts import Booking, GpuBackend
from gateway.metering.gpu.learning import Learner, Memory
from gateway.metering.gpu.rows import InProcessRows, WindowRows
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.turns import Turns


class GpuAccounts:
    """One per process. Times are monotonic nanoseconds; `now_ns` and `wall_ns` are the two clocks read
    together: they fix for good which window a moment belongs to. `gateway` tells gateways apart that share
    `rows`."""

    def __init__(
        self,
        backends: Iterable[GpuBackend],
        *,
        now_ns: int,
        wall_ns: int,
        gateway: str = "gateway",
        rows: WindowRows | None = None,
        rules: Rules | None = None,
        learned: Mapping[str, Memory] | None = None,
        turns: Turns | None = None,
    ) -> None:
        """`learned` is what `learned()` gave before: by `GpuBackend.learns_as`. `turns`: closing a window of many
        requests lets others run in between."""
        self._gateway = gateway
        self._turns = turns or Turns()
        self._rows = rows or InProcessRows()
        self._rules = rules or Rules()
        self._learned = dict(learned or {})
        self._learners: dict[str, Learner] = {}
        self._closing = asyncio.Lock()
        self._opened = itertools.count()
        self._books: dict[tuple[str, str], ReplicaBook] = {}
        self._retired: list[tuple[int, ReplicaBook]] = []  # since when, and which
        self._provisioned: Counter[tuple[str, str]] = Counter()  # by books that are gone
        self.apply(backends, now_ns=now_ns, wall_ns=wall_ns)

    def apply(self, backends: Iterable[GpuBackend], *, now_ns: int, wall_ns: int) -> None:
        """These backends are in force from now on. What stays goes on as it was; GPUs that went are provisioned
        until now, new ones and other numbers of them from now."""
        wanted = {(backend.name, replica): backend for backend in backends for replica in backend.replicas}
        for key, book in list(self._books.items()):
            backend = wanted.get(key)
            if backend is not None and (backend.gpus, backend.guess) == (
                book.backend.gpus,
                book.backend.guess,
            ):
                book.backend = backend
            else:
                self._retired.append((now_ns, self._books.pop(key)))
        for key, backend in wanted.items():
            if key not in self._books:
                writer = f"{self._gateway}:{next(self._opened)}"
                learner = self._learner(backend)
                self._books[key] = ReplicaBook(
                    backend, key[1], writer, self._rows, self._rules, learner, now_ns, wall_ns, self._turns
                )

    def learned(self) -> dict[str, Memory]:
        """What is known of the engines' costs, to be kept for the next process."""
        return {**self._learned, **{name: learner.memory for name, learner in self._learners.items()}}

    def _learner(self, backend: GpuBackend) -> Learner:
        learner = self._learners.get(backend.learns_as)
        if learner is None or learner.guess != backend.guess:
            learner = Learner(backend.guess, self._learned.pop(backend.learns_as, None))
            self._learners[backend.learns_as] = learner
        return learner

    def at(self, backend: str, replica: str) -> ReplicaBook | None:
        """Where attempts there are written; None: it is not on GPUs of ours."""
        return self._books.get((backend, replica))

    def observe(self, backend: str, replica: str, reading: Reading) -> None:
        """A replica's metrics page, or a light sample, has come."""
        book = self._books.get((backend, replica))
        if book is not None:
            book.watch.add(reading)

    def occupied(self, backend: str, replica: str) -> bool:
        """Whether attempts of ours are under way there: what else runs meanwhile need not be sampled."""
        book = self._books.get((backend, replica))
        return book is not None and book.occupied

    def close_windows(self, now_ns: int) -> Sequence[Booking]:
        """Book all windows that can be, each once, without a pause. For rows kept in this process."""
        return _at_once(self._close(now_ns, final=False))

    def finish(self, now_ns: int) -> Sequence[Booking]:
        """Book everything up to now, at the end of the process. Otherwise as `close_windows`."""
        return _at_once(self._close(now_ns, final=True))

    async def close(self, now_ns: int, *, final: bool = False) -> list[Booking]:
        """`close_windows` and `finish` in small slices, and for rows that are shared over a network."""
        async with self._closing:
            return await self._close(now_ns, final=final)

    async def _close(self, now_ns: int, *, final: bool) -> list[Booking]:
        booked: list[Booking] = []
        retired, self._retired = self._retired, []
        for since, book in retired:
            booked += await _close_book(book, since, final=True)
            if book.open and not final:
                self._retired.append((since, book))
            else:
                self._provisioned[book.backend.name, book.replica] += book.provisioned_ns
        for book in list(self._books.values()):
            booked += await _close_book(book, now_ns, final=final)
        return booked

    def provisioned(self, backend: str, replica: str) -> int:
        """GPU ns provisioned in all the windows booked so far, by the clock alone."""
        key = (backend, replica)
        books = [book for _, book in self._retired] + list(self._books.values())
        return self._provisioned[key] + sum(
            book.provisioned_ns for book in books if (book.backend.name, book.replica) == key
        )


async def _close_book(book: ReplicaBook, now_ns: int, *, final: bool) -> list[Booking]:
    booked: list[Booking] = []
    await book.announce(now_ns)
    while book.closable(now_ns, final=final) and await book.agreed(now_ns, final=final):
        booked += await book.close_next(now_ns)
    return booked + await book.tidy(final=final)


def _at_once(closing: Coroutine[object, None, list[Booking]]) -> list[Booking]:
    """The result of a coroutine that never waits."""
    try:
        closing.send(None)
    except StopIteration as done:
        return list(done.value)
    closing.close()
    raise RuntimeError("closing takes pauses here: await close() instead")
