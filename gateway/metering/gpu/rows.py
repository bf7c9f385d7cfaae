"""Closed windows that all gateways in front of an engine share: written once, drawn on until empty."""

from dataclasses import dataclass, field
from typing import Protocol

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.doubt import Doubt
from gateway.metering.gpu.facts import Row, RowKey, Tokens
from gateway.metering.gpu.hindsight import Prompt
from gateway.metering.gpu.spans import Span
from gateway.metering.gpu.ticket import Silence


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a claim got. `late_ns` of it was booked as foreign time before, which must be corrected."""

    gpu_ns: int
    late_ns: int


@dataclass(frozen=True, slots=True)
class Settled:
    """A window whose gateways could not ask each other: the row that counts, and what late claims were."""

    row: Row
    late_ns: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one gateway knows of a window from its own requests. Times of `spans` are UTC nanoseconds."""

    counted: Counted  # what they did
    abandoned: Counted  # prompts computed, in part, for clients that left
    doubt: Doubt  # of what they did, the prompts that are estimates yet
    spans: tuple[Span, ...]  # when any was at the engine
    over: bool  # none is there beyond the window's end
    present_ns: int  # how long each was there, summed
    silences: tuple[Silence, ...] = ()  # the longest of those that ended in it
    prompts: tuple[Prompt, ...] = ()  # the longest of those it saw the first token of, in UTC too
    writers: tuple[float, ...] = ()  # how many answers were written at once, slot by slot


class WindowRows(Protocol):
    """Where rows are kept. Each call is atomic and answers the same when repeated by another gateway."""

    @property
    def shared(self) -> bool:
        """Whether there may be other gateways, to meet before a row is posted."""

    async def meet(self, key: RowKey, known: Knowledge | None) -> list[Knowledge | None]:
        """Before its row is posted: say what is known of a window, or (None) that something will be; what every other
        gateway says."""

    async def publish(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        """Keep the row, and `pool_ns` of GPU time to be claimed, unless one is there; the row that counts."""

    async def tell(self, key: RowKey, tokens: Tokens) -> Tokens:
        """Add what this gateway's requests read and wrote; the sum over all gateways so far."""

    async def portion(self, key: RowKey, tokens: Tokens) -> int:
        """What of the time still unclaimed (GPU ns) falls to a gateway that told these tokens, by its part in what
        gateways did that have not asked yet. To be drawn next."""

    async def draw(self, key: RowKey, gpu_ns: int) -> Drawn:
        """Claim GPU time from the window's pool, as far as it goes; a negative claim gives back."""

    async def close(self, key: RowKey) -> int | None:
        """By the row's writer, once: what nobody has claimed (GPU ns); it stays there for late claims. None: the
        others cannot be asked, see `settle`."""

    def settled(self, key: RowKey) -> bool:
        """Whether all gateways know what this one did with the window."""

    async def settle(self, key: RowKey) -> Settled | None:
        """Tell them, where they could not be told; None: they cannot be asked yet. Its writer closes it then."""


@dataclass(slots=True)
class _Pool:
    row: Row
    left_ns: int
    closed: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    portioned: float = 0.0  # generated tokens of gateways that asked for their portion


class InProcessRows:
    """Rows of one process: a single gateway's. Keeps the last `keep` windows of each replica."""

    def __init__(self, keep: int = 3600) -> None:
        self._keep = keep
        self._pools: dict[tuple[str, str, int], dict[int, _Pool]] = {}

    @property
    def shared(self) -> bool:
        return False

    async def meet(self, key: RowKey, known: Knowledge | None) -> list[Knowledge | None]:  # noqa: ARG002  # WindowRows'
        return []

    async def publish(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        pools = self._pools.setdefault((key.backend, key.replica, key.gpus), {})
        pool = pools.setdefault(key.window, _Pool(row, pool_ns))
        while len(pools) > self._keep:
            del pools[next(iter(pools))]
        return pool.row

    async def draw(self, key: RowKey, gpu_ns: int) -> Drawn:
        pool = self._pools.get((key.backend, key.replica, key.gpus), {}).get(key.window)
        if pool is None:
            return Drawn(0, 0)
        drawn = min(gpu_ns, pool.left_ns)
        pool.left_ns -= drawn
        return Drawn(drawn, drawn if pool.closed else 0)

    async def tell(self, key: RowKey, tokens: Tokens) -> Tokens:
        pool = self._pools.get((key.backend, key.replica, key.gpus), {}).get(key.window)
        if pool is None:
            return tokens
        before = pool.tokens
        pool.tokens = Tokens(before.prompts + tokens.prompts, before.generated + tokens.generated)
        return pool.tokens

    async def portion(self, key: RowKey, tokens: Tokens) -> int:
        pool = self._pools.get((key.backend, key.replica, key.gpus), {}).get(key.window)
        if pool is None:
            return 0
        open_still = pool.tokens.generated - pool.portioned
        pool.portioned += tokens.generated
        return int(pool.left_ns * min(1.0, tokens.generated / open_still)) if open_still > 0 else pool.left_ns

    async def close(self, key: RowKey) -> int:
        pool = self._pools[key.backend, key.replica, key.gpus][key.window]
        pool.closed = True
        return pool.left_ns

    def settled(self, key: RowKey) -> bool:
        del key
        return True

    async def settle(self, key: RowKey) -> Settled | None:
        return Settled(self._pools[key.backend, key.replica, key.gpus][key.window].row, 0)
