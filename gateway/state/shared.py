"""State in Redis: several gateways count together, and none passes a ceiling between them.

Everything goes over one connection in the order it was asked for, as many commands at a time as wait:
what was settled here is seen by the next reservation from here. A lease lives for LEASE_SECONDS and is
renewed while its request does, so what a gateway held when it died is free again soon after.

While Redis is gone, reservations are refused with Gone at once, and settlements wait. Whatever was sent and
not answered may have been done, and may be sent again: a reservation replaces what its lease held, and a
settlement bears the number of its line in the ledger's journal. Redis remembers the last one of each owner and
gateway, so what a killed process left unsaid can be read from its journal and said again by the next one.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.state import scripts
from gateway.state.claims import Account, Claim, Full, Gone, Held
from gateway.state.shared_options import options

_log = logging.getLogger("weir.state")

LEASE_SECONDS: Final = 30.0
_LONGEST_WAIT: Final = 2.0  # seconds, with those that were asked before
_PAUSE: Final = 0.25  # seconds between tries while it is gone
_COMMANDS: Final = 256  # in one round trip, and leases in one settlement
_FOLD_AT: Final = 1000  # waiting settlements, above which those of one owner become one
_SLACK: Final = 60_000  # milliseconds a key outlives its window: gateways' clocks differ
_ENDLESS: Final = 3_600_000  # milliseconds that keys without a window outlive their last use
_REMEMBERED: Final = 40 * 86_400_000  # milliseconds a gateway's counter of settlements is kept


@dataclass(slots=True)
class _Settlement:
    """What leases of one owner spent. Redis does what `counter` numbers in its order, and remembers the last."""

    owner: str
    counter: str  # of the gateway's journal, or of the process: for what has no line there
    first: int  # of its numbers
    last: int
    leases: list[str]
    spent: dict[Account, int]

    @property
    def book(self) -> tuple[str, str]:
        """Settlements of one book keep their order."""
        return self.owner, self.counter

    def add(self, other: "_Settlement") -> None:
        """Make one settlement of this and a later one of the same book."""
        self.last = other.last
        self.leases += other.leases
        for account, amount in other.spent.items():
            self.spent[account] = self.spent.get(account, 0) + amount


@dataclass(slots=True)
class _Command:
    """A script to run, and who waits for its answer."""

    script: str
    keys: list[str]
    arguments: list[str | int]
    answer: asyncio.Future[Any] | None = None

    @property
    def wanted(self) -> bool:
        return self.answer is None or not self.answer.done()


class RedisState:
    """One gateway's view of the shared state. `run` must be running."""

    def __init__(
        self,
        url: str,
        gateway: str,
        now_ms: Callable[[], int],
        *,
        written: Callable[[], int] = lambda: 0,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """`gateway` names the journal whose lines number settlements, `written` is the last of them that a kill
        cannot undo: none behind it is settled. `now_ms`: UTC milliseconds; gateways' clocks may differ by seconds."""
        self._redis = Redis.from_url(url, **options())
        self._gateway = gateway
        self._process = f"{gateway}/{secrets.token_hex(6)}"
        self._written = written
        self._now_ms = now_ms
        self._lease_ms = int(lease_seconds * 1000)
        self.trouble = ""
        self._wake = asyncio.Event()
        self._questions: deque[_Command] = deque()
        self._waiting: deque[_Settlement] = deque()
        self._sent: dict[tuple[str, str], _Settlement] = {}  # and not answered: each may have been done
        self._without_line = 0
        self._leases: dict[str, Sequence[Claim]] = {}  # of requests under way
        self._renewed = now_ms()

    async def reserve(self, lease: str, claims: Sequence[Claim]) -> Held | Full:
        """As State.reserve."""
        now = self._now_ms()
        self._leases[lease] = claims
        arguments: list[str | int] = [lease, now, now + self._lease_ms, len(claims[0].amounts)]
        for claim in claims:
            arguments += (claim.ceiling, _go(claim.account, now), *claim.amounts)
        found = await self._ask(
            _Command(scripts.RESERVE, _keys(claim.account for claim in claims), arguments)
        )
        if found[0] >= 0:
            return Held(found[0])
        del self._leases[lease]
        return Full(found[1], int(found[2]))

    def settle(self, lease: str, spent: Sequence[tuple[Account, int]], line: int = 0) -> None:
        """As State.settle."""
        claims = self._leases.pop(lease, None)
        if claims is None:
            return
        counter, number = self._gateway, line
        if not line:
            self._without_line += 1
            counter, number = self._process, self._without_line
        amounts = dict.fromkeys((claim.account for claim in claims), 0) | dict(spent)
        self._waiting.append(_Settlement(claims[0].account.owner, counter, number, number, [lease], amounts))
        if len(self._waiting) > _FOLD_AT:
            self._fold()
        self._wake.set()

    async def settle_again(self, lease: str, spent: Sequence[tuple[Account, int]], line: int) -> None:
        """As SharedState.settle_again."""
        owner = spent[0][0].owner
        await self._ask(self._settling(_Settlement(owner, self._gateway, line, line, [lease], dict(spent))))

    @property
    def settled(self) -> int:
        """As SharedState.settled."""
        untold = [each.first for each in (*self._sent.values(), *self._waiting) if self._has_line(each)]
        return min(untold) - 1 if untold else self._written()

    def _has_line(self, settlement: _Settlement) -> bool:
        return settlement.counter == self._gateway

    async def used(self, accounts: Sequence[Account]) -> list[int]:
        """As State.used."""
        asked = _Command(scripts.USED, _keys(accounts), [self._now_ms()])
        return [int(each) for each in await self._ask(asked)]

    async def run(self) -> None:
        """As State.run: everything that goes to Redis goes from here."""
        task = asyncio.current_task()
        while True:
            await self._exchange()
            if task is not None and task.cancelling():  # Redis's client may swallow it as an answer comes
                raise asyncio.CancelledError
            if self.trouble:
                await asyncio.sleep(_PAUSE)
            elif not self._questions and not (self._waiting and self._may_go(self._waiting[0])):
                await self._idle()

    async def close(self) -> None:
        """As State.close."""
        while self._sent or (self._waiting and self._may_go(self._waiting[0])):
            await self._exchange()
            if self.trouble:
                break
        if untold := sum(len(each.leases) for each in (*self._sent.values(), *self._waiting)):
            _log.warning("Redis is gone: it is told at the next start what %d requests spent", untold)
        await self._redis.aclose()

    async def _idle(self) -> None:
        """Wait until there is something to send, leases are to be renewed, or what waits may be written by now."""
        self._wake.clear()
        try:
            async with asyncio.timeout(_PAUSE if self._waiting else self._lease_ms / 3000):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _ask(self, command: _Command) -> Any:
        if self.trouble:
            raise Gone(self.trouble)
        answer = command.answer = asyncio.get_running_loop().create_future()
        self._questions.append(command)
        self._wake.set()
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                return await answer
        except TimeoutError:
            raise Gone("Redis did not answer in time") from None

    async def _exchange(self) -> None:
        """One round trip with what waits: settlements first, so that reservations see them."""
        self._take_waiting()
        settling = [*self._sent.values()]
        asked = [self._questions.popleft() for _ in range(min(len(self._questions), _COMMANDS))]
        questions = [*self._renewals(), *(each for each in asked if each.wanted)]
        pipeline = self._redis.pipeline(transaction=False)
        for each in (*map(self._settling, settling), *questions):
            pipeline.eval(each.script, len(each.keys), *each.keys, *each.arguments)
        if not len(pipeline):
            pipeline.ping()
        try:
            answers = self._told(settling, await pipeline.execute(raise_on_error=False))
        except (RedisError, OSError) as error:
            self._note(str(error) or type(error).__name__)
            answers = [error] * len(questions)
        for each, answer in zip(questions, answers, strict=False):
            if each.answer is not None and each.wanted:
                _give(each.answer, answer)

    def _may_go(self, settlement: _Settlement) -> bool:
        return not self._has_line(settlement) or settlement.last <= self._written()

    def _take_waiting(self) -> None:
        """Send what waits and may go, in its order: one settlement of each book at a time, as that is the one that
        Redis has not done yet, should it refuse it or be gone."""
        taken: dict[tuple[str, str], _Settlement] = {}
        left: deque[_Settlement] = deque()
        behind = set(self._sent)  # books whose next one has to wait
        for each in self._waiting:
            before = taken.get(each.book)
            full = len(taken) >= _COMMANDS if before is None else len(before.leases) >= _COMMANDS
            if each.book in behind or full or not self._may_go(each):
                behind.add(each.book)
                left.append(each)
            elif before is None:
                taken[each.book] = each
            else:
                before.add(each)
        self._waiting = left
        self._sent |= taken

    def _told(self, settling: Sequence[_Settlement], answers: list[Any]) -> list[Any]:
        """Strike out the settlements that were done; what remains are the answers to questions. One that Redis
        refused was not done: it is sent again."""
        for each, answer in zip(settling, answers, strict=False):
            if not _is_error(answer):
                del self._sent[each.book]
        fault = next((answer for answer in answers if _is_error(answer)), None)
        self._note("" if fault is None else str(fault))
        return answers[len(settling) :]

    def _note(self, trouble: str) -> None:
        if trouble and not self.trouble:
            _log.error("Redis cannot be asked: %s", trouble)
        elif self.trouble and not trouble:
            _log.warning("Redis can be asked again")
        self.trouble = trouble

    def _settling(self, settlement: _Settlement) -> _Command:
        now = self._now_ms()
        keys = [f"weir:{{{settlement.owner}}}:settled-by:{settlement.counter}", *_keys(settlement.spent)]
        arguments: list[str | int] = [settlement.last, _REMEMBERED, " ".join(settlement.leases)]
        for account, amount in settlement.spent.items():
            arguments += (_go(account, now), amount)
        return _Command(scripts.SETTLE, keys, arguments)

    def _renewals(self) -> list[_Command]:
        """Commands that renew every lease under way, where it is time to."""
        now = self._now_ms()
        if now - self._renewed < self._lease_ms / 3:
            return []
        self._renewed = now
        held: dict[Account, list[str]] = {}
        for lease, claims in self._leases.items():
            for claim in claims:
                held.setdefault(claim.account, []).append(lease)
        return [
            _Command(scripts.RENEW, _keys([account]), [now + self._lease_ms, _go(account, now), *leases])
            for account, leases in held.items()
        ]

    def _fold(self) -> None:
        """Make one settlement of all of a book's that wait: Redis has been gone for long."""
        folded: dict[tuple[str, str], _Settlement] = {}
        for each in self._waiting:
            if (before := folded.setdefault(each.book, each)) is not each:
                before.add(each)
        self._waiting = deque(folded.values())


def _keys(accounts: Iterable[Account]) -> list[str]:
    """The two keys of each account; the braces keep an owner's keys together."""
    keys: list[str] = []
    for account in accounts:
        name = f"weir:{{{account.owner}}}:{account.name}"
        keys += (name, f"{name}:leases")
    return keys


def _go(account: Account, now_ms: int) -> int:
    """When an account's keys may go (UTC milliseconds)."""
    return account.until + _SLACK if account.until else now_ms + _ENDLESS


def _is_error(answer: object) -> bool:
    return isinstance(answer, RedisError)


def _give(waiting: asyncio.Future[Any], answer: object) -> None:
    """Hand an answer to whoever waits for it."""
    if isinstance(answer, Exception):
        waiting.set_exception(Gone(str(answer)))
    else:
        waiting.set_result(answer)
