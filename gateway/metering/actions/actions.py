"""Books actions: counts them when they close, keeps them in the ledger, and takes what is said of them later."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Final

from gateway.configuration.settings import ActionSettings
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import (
    ActionOutcome,
    ActionRecord,
    FeedbackRecord,
    Record,
)
from gateway.ledger.store import Standing, StoreUnavailable, StoreUnfit
from gateway.metering.actions.book import Action, ActionBook, Finished, Spender
from gateway.metering.actions.feedback import Feedback, Verdict, verdict, written
from gateway.metering.actions.late import Group, Late
from gateway.metering.actions.replay import Replay
from gateway.metering.prometheus import Metrics

_log = logging.getLogger("weir.actions")

_NS: Final = 1_000_000_000
_LOOK_UPS: Final = 4  # in the ledger at a time
_SLICE: Final = 256  # actions closed between two turns of other tasks
_LINES: Final = 64  # of the journal, read between two turns
_ZERO: Final = Decimal(0)

LookUp = Callable[[str, str, str], Standing | None]  # tenant, action, request; blocks


class NoSuchAction(Exception):  # noqa: N818  # it names an answer
    """This tenant has no action and no request of that id."""


class CannotLookUp(Exception):  # noqa: N818  # a state that passes
    """The ledger that knows the action cannot be asked just now."""


class Actions:
    """One gateway's actions."""

    def __init__(
        self,
        metrics: Metrics,
        ledger: Ledger,
        look_up: LookUp,
        process: str,
        settings: ActionSettings,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`look_up` asks the ledger for actions that memory has lost; `process` makes ids unique among gateways;
        `now_ns` is UTC."""
        self._metrics = metrics
        self._ledger = ledger
        self._look_up = look_up
        self._process = process
        self._now = now_ns
        self._settings = settings
        self._book = ActionBook(settings.most_open, lambda: ledger.last)
        self._number = 0
        self._late = Late()
        self._bookmark = ledger.bookmark("open-actions")
        self._before: Final = ledger.last  # what an earlier run wrote
        self._waiting: deque[Callable[[], None]] | None = deque()  # until what was open before is open again
        self._reopened = asyncio.Event()
        self._asking = asyncio.Semaphore(_LOOK_UPS)
        metrics.watch_actions(lambda: len(self._book))

    def apply(self, settings: ActionSettings) -> None:
        """Take over a reloaded configuration."""
        self._settings = settings
        self._book.most = settings.most_open

    def request(self, record: Finished, usd: Decimal, unpriced: int) -> None:
        """A request ended, and is in the ledger. `usd`: its cost so far as that is final now; GPU money follows
        by `spent`."""
        if self._waiting is not None:
            self._waiting.append(partial(self.request, record, usd, unpriced))
            return
        closed = self._book.request(record, usd, unpriced)
        if closed is not None:
            self._late.add(closed, usd, 0, requests=1, unpriced=unpriced)
            self._reach_back()

    def spent(self, of: Spender, at: int, usd: Decimal | None, gpu_ns: int) -> None:
        """GPU time or electricity of a request is booked for good."""
        if self._waiting is not None:
            self._waiting.append(partial(self.spent, of, at, usd, gpu_ns))
            return
        closed = self._book.spent(of, at, usd, gpu_ns)
        if closed is not None:
            self._late.add(closed, usd or _ZERO, gpu_ns)
            self._reach_back()

    def _reach_back(self) -> None:
        """Something came late: whoever reads it again has to find what it came for."""
        self._bookmark.move(min(self._bookmark.line, self._book.since()))

    async def feedback(self, tenant: str, said: Feedback) -> str:
        """Take a statement; its id. Raises NoSuchAction, CannotLookUp."""
        await self._reopened.wait()
        found = self._book.find(tenant, said.action, said.request)
        verdict_ = verdict(said, self._settings.outcomes)
        if found is not None:
            standing = Standing(
                found.key[1], found.workflow, found.outcome, found.closed, found.usd, found.gpu_ns
            )
        else:
            standing = await self._asked(tenant, said)
        late = found is None or found.booked
        records: list[Record] = [self._said(tenant, said, standing, verdict_, late=late)]
        if verdict_ and found is not None:
            found.verdict, found.judged_by = verdict_, said.metric
        if verdict_ and late and verdict_ != standing.outcome:
            records += self._corrected(tenant, standing, verdict_, said.metric)
        self._ledger.append(*records)
        return records[0].id

    async def run(self) -> None:
        """Open again what an earlier run left open, then close quiet actions once a second, for as long as the
        task lives."""
        await self.reopen()
        while True:
            await asyncio.sleep(1)
            await self.close()

    async def reopen(self) -> None:
        """Open again what was open when an earlier run ended, and what came meanwhile behind it."""
        number = self._bookmark.line
        replay, reader = Replay(self._book, self._late), self._ledger.reader(number)
        self._book.line = lambda: number
        try:
            while lines := await asyncio.to_thread(reader.read, self._before, _LINES):
                for line in lines:
                    number = line.number
                    replay.take(line)
        except (OSError, ValueError) as error:
            told = "the journal cannot be read behind line %d, so actions that were open are split: %s"
            _log.error(told, number, error)
        number = self._before
        waiting, self._waiting = self._waiting or (), None
        for event in waiting:
            event()
        self._book.line = lambda: self._ledger.last
        self._reopened.set()

    async def close(self, *, everything: bool = False) -> None:
        """Close what has been quiet long enough: count it and keep it. Each slice is in the ledger before anything
        else comes, so that the journal tells what was closed when."""
        if self._waiting is not None:
            return  # it stays open, for the next run
        now = self._now()
        until = now if everything else now - int(self._settings.quiet * _NS)
        closing, said = self._book.close(until, now), 0
        while actions := list(islice(closing, _SLICE)):
            done = len(actions) < _SLICE
            said = until if done else actions[-1].touched
            self._ledger.append(*self._closed(actions, said))
            if not done:
                await asyncio.sleep(0)
        late = [
            self._record(
                *group, "", count=0, closed=tally.closed, correction=True, usd=tally.usd, gpu_ns=tally.gpu_ns,
                requests=tally.requests, unpriced=tally.unpriced,
            )
            for group, tally in self._late.take().items()
        ]  # fmt: skip
        for record in late:
            self._metrics.action_cost(record.workflow, record.outcome, record.usd)
        if late:
            self._ledger.append(*late)
        self._book.written(said)
        if not everything:  # after the end, what comes late is still told apart
            self._bookmark.move(self._book.since())

    def _count(self, action: Action) -> None:
        outcome = action.outcome
        if action.requests:
            self._metrics.action(action.workflow, outcome)
        self._metrics.action_cost(action.workflow, outcome, action.usd)

    def _closed(self, actions: Iterable[Action], until: int) -> list[ActionRecord]:
        """The records of actions that close now."""
        together: dict[Group, ActionRecord] = {}
        records: list[ActionRecord] = []
        for action in actions:
            self._count(action)
            record = self._add(action, together)
            if record is not None:
                records.append(record)
        records += together.values()
        for record in records:
            record.until = until
        return records

    def _add(self, action: Action, together: dict[Group, ActionRecord]) -> ActionRecord | None:
        """A record of its own; None where it was added to those that are kept together."""
        tenant, name = action.key
        own = action.named or bool(action.verdict)
        group = (tenant, action.workflow, action.outcome)
        record = None if own else together.get(group)
        if record is None:
            record = self._record(
                *group,
                name if own else "",
                count=0,
                judged_by=action.judged_by or ("http" if action.failing else ""),
                opened=action.opened,
                closed=action.closed,
            )
            if not own:
                together[group] = record
        record.count += action.requests > 0
        record.requests += action.requests
        record.failed += action.failed
        record.usd += action.usd
        record.unpriced += action.unpriced
        record.gpu_ns += action.gpu_ns
        return record if own else None

    async def _asked(self, tenant: str, said: Feedback) -> Standing:
        async with self._asking:
            try:
                found = await asyncio.to_thread(self._look_up, tenant, said.action, said.request)
            except (StoreUnavailable, StoreUnfit):
                raise CannotLookUp(
                    "Weir's ledger, which knows older actions, cannot be asked just now. Try again later."
                ) from None
        if found is None:
            what = f"request {said.request[:128]!r}" if said.request else f"action {said.action[:128]!r}"
            raise NoSuchAction(f"There is no {what} of this key's tenant.")
        return found

    def _said(
        self, tenant: str, said: Feedback, standing: Standing, verdict_: Verdict, *, late: bool
    ) -> FeedbackRecord:
        value, number = written(said.value)
        return FeedbackRecord(
            id=self._id("fb"),
            at=self._now(),
            tenant=tenant,
            metric=said.metric,
            value=value,
            number=number,
            outcome=verdict_,
            workflow=standing.workflow,
            action=standing.action,
            request=said.request,
            late=late,
            tags=said.tags or {},
        )

    def _corrected(
        self, tenant: str, standing: Standing, outcome: ActionOutcome, metric: str
    ) -> list[ActionRecord]:
        """An action that was closed moves from one outcome to another, with its money."""
        signs: tuple[tuple[ActionOutcome, int], ...] = ((standing.outcome, -1), (outcome, 1))
        return [
            self._record(
                tenant,
                standing.workflow,
                each,
                standing.action,
                count=sign,
                closed=standing.closed or self._now(),
                usd=sign * standing.usd,
                gpu_ns=sign * standing.gpu_ns,
                judged_by=metric,
                correction=True,
            )
            for each, sign in signs
        ]

    def _record(
        self,
        tenant: str,
        workflow: str,
        outcome: ActionOutcome,
        action: str,
        *,
        count: int,
        closed: int,
        opened: int = 0,
        usd: Decimal = _ZERO,
        gpu_ns: int = 0,
        requests: int = 0,
        unpriced: int = 0,
        judged_by: str = "",
        correction: bool = False,
    ) -> ActionRecord:
        return ActionRecord(
            id=self._id("act"),
            at=self._now(),
            tenant=tenant,
            outcome=outcome,
            workflow=workflow,
            action=action,
            judged_by=judged_by,
            count=count,
            opened=opened,
            closed=closed,
            requests=requests,
            usd=usd,
            unpriced=unpriced,
            gpu_ns=gpu_ns,
            correction=correction,
        )

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._process}-{self._number}"
