"""Requests whose provider still works on the answer (`background`): kept open, and booked once when it is over.

Such a request is one that takes long. Its own records are written when its usage is known, be it that a client looks
or that Weir does, so that no sum knows of anything but whole requests. What will be written stands in the journal
before the client has its first answer, so that whoever is killed, the next process goes on; the request's own line
says that it is over. A snapshot beside the journal spares reading it from the beginning.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Ended
from gateway.dispatch.polling import Standing
from gateway.ledger.encoding import encoded, from_members
from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import Line
from gateway.ledger.records import AttemptRecord, AwaitedRecord, Outcome, RequestRecord
from gateway.metering.actions.actions import Actions
from gateway.metering.budgets.budgets import Budgets, Hold, Spent
from gateway.metering.budgets.limits import Allowances, gpu_micros, nano_dollars
from gateway.metering.charges import NOTHING, Charge, unknown
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.prometheus import Metrics
from gateway.metering.tariffs import Tariff
from gateway.pipeline.journey import summed

_log = logging.getLogger("weir.awaiting")

SOONEST: Final = 0.5  # seconds between two looks at one response;
SHARE: Final = 0.1  # later ones are this share of its age apart,
LATEST: Final = 30.0  # and at most so many seconds
PATIENCE: Final = 10.0  # seconds a look may take
AT_ONCE: Final = 16  # looks
MISSES: Final = 3  # times it may be missing before nobody will tell of it any more
LONGEST: Final = 26 * 3600.0  # seconds: longer than any provider works on a response
_TURN: Final = 0.1  # seconds between two rounds
_NOTE: Final = 1.0  # and between two snapshots,
_A_SECOND: Final = 500.0  # of one more for so many that are open
_LINES: Final = 500  # of the journal, between two of which the loop is free
_NS: Final = 1_000_000_000

Ask = Callable[[str, str, str, str], Awaitable[Standing]]  # backend, replica, its name of the model, response
_OUTCOMES: Final[Mapping[str, Outcome]] = {"failed": "failed", "cancelled": "cancelled"}


@dataclass(slots=True, eq=False)
class Open:
    """One such request. `relayed`: its stream is under way, and will itself say how it ends."""

    record: AwaitedRecord
    hold: Hold | None = None
    tickets: Mapping[str, Ticket] = field(default_factory=dict)  # by attempt, of engines of ours
    relayed: bool = False
    ends: dict[str, Ended | None] = field(default_factory=dict)  # by attempt; None: nobody can tell
    line: int | None = None  # of its own records in the journal, once they are lined up
    due: float = 0.0  # monotonic seconds
    missed: int = 0
    asking: bool = False  # a look is under way
    text: str = ""  # its record, as the snapshot has it

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return (time.time_ns() - self.record.at) / _NS


class Awaiting:
    """One gateway's. `run` must be running."""

    def __init__(
        self,
        ledger: Ledger,
        metrics: Metrics,
        actions: Actions,
        ask: Ask,
        tariffs: Callable[[], Mapping[str, Tariff]],
    ) -> None:
        """`tariffs`: how models are charged now."""
        self._ledger = ledger
        self._metrics = metrics
        self._actions = actions
        self._ask = ask
        self._tariffs = tariffs
        self._open: dict[str, Open] = {}
        self._of_response: dict[str, str] = {}  # response → request
        self._path: Final = ledger.directory / "awaited.json"
        self._before: Final = ledger.last  # what earlier processes wrote
        self._noted: tuple[int, tuple[str, ...]] | None = None
        self._reopened = False
        metrics.watch_awaited(lambda: sum(each.line is None for each in self._open.values()))

    def begin(
        self,
        record: AwaitedRecord,
        hold: Hold | None,
        tickets: Mapping[str, Ticket],
        *,
        relayed: bool = False,
    ) -> None:
        """The provider has begun: keep the request open. The record is lined up to be written."""
        self._ledger.line_up(record)
        self._keep(Open(record, hold, tickets, relayed, due=time.monotonic() + SOONEST))

    def over(self, request: str, line: int) -> None:
        """A request whose stream said all was booked as others are, in that line of the journal."""
        if request in self._open:
            self._open[request].line = line

    def told(self, response: str, ended: Ended) -> None:
        """Somebody looked, and the response has ended: book its request, unless that is done."""
        found = self._open.get(self._of_response.get(response, ""))
        if found is not None and not found.relayed and found.line is None:
            self._ended(found, response, ended)

    async def look(self, response: str) -> None:
        """Ask how a response stands now, if its request is open: soon nobody may be able to."""
        found = self._open.get(self._of_response.get(response, ""))
        if found is not None and not found.relayed and found.line is None:
            await self._look(found)

    async def reopen(self, budgets: Budgets, allowances: Allowances) -> None:
        """Keep open what an earlier process left so, and hold its budgets for it again."""
        try:
            await self._read()
        except (OSError, ValueError) as error:
            kept = self._path.with_suffix(".unread")
            with contextlib.suppress(OSError):
                await asyncio.to_thread(
                    self._path.replace, kept
                )  # the next snapshot would be written over it
            _log.error(
                "some of what was awaited may stay unbooked; what it was is kept as %s: %s", kept.name, error
            )
        self._reopened = True
        await self.note()  # from here on a snapshot stands
        for each in self._open.values():
            if each.record.held:
                each.hold = await _held_again(each.record, budgets, allowances)

    async def run(self) -> None:
        """Look at what is due, for as long as the task lives."""
        noted = 0.0
        async with asyncio.TaskGroup() as looks:
            while True:
                now = time.monotonic()
                for each in self._due(now):
                    each.asking = True
                    looks.create_task(self._look(each))
                if now - noted >= _NOTE + len(self._open) / _A_SECOND:
                    await self.note()
                    noted = now
                await asyncio.sleep(_TURN)

    def _due(self, now: float) -> list[Open]:
        """Those to look at now, the longest due first."""
        waiting = [each for each in self._open.values() if each.line is None and not each.relayed]
        free = AT_ONCE - sum(each.asking for each in waiting)
        due = [each for each in waiting if each.due <= now and not each.asking]
        return sorted(due, key=lambda each: each.due)[: max(0, free)]

    async def note(self) -> None:
        """Keep what is open now, and the line up to which that is so."""
        if not self._reopened:
            return  # what an earlier process left is not known yet
        line = self._ledger.last
        for request in [
            name for name, each in self._open.items() if each.line is not None and each.line <= line
        ]:
            gone = self._open.pop(request)
            for response in gone.record.responses.values():
                self._of_response.pop(response, None)
        state = (line, tuple(self._open))
        if state != self._noted:
            text = f'{{"line": {line}, "open": [{", ".join([each.text for each in self._open.values()])}]}}'
            try:
                await asyncio.to_thread(_write, self._path, text)
            except OSError:
                return  # the one before still holds: more of the journal is read, no less
            self._noted = state

    async def _read(self) -> None:
        """What the snapshot and the journal behind it say. Raises OSError, ValueError."""
        if not self._path.exists():
            return
        noted = json.loads(await asyncio.to_thread(self._path.read_text))
        for found in noted["open"]:
            self._take(found)
        reader = self._ledger.reader(noted["line"])
        while lines := await asyncio.to_thread(reader.read, self._before, _LINES):
            for line in lines:
                self._replay(line)

    def _replay(self, line: Line) -> None:
        if line.kind == "awaited":
            self._take(line.members)
        elif line.kind == "request" and self._open:
            self._open.pop(line.members["id"], None)

    def _take(self, found: Mapping[str, Any]) -> None:
        self._keep(Open(cast(AwaitedRecord, from_members("awaited", found))))

    def _keep(self, open_: Open) -> None:
        open_.text = encoded(open_.record)[1].decode()
        self._open[open_.record.id] = open_
        for response in open_.record.responses.values():
            self._of_response[response] = open_.record.id

    async def _look(self, open_: Open) -> None:
        """Ask for each of its responses that has not ended."""
        try:
            await self._ask_for(open_)
        finally:
            open_.asking = False

    async def _ask_for(self, open_: Open) -> None:
        open_.due = time.monotonic() + min(max(open_.age * SHARE, SOONEST), LATEST)
        for attempt in open_.record.attempts:
            response = open_.record.responses.get(attempt["id"])
            if response is None or attempt["id"] in open_.ends:
                continue
            standing = await self._standing(attempt, response)
            if open_.line is not None:
                return  # somebody else looked meanwhile
            open_.missed = open_.missed + 1 if standing == "missing" else 0
            if isinstance(standing, Ended):
                self._ended(open_, response, standing)
            elif open_.missed >= MISSES or open_.age > LONGEST:
                _log.warning("nobody can tell any more what a response that %s began used", open_.record.id)
                self._ended(open_, response, None)

    async def _standing(self, attempt: Mapping[str, Any], response: str) -> Standing:
        backend, replica, upstream = (attempt.get(name, "") for name in ("backend", "replica", "upstream"))
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._ask(backend, replica, upstream, response)
        except TimeoutError:
            return "unknown"

    def _ended(self, open_: Open, response: str, ended: Ended | None) -> None:
        for attempt, name in open_.record.responses.items():
            if name == response:
                open_.ends[attempt] = ended
        if open_.ends.keys() >= open_.record.responses.keys():
            self._settle(open_)

    def _settle(self, open_: Open) -> None:
        """All is known: write its records, and tell whoever counts. No wait in between: it happens once."""
        found = open_.record
        attempts = [cast(AttemptRecord, from_members("attempt", each)) for each in found.attempts]
        request = cast(RequestRecord, from_members("request", found.request))
        waited = request.duration_ns  # what the client saw of it
        for attempt in attempts:
            if attempt.id in open_.ends:
                ended = open_.ends[attempt.id]
                self._finish(attempt, ended, open_.tickets.get(attempt.id))
                request.duration_ns = max(request.duration_ns, attempt.at + attempt.duration_ns - request.at)
                if request.outcome == "ok" and attempt.outcome != "ok":
                    request.outcome, request.error = attempt.outcome, attempt.error
        _sum(request, attempts)
        open_.line = self._ledger.append(*attempts, request)
        if open_.hold is not None:
            open_.hold.settle(_spent(open_.hold, attempts), open_.line)
        self._metrics.route(request.route, request.model, request.zone).answered(
            request.outcome, duration_ns=waited, ttft_ns=request.ttft_ns, overhead_ns=request.overhead_ns
        )
        self._actions.request(request, *_final(attempts))

    def _finish(self, attempt: AttemptRecord, ended: Ended | None, ticket: Ticket | None) -> None:
        """Put in what the attempt used, and what that costs."""
        now = time.time_ns()
        at = now if ended is None or ended.at is None else min(now, max(attempt.at, int(ended.at * _NS)))
        attempt.duration_ns = max(attempt.duration_ns, at - attempt.at)
        if ended is None:
            attempt.usage, attempt.error = TokenUsage(), attempt.error or "response_lost"
        else:
            attempt.finish = ended.finish
            attempt.outcome = _OUTCOMES.get(ended.status, "ok")
            attempt.error = "response_failed" if ended.status == "failed" else ""
            if ended.usage.source == "reported":  # else the estimate stands that was made when it began
                attempt.usage = ended.usage
        gpu_ns = 0
        if ticket is not None:
            metrics = None if ended is None else ended.metrics
            gpu_ns = ticket.end(time.monotonic_ns() - (now - at), attempt.usage, engine_metrics=metrics)
        tariff = self._tariffs().get(attempt.model)
        by_gpu = tariff is not None and tariff.by_gpu
        charge = _charge(attempt, tariff, gpu_ns, lost=ended is None or (by_gpu and ticket is None))
        attempt.usd, attempt.price_source, attempt.priced_at = charge.usd, charge.source, charge.priced_at
        attempt.components = {str(name): usd for name, usd in charge.components.items()}
        attempt.gpu_ns = gpu_ns if by_gpu and ticket is not None else None
        series = self._metrics.route(attempt.route, attempt.model, attempt.zone)
        series.spent(attempt.usage, charge, later=by_gpu and charge.usd is not None)


def _charge(attempt: AttemptRecord, tariff: Tariff | None, gpu_ns: int, *, lost: bool) -> Charge:
    if tariff is None:
        return unknown("the model has left the configuration")
    if lost:
        return unknown("nobody could tell what the response used")
    return tariff.charge(attempt.usage, gpu_ns, attempt.at)


def _sum(request: RequestRecord, attempts: Sequence[AttemptRecord]) -> None:
    """Put the sums over its attempts into a request's record."""
    total = NOTHING
    for each in attempts:
        parts = cast(Mapping[Any, Decimal], each.components)
        total = total + Charge(each.usd, parts, each.price_source, each.priced_at)
    gpu = [each.gpu_ns for each in attempts if each.gpu_ns is not None]
    request.usd, request.price_source, request.priced_at = total.usd, total.source, total.priced_at
    request.gpu_ns = sum(gpu) if gpu else None
    request.usage = summed([each.usage for each in attempts])


def _spent(hold: Hold, attempts: Iterable[AttemptRecord]) -> Spent:
    """What budgets are told; what has no known price counts as its estimate."""
    usd = gpu = tokens = 0
    for each in attempts:
        usd += hold.estimate(each.model) if each.usd is None else nano_dollars(each.usd)
        gpu += gpu_micros(each.gpu_ns or 0)
        tokens += each.usage.prompt + each.usage.generated
    return Spent(usd, gpu, tokens)


def _final(attempts: Iterable[AttemptRecord]) -> tuple[Decimal, int]:
    """(USD that is final now, attempts whose cost is unknown)."""
    usd, unpriced = Decimal(0), 0
    for each in attempts:
        if each.usd is None:
            unpriced += 1
        elif each.gpu_ns is None:
            usd += each.usd
    return usd, unpriced


async def _held_again(record: AwaitedRecord, budgets: Budgets, allowances: Allowances) -> Hold | None:
    request, held = record.request, record.held
    allowance = allowances.of(record.tenant, request.get("key", ""), request.get("workflow", ""))
    if allowance is None:
        return None
    most = Spent(held["usd"], held["gpu"], held["tokens"])
    return await budgets.hold_again(record.id, allowance, record.at, most, request.get("model", ""))


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
