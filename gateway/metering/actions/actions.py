"""Books actions: counts them when they close, keeps them in the ledger, and takes what is said of them later."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from gateway.configuration.settings import ActionSettings
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import ActionOutcome, ActionRecord, FeedbackRecord, Record, RequestRecord
from gateway.ledger.store import Standing, StoreUnavailable, StoreUnfit
from gateway.metering.actions.book import Action, ActionBook
from gateway.metering.actions.feedback import Feedback, Verdict, verdict, written
from gateway.metering.prometheus import Metrics

_NS: Final = 1_000_000_000
_LOOK_UPS: Final = 4  # in the ledger at a time
_SLICE: Final = 256  # actions closed between two turns of other tasks
_ZERO: Final = Decimal(0)

LookUp = Callable[[str, str, str], Standing | None]  # tenant, action, request; blocks
_Group = tuple[str, str, ActionOutcome]  # tenant, workflow, outcome


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
        self._book = ActionBook(int(settings.quiet * _NS), settings.most_open)
        self._number = 0
        self._late: dict[_Group, ActionRecord] = {}  # money that came after its action closed
        self._asking = asyncio.Semaphore(_LOOK_UPS)
        metrics.watch_actions(lambda: len(self._book))

    def apply(self, settings: ActionSettings) -> None:
        """Take over a reloaded configuration."""
        self._settings = settings
        self._book.quiet_ns, self._book.most = int(settings.quiet * _NS), settings.most_open

    def request(self, record: RequestRecord, usd: Decimal, unpriced: int) -> None:
        """A request ended. `usd`: its cost so far as that is final now; GPU money follows by `spent`."""
        closed = self._book.request(record, usd, unpriced)
        if closed is not None:
            self._add_late(closed, usd, 0, requests=1, unpriced=unpriced)

    def spent(
        self, tenant: str, workflow: str, action: str, request: str, usd: Decimal | None, gpu_ns: int
    ) -> None:
        """GPU time of a request was booked for good; `usd` None: it has no known rate."""
        money = usd or _ZERO
        closed = self._book.spent(
            (tenant, action or request), workflow, self._now(), money, gpu_ns, named=action != ""
        )
        if closed is not None:
            self._add_late(closed, money, gpu_ns)

    async def feedback(self, tenant: str, said: Feedback) -> str:
        """Take a statement; its id. Raises NoSuchAction, CannotLookUp."""
        found = self._book.find(tenant, said.action, said.request)
        verdict_ = verdict(said, self._settings.outcomes)
        if found is not None:
            standing = Standing(
                found.key[1], found.workflow, found.outcome, found.closed, found.usd, found.gpu_ns
            )
        else:
            standing = await self._asked(tenant, said)
        late = found is None or found.closed > 0
        records: list[Record] = [self._said(tenant, said, standing, verdict_, late=late)]
        if verdict_ and found is not None:
            found.verdict, found.judged_by = verdict_, said.metric
        if verdict_ and late and verdict_ != standing.outcome:
            records += self._corrected(tenant, standing, verdict_, said.metric)
        self._ledger.append(*records)
        return records[0].id

    async def run(self) -> None:
        """Close quiet actions once a second, for as long as the task lives."""
        while True:
            await asyncio.sleep(1)
            await self.close()

    async def close(self, *, everything: bool = False) -> None:
        """Close what has been quiet long enough: count it and keep it."""
        now = self._now()
        together: dict[_Group, ActionRecord] = {}
        records: list[ActionRecord] = []
        for number, action in enumerate(self._book.close(now, everything=everything), 1):
            self._count(action)
            record = self._closed(action, together)
            if record is not None:
                records.append(record)
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        late, self._late = self._late, {}
        records += (*together.values(), *late.values())
        for record in late.values():
            self._metrics.action_cost(record.workflow, record.outcome, record.usd)
        if records:
            self._ledger.append(*records)

    def _count(self, action: Action) -> None:
        outcome = action.outcome
        if action.requests:
            self._metrics.action(action.workflow, outcome)
        self._metrics.action_cost(action.workflow, outcome, action.usd)

    def _closed(self, action: Action, together: dict[_Group, ActionRecord]) -> ActionRecord | None:
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

    def _add_late(
        self, action: Action, usd: Decimal, gpu_ns: int, *, requests: int = 0, unpriced: int = 0
    ) -> None:
        """Money of an action that was closed: it stays closed, and the money goes where it went."""
        action.usd += usd
        action.gpu_ns += gpu_ns
        group = (action.key[0], action.workflow, action.outcome)
        record = self._late.get(group)
        if record is None:
            record = self._late[group] = self._record(
                *group, "", count=0, closed=action.closed, correction=True
            )
        record.usd += usd
        record.gpu_ns += gpu_ns
        record.requests += requests
        record.unpriced += unpriced

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
            usd=usd,
            gpu_ns=gpu_ns,
            correction=correction,
        )

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._process}-{self._number}"
