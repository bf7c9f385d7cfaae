"""Opens the state that limits are counted in, and brings to it what was spent before this process began."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.configuration.settings import StateSettings
from gateway.ledger.bookmark import Bookmark
from gateway.ledger.ledger import Ledger
from gateway.ledger.store import StoreUnavailable, StoreUnfit
from gateway.ledger.stores import open_store
from gateway.metering.budgets.limits import Allowances
from gateway.metering.budgets.opening import spent_before
from gateway.metering.budgets.replay import Replay
from gateway.state.belongings import Belongings, LocalBelongings
from gateway.state.choices import Choices, LocalChoices
from gateway.state.claims import Account, Gone, SharedState
from gateway.state.conversations import Conversations, LocalConversations
from gateway.state.local import LocalState
from gateway.state.pools import Pools
from gateway.state.scores import LocalScores, Scores
from routers.complexity.window import SIZE

_log = logging.getLogger("weir.state")

SHIPPING_SECONDS: Final = 5.0  # the ledger gets to ship what an earlier run left behind
TELLING_SECONDS: Final = 5.0  # and Redis gets to hear what that run did not tell it
RETRY_SECONDS: Final = 10.0
_LINES: Final = 500  # of the journal, between two of which the loop is free
_OF_ONE: Final = 64  # lines of one request: its attempts stand before it
_NOTE_SECONDS: Final = 1.0


def open_state(settings: StateSettings, journal: str, written: Callable[[], int]) -> LocalState | SharedState:
    """In Redis where it is configured, else in this process. What is settled there is numbered by that journal's
    lines, up to the one that is `written`. Raises OSError where Redis's client is not installed."""
    if settings.redis is None:
        return LocalState(_utc_ms)
    try:
        from gateway.state.shared import RedisState  # noqa: PLC0415  # its client is an optional extra
    except ImportError:
        raise OSError("Redis's client is not installed: pip install 'weir-gateway[redis]'") from None
    return RedisState(settings.redis.reveal(), journal, _utc_ms, written=written)


def open_conversations(settings: StateSettings) -> tuple[Conversations, Choices]:
    """What was found in conversations, and where they went, kept where `open_state` counts; closing the first closes
    both. Raises OSError as that does."""
    if settings.redis is None:
        return LocalConversations(_monotonic_ms), LocalChoices(_monotonic_ms)
    try:
        from gateway.state.line import Line  # noqa: PLC0415  # as above
        from gateway.state.shared_choices import SharedChoices  # noqa: PLC0415  # as above
        from gateway.state.shared_conversations import SharedConversations  # noqa: PLC0415  # as above
    except ImportError:
        raise OSError("Redis's client is not installed: pip install 'weir-gateway[redis]'") from None
    line = Line(settings.redis.reveal())
    return SharedConversations(line, _utc_ms), SharedChoices(line, _utc_ms)


def open_belongings(settings: StateSettings, path: Path) -> Belongings:
    """Whose the objects are that providers keep: in Redis where it is configured, else in the file at `path`. Raises
    OSError where that cannot be used, and as `open_state`."""
    if settings.redis is None:
        return LocalBelongings(path, _utc_ms)
    try:
        from gateway.state.shared_belongings import SharedBelongings  # noqa: PLC0415  # as above
    except ImportError:
        raise OSError("Redis's client is not installed: pip install 'weir-gateway[redis]'") from None
    return SharedBelongings(settings.redis.reveal(), _utc_ms)


def open_scores(settings: StateSettings, path: Path) -> Scores:
    """What rolling thresholds are measured by: in Redis where it is configured, else in the file at `path`. Raises
    OSError as `open_state`."""
    if settings.redis is None:
        return LocalScores(path, _utc_ms, SIZE)
    try:
        from gateway.state.line import Line  # noqa: PLC0415  # as above
        from gateway.state.shared_scores import SharedScores  # noqa: PLC0415  # as above
    except ImportError:
        raise OSError("Redis's client is not installed: pip install 'weir-gateway[redis]'") from None
    return SharedScores(Line(settings.redis.reveal()), _utc_ms, SIZE)


def open_pools(settings: StateSettings) -> Pools | None:
    """Where gateways share windows of GPU time; None: there is no other gateway. Raises OSError as `open_state`."""
    if settings.redis is None:
        return None
    try:
        from gateway.state.shared_pools import RedisPools  # noqa: PLC0415  # as above
    except ImportError:
        raise OSError("Redis's client is not installed: pip install 'weir-gateway[redis]'") from None
    return RedisPools(settings.redis.reveal())


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000


class Opening:
    """What the ledger says was spent, for a state that forgets with its process."""

    def __init__(self, state: LocalState | SharedState, ledger: Ledger, store: Path | str) -> None:
        self._state = state
        self._ledger = ledger
        self._store = store

    async def bring(self, allowances: Callable[[], Allowances]) -> None:
        """Bring it, and try again for as long as the database is away."""
        while not await self.try_to(allowances()):  # noqa: ASYNC110  # nothing tells when a database is back
            await asyncio.sleep(RETRY_SECONDS)

    async def try_to(self, allowances: Allowances) -> bool:
        """Whether it was brought, or there is nothing to bring."""
        state = self._state
        limits = [limit for limit in allowances.all() if limit.measure.is_budget]
        if not isinstance(state, LocalState) or not limits:
            return True
        deadline = time.monotonic() + SHIPPING_SECONDS
        while self._ledger.lag_seconds() > 0 and time.monotonic() < deadline:  # noqa: ASYNC110  # another process ships
            await asyncio.sleep(0.02)
        try:
            spent = await asyncio.to_thread(self._read, allowances)
        except (StoreUnavailable, StoreUnfit) as error:
            _log.warning("what was spent today is not known yet, so budgets begin at 0: %s", error)
            return False
        for account, amount in spent.items():
            state.raise_to(account, amount)
        return True

    def _read(self, allowances: Allowances) -> dict[Account, int]:
        store = open_store(self._store)
        try:
            return spent_before(store, allowances.all(), allowances.reserve.unpriced_usd, time.time_ns())
        finally:
            store.close()


class Retelling:
    """Sees to it that a shared state hears of all that this gateway spent, whenever a process of it was killed: what
    it may not have been told is in the journal, behind a bookmark."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._before: Final = ledger.last  # what earlier processes wrote
        self._retold = False
        self._tried = asyncio.Event()

    def written(self) -> int:
        """The last line of the journal that may be settled: later ones wait until the earlier are."""
        return self._ledger.last if self._retold else self._before

    async def run(self, state: LocalState | SharedState, allowances: Callable[[], Allowances]) -> None:
        """Tell what earlier processes may not have told, then note once a second how much was, for as long as the
        task lives."""
        if isinstance(state, LocalState):
            self._tried.set()
            return
        bookmark = self._ledger.bookmark("settled")
        while not await self._tell(state, allowances(), bookmark):
            self._tried.set()
            await asyncio.sleep(_NOTE_SECONDS)
        self._retold = True
        self._tried.set()
        while True:
            bookmark.move(max(bookmark.line, state.settled - _OF_ONE))
            await asyncio.sleep(_NOTE_SECONDS)

    async def tried(self) -> None:
        """Wait until it is told or cannot be just now; if it is much, the rest is told while requests come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELLING_SECONDS):
                await self._tried.wait()

    async def _tell(self, state: SharedState, allowances: Allowances, bookmark: Bookmark) -> bool:
        """Whether it was all told; how much was is noted."""
        replay, reader = Replay(allowances, _utc_ms()), self._ledger.reader(bookmark.line)
        try:
            while lines := await asyncio.to_thread(reader.read, self._before, _LINES):
                for line in lines:
                    if settled := replay.take(line):
                        await state.settle_again(*settled, line.number)
                        bookmark.move(line.number)
        except Gone:
            return False
        except (OSError, ValueError) as error:
            told = "the journal cannot be read behind line %d, so Redis may not know all that was spent: %s"
            _log.error(told, reader.line, error)
        return True
