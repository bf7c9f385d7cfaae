"""The actions that are open, in memory: a few additions for each request, and a bound on how many.

An action closes when nothing has come for it for the quiet time; what comes later is told apart by the memory
of those closed last. Belongs to the event loop's thread.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from gateway.ledger.records import FAILED_OUTCOMES, ActionOutcome, Outcome
from gateway.metering.actions.feedback import Verdict

Key = tuple[str, str]  # tenant, and the action's id or that of its only request

OF_ONE: Final = 64  # lines that one event may have in the journal, at most
_ZERO: Final = Decimal(0)
_IDS_PER_ACTION: Final = 256  # requests by whose id feedback finds an open action


class Finished(Protocol):
    """A request that ended, as its record or as who ended it tells it. Times are UTC nanoseconds."""

    @property
    def id(self) -> str:
        """The request's."""

    @property
    def at(self) -> int:
        """When it came,"""

    @property
    def duration_ns(self) -> int:
        """and for how long it was here."""

    @property
    def tenant(self) -> str:
        """Whose it was."""

    @property
    def workflow(self) -> str:
        """The action's; empty: none was named."""

    @property
    def action(self) -> str:
        """As the application named it; empty: it is one by itself."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""


class Spender(Protocol):
    """What GPU time or electricity was used for: an attempt of a request."""

    @property
    def request(self) -> str:
        """Whose attempt."""

    @property
    def tenant(self) -> str:
        """As `Finished`,"""

    @property
    def workflow(self) -> str:
        """and these two too."""

    @property
    def action(self) -> str:
        """See there."""


class Action:
    """One action: times are UTC nanoseconds; `named` tells whether the application gave it an id."""

    __slots__ = (
        "booked",
        "closed",
        "failed",
        "failing",
        "gpu_ns",
        "ids",
        "judged_by",
        "key",
        "line",
        "named",
        "opened",
        "requests",
        "touched",
        "unpriced",
        "usd",
        "verdict",
        "workflow",
    )

    def __init__(self, key: Key, workflow: str, at: int, *, named: bool) -> None:
        self.key = key
        self.workflow = workflow
        self.named = named
        self.opened = self.touched = at
        self.line = 0  # of the journal, behind which is all of it; once it is closed
        self.closed = 0
        self.booked = False  # it was closed, and taken to be booked as it was then
        self.requests = self.failed = self.unpriced = self.gpu_ns = 0
        self.usd = _ZERO
        self.failing = False  # its last request ended in an HTTP failure
        self.verdict: Verdict = ""
        self.judged_by = ""
        self.ids: list[str] | None = None

    @property
    def outcome(self) -> ActionOutcome:
        """What feedback said; without any, a failed last request is a failure, and the rest is unknown."""
        return self.verdict or ("failure" if self.failing else "unknown")


@dataclass(slots=True)
class _Stretch:
    """Of the journal, in which something came for actions that were closed. Read without those it would open them
    anew, and what came would be booked twice: so all behind line `first` is read, or nothing up to line `last`. Or the
    journal says later that all is closed that was heard of last at `touched` or before."""

    first: int
    last: int
    touched: int


class ActionBook:
    """Open actions by last sign of life, and those closed last. Neither grows beyond `most`."""

    def __init__(self, most: int, line: Callable[[], int] = lambda: 0) -> None:
        """`line` tells how far the journal goes; it may be replaced."""
        self.most = most
        self.line = line
        self._open: OrderedDict[Key, Action] = OrderedDict()
        self._opened: OrderedDict[Key, int] = (
            OrderedDict()
        )  # the journal's last line then, by when it was opened
        self._closed: OrderedDict[Key, Action] = OrderedDict()
        self._of_request: dict[str, Key] = {}  # of actions with an id
        self._early: deque[Action] = deque()  # closed for want of room
        self._late: deque[_Stretch] = deque()  # one for each time that actions were closed

    def __len__(self) -> int:
        return len(self._open)

    def request(self, record: Finished, usd: Decimal, unpriced: int) -> Action | None:
        """A request ended; `usd` is what of its cost is final. Gives back its action if that is booked: then
        nothing was added to it."""
        named = record.action != ""
        key = (record.tenant, record.action if named else record.id)
        action = self._touched(key, record.workflow, record.at + record.duration_ns, named=named)
        if action.booked:
            self._came_late(action, record.at + record.duration_ns)
            return action
        action.requests += 1
        if usd:
            action.usd += usd
        action.unpriced += unpriced
        if record.outcome in FAILED_OUTCOMES:
            action.failing = True
            action.failed += 1
        elif record.outcome == "ok":
            action.failing = False
        if named:
            self._note(action, record.id)
        return None

    def spent(self, of: Spender, at: int, usd: Decimal | None, gpu_ns: int) -> Action | None:
        """GPU time or electricity of a request was booked for good at `at`, which may be before the request ends. As
        `request`."""
        named = of.action != ""
        key = (of.tenant, of.action if named else of.request)
        action = self._touched(key, of.workflow, at, named=named)
        if action.booked:
            self._came_late(action, at)
            return action
        if usd:
            action.usd += usd
        action.gpu_ns += gpu_ns
        return None

    def find(self, tenant: str, action: str, request: str) -> Action | None:
        """The action, open or lately closed, by its id or a request's."""
        key = (tenant, action)
        if request:
            key = self._of_request.get(request, (tenant, request))
            if key[0] != tenant:
                return None
        return self._open.get(key) or self._closed.get(key)

    def close(self, until: int, now_ns: int) -> Iterator[Action]:
        """Close what was heard of last at `until` or before."""
        while action := self._next(until, now_ns):
            action.booked = True
            yield action

    def _next(self, until: int, now_ns: int) -> Action | None:
        if self._early:
            return self._early.popleft()
        oldest = next(iter(self._open.values()), None)
        return None if oldest is None or oldest.touched > until else self._shut(oldest, now_ns)

    def written(self, until: int) -> None:
        """The journal says by now all that was closed and all that came late; `until`: up to which last sign of life
        it says that all is closed."""
        line, late = self.line(), self._late
        if late and not late[-1].last:
            late[-1].last = line
        while late and late[0].touched <= until:
            late.popleft()

    def since(self) -> int:
        """The journal's line behind which a later process finds all that it needs: of those that are open, and of
        those that are closed and for which it would read something again."""
        since = next(iter(self._opened.values()), self.line()) - OF_ONE
        for stretch in reversed(self._late):
            if 0 < stretch.last <= since:
                break
            since = min(since, stretch.first)
        return max(0, since)

    def _came_late(self, action: Action, at: int) -> None:
        first = action.line - OF_ONE
        if not self._late or self._late[-1].last:
            self._late.append(_Stretch(first, 0, at))
        else:
            stretch = self._late[-1]
            stretch.first, stretch.touched = min(stretch.first, first), max(stretch.touched, at)

    def _touched(self, key: Key, workflow: str, at: int, *, named: bool) -> Action:
        action = self._open.get(key)
        if action is None:
            action = self._closed.get(key)
            if action is not None:
                return action
            action = self._open[key] = Action(key, workflow, at, named=named)
            self._opened[key] = self.line()
            if len(self._open) > self.most:
                self._early.append(self._shut(next(iter(self._open.values())), at))
            return action
        self._open.move_to_end(key)
        action.touched = at
        if workflow and not action.workflow:
            action.workflow = workflow
        return action

    def _shut(self, action: Action, now_ns: int) -> Action:
        del self._open[action.key]
        action.line = self._opened.pop(action.key)
        action.closed = now_ns
        self._closed[action.key] = action
        if len(self._closed) > self.most:
            _, forgotten = self._closed.popitem(last=False)
            for request in forgotten.ids or ():
                self._of_request.pop(request, None)
        return action

    def _note(self, action: Action, request: str) -> None:
        ids = action.ids
        if ids is None:
            ids = action.ids = []
        if len(ids) < _IDS_PER_ACTION and len(self._of_request) < 4 * self.most:
            ids.append(request)
            self._of_request[request] = action.key
