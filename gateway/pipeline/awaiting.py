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
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from adapters.dialects.relaying import MISSHAPEN
from adapters.dialects.responses.kept import Ended
from gateway.dispatch.polling import Standing
from gateway.ledger.encoding import encoded, from_members
from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import Line
from gateway.ledger.records import AwaitedRecord
from gateway.metering.actions.actions import Actions
from gateway.metering.budgets.budgets import Budgets, Hold, Spent
from gateway.metering.budgets.limits import Allowances
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.prometheus import Metrics
from gateway.metering.tariffs import Tariff
from gateway.pipeline.concluding import Open, concluded, final, spent
from gateway.state.whole_file import WholeFile

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

Ask = Callable[[str, str, str, str], Awaitable[Standing]]  # backend, replica, its name of the model, response
_Name = tuple[str, str]  # tenant, response: what a client chose to call one is nobody else's


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
        self._of_response: dict[_Name, str] = {}  # → request
        self._file: Final = WholeFile(ledger.directory / "awaited.json")
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
        self._ledger.line_up([record])
        self._keep(Open(record, hold, tickets, relayed, due=time.monotonic() + SOONEST))

    def over(self, request: str, line: int) -> None:
        """A request whose stream said all was booked as others are, in that line of the journal."""
        if request in self._open:
            self._open[request].line = line

    def told(self, tenant: str, response: str, ended: Ended) -> None:
        """Somebody of the tenant's looked, and the response has ended: book its request, unless that is done."""
        found = self._unbooked(tenant, response)
        if found is None:
            return
        found.end(response, ended)
        try:
            self._conclude(found)
        except Exception as error:  # noqa: BLE001  # whoever looked is to have the answer all the same
            _stick(found, error)

    async def look(self, tenant: str, response: str) -> None:
        """Ask how a tenant's response stands now, if its request is open: soon nobody may be able to."""
        found = self._unbooked(tenant, response)
        if found is not None:
            await self._look(found)

    @property
    def stuck(self) -> int:
        """Requests that could not be booked by a fault of ours; the log says where."""
        return sum(each.stuck for each in self._open.values())

    def _unbooked(self, tenant: str, response: str) -> Open | None:
        found = self._open.get(self._of_response.get((tenant, response), ""))
        return found if found is not None and not found.relayed and found.line is None else None

    async def reopen(self, budgets: Budgets, allowances: Allowances) -> None:
        """Keep open what an earlier process left so, and hold its budgets for it again."""
        try:
            await self._read_on(await self._noted_before())
        except (OSError, *MISSHAPEN) as error:
            await self._put_aside(error)
        self._reopened = True
        await self.note()  # from here on a snapshot stands
        holding = [each for each in self._open.values() if each.record.held]
        holds = await asyncio.gather(  # in one round trip to the shared state, however many they are
            *(_held_again(each.record, budgets, allowances) for each in holding)
        )
        for each, hold in zip(holding, holds, strict=True):
            each.hold = hold

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
            self._forget(request)
        state = (line, tuple(self._open))
        if state != self._noted:
            text = f'{{"line": {line}, "open": [{", ".join([each.text for each in self._open.values()])}]}}'
            try:
                await asyncio.to_thread(self._file.write, text.encode())
            except OSError:
                return  # the one before still holds: more of the journal is read, no less
            self._noted = state

    async def _noted_before(self) -> int:
        """Take what the last snapshot says is open; the journal's line that it was made at. Without one, all of the
        journal that is still here counts."""
        try:
            noted = json.loads(await asyncio.to_thread(self._file.path.read_bytes))
            line: int = noted["line"]
            for found in noted["open"]:
                self._take(found)
        except FileNotFoundError:
            return 0
        except (OSError, *MISSHAPEN) as error:
            await self._put_aside(error)
            return 0
        return line

    async def _read_on(self, line: int) -> None:
        """Take what earlier processes wrote behind that line. Raises OSError, ValueError where it cannot be read."""
        reader = self._ledger.reader(line)
        while lines := await asyncio.to_thread(reader.read, self._before, _LINES):
            for each in lines:
                try:
                    self._replay(each)
                except MISSHAPEN as error:  # as a newer Weir's; it is no reason to lose what follows
                    await self._put_aside(error)

    def _replay(self, line: Line) -> None:
        if line.kind == "awaited":
            self._take(line.members)
        elif line.kind == "request" and self._open:
            self._forget(line.members["id"])

    async def _put_aside(self, error: Exception) -> None:
        """Keep a snapshot that does not tell everything: the next one would be written over it."""
        kept = self._file.path.with_suffix(".unread")
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._file.path.replace, kept)
        told = "some of what was awaited may stay unbooked; what was noted is in %s: %r"
        _log.error(told, kept.name, error)

    def _take(self, found: Mapping[str, Any]) -> None:
        self._keep(Open(cast(AwaitedRecord, from_members("awaited", found))))

    def _keep(self, open_: Open) -> None:
        record = open_.record
        open_.text = encoded(record)[1].decode()
        self._open[record.id] = open_
        for response in record.responses.values():
            self._of_response[record.tenant, response] = record.id

    def _forget(self, request: str) -> None:
        gone = self._open.pop(request, None)
        if gone is not None:
            for response in gone.record.responses.values():
                self._of_response.pop((gone.record.tenant, response), None)

    async def _look(self, open_: Open) -> None:
        """Ask for each of its responses that has not ended, and book it if that was the last."""
        open_.due = time.monotonic() + min(max(open_.age * SHARE, SOONEST), LATEST)
        try:
            for attempt in open_.record.attempts:
                await self._ask_for(open_, attempt)
            self._conclude(open_)
            open_.stuck = False
        except Exception as error:  # noqa: BLE001  # what is wrong with one is no reason to look at no other
            _stick(open_, error)
        finally:
            open_.asking = False

    async def _ask_for(self, open_: Open, attempt: Mapping[str, Any]) -> None:
        response = open_.record.responses.get(attempt["id"])
        if response is None or attempt["id"] in open_.ends:
            return
        standing = await self._standing(attempt, response)
        if open_.line is not None:
            return  # somebody else looked meanwhile
        open_.missed = open_.missed + 1 if standing == "missing" else 0
        if isinstance(standing, Ended):
            open_.end(response, standing)
        elif open_.missed >= MISSES or open_.age > LONGEST:
            _log.warning("nobody can tell any more what a response that %s began used", open_.record.id)
            open_.end(response, None)

    async def _standing(self, attempt: Mapping[str, Any], response: str) -> Standing:
        backend, replica, upstream = (attempt.get(name, "") for name in ("backend", "replica", "upstream"))
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._ask(backend, replica, upstream, response)
        except TimeoutError:
            return "unknown"

    def _conclude(self, open_: Open) -> None:
        """If all is known and nobody has: write its records, and tell whoever counts. No wait in between, so that it
        happens once. What this raises is a fault of ours."""
        if open_.line is not None or not open_.over:
            return
        waited = open_.record.request.get("duration_ns", 0)  # what the client saw of it
        request, attempts, charges = concluded(open_, self._tariffs())
        open_.line = self._ledger.append(*attempts, request)
        if open_.hold is not None:
            open_.hold.settle(spent(open_.hold, attempts), open_.line)
        for attempt, charge in charges:
            series = self._metrics.route(attempt.route, attempt.model, attempt.zone)
            series.spent(attempt.usage, charge, later=attempt.gpu_ns is not None and charge.usd is not None)
        self._metrics.route(request.route, request.model, request.zone).answered(
            request.outcome, duration_ns=waited, ttft_ns=request.ttft_ns, overhead_ns=request.overhead_ns
        )
        self._actions.request(request, *final(attempts))


def _stick(open_: Open, error: Exception) -> None:
    """It could not be booked by a fault of ours: it stays open, and is tried again."""
    open_.stuck, open_.due = True, time.monotonic() + LATEST
    _log.error("the request %s cannot be booked yet, and is tried again", open_.record.id, exc_info=error)


async def _held_again(record: AwaitedRecord, budgets: Budgets, allowances: Allowances) -> Hold | None:
    request, held = record.request, record.held
    allowance = allowances.of(record.tenant, request.get("key", ""), request.get("workflow", ""))
    if allowance is None:
        return None
    most = Spent(held["usd"], held["gpu"], held["tokens"])
    return await budgets.hold_again(record.id, allowance, record.at, most, request.get("model", ""))
