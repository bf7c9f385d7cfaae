"""Rows that several gateways in front of one engine share, and what becomes of them while nobody can be asked.

While the shared state is gone, each gateway bills its own requests by prices of its own: for all it knows, the whole
window is its own. What is not a request's is left open then. Once the state is back, each says what it has billed; the
first to say so has posted the row, and it books the rest: `foreign` is what is left, below nothing where gateways
billed more between them than the engine was busy (so may `waiting` be, by what each carried on for itself). So each
nanosecond is booked once, whoever was away how long.

While gateways are replaced by newer ones, two versions stand before one engine. What one of them cannot read of the
other's words it does without: prices are its own then, the window's pool of time is shared as ever, and what nobody
claims is booked by whose row stands.
"""

import logging
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

import orjson

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.doubt import Doubt
from gateway.metering.gpu.facts import Coefficients, Row, RowKey, Tokens
from gateway.metering.gpu.hindsight import Prompt
from gateway.metering.gpu.rows import Drawn, Knowledge, Settled
from gateway.metering.gpu.ticket import Silence
from gateway.state.claims import Gone
from gateway.state.pools import Pools

_log = logging.getLogger("weir.gpu")

# Field by field: orjson cannot read compiled data classes by itself.
_AS_TOLD: Final = orjson.OPT_PASSTHROUGH_DATACLASS
_MOST: Final = 50_000  # windows remembered
_FINE: Final = 1000  # tokens are told in thousandths: an unstreamed answer's are spread over windows


@dataclass(slots=True)
class _Known:
    """What this gateway has of one window. `open`: not all was said there that was done here."""

    row: Row
    pool_ns: int
    open: bool = False
    total: int = 0  # drawn in all,
    late: int = 0  # and of that after it was closed
    closed: bool = False
    tokens: Tokens = field(default_factory=Tokens)


class SharedRows:
    """`gateway` is this process's own name."""

    def __init__(self, pools: Pools, gateway: str) -> None:
        self._pools = pools
        self._gateway = gateway
        self._known: dict[RowKey, _Known] = {}
        self._away = False

    @property
    def shared(self) -> bool:
        """As WindowRows.shared."""
        return True

    async def meet(self, key: RowKey, known: Knowledge | None) -> list[Knowledge | None]:
        """As WindowRows.meet; alone, while the others cannot be asked."""
        said = "" if known is None else orjson.dumps(known, _members, _AS_TOLD).decode()
        try:
            return [_knowledge(each) for each in await self._pools.meet(_name(key), self._gateway, said)]
        except Gone:
            return []

    async def publish(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        """As WindowRows.publish."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known(row, pool_ns)
            while len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
        try:
            known.row = await self._open(key, row, pool_ns)
        except Gone as error:
            self._lose(known, error)
        return known.row

    async def tell(self, key: RowKey, tokens: Tokens) -> Tokens:
        """As WindowRows.tell."""
        known = self._known.get(key)
        if known is None:
            return tokens
        own = known.tokens = Tokens(
            known.tokens.prompts + tokens.prompts, known.tokens.generated + tokens.generated
        )
        if known.open:
            return own
        try:
            figures = (round(own.prompts * _FINE), round(own.generated * _FINE))
            prompts, generated = await self._pools.note(_name(key), self._gateway, figures)
        except Gone as error:
            self._lose(known, error)
            return own
        return Tokens(prompts / _FINE, generated / _FINE)

    async def portion(self, key: RowKey, tokens: Tokens) -> int:  # noqa: ARG002  # WindowRows' signature
        """As WindowRows.portion, by what each gateway drew. Nothing, while the others cannot be asked."""
        known = self._known.get(key)
        if known is None or known.open:
            return 0
        try:
            left, own, asking = await self._pools.left(_name(key), self._gateway)
        except Gone as error:
            self._lose(known, error)
            return 0
        if left <= 0 or asking <= 0:
            return max(0, left)
        return left * max(0, min(own, asking)) // asking

    async def draw(self, key: RowKey, gpu_ns: int) -> Drawn:
        """As WindowRows.draw."""
        known = self._known.get(key)
        if known is None:
            return Drawn(0, 0)
        if not known.open:
            try:
                return await self._claim(key, known, known.total + gpu_ns)
            except Gone as error:
                self._lose(known, error)
        return _drawn_here(known, gpu_ns)

    async def close(self, key: RowKey) -> int | None:
        """As WindowRows.close."""
        known = self._known[key]
        if known.open:
            return None
        try:
            left = await self._pools.shut(_name(key))
            known.closed = True
            return max(0, known.pool_ns - known.total) if left is None else left
        except Gone as error:
            self._lose(known, error)
            return None

    def settled(self, key: RowKey) -> bool:
        """As WindowRows.settled."""
        known = self._known.get(key)
        return known is None or not known.open

    async def settle(self, key: RowKey) -> Settled | None:
        """As WindowRows.settle."""
        known = self._known.get(key)
        if known is None:
            return None
        try:
            row = await self._open(key, known.row, known.pool_ns)
            late_ns = (await self._claim(key, known, known.total, overdraw=True)).late_ns
        except Gone:
            return None
        known.row, known.open = row, False
        return Settled(row, late_ns)

    async def _open(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        kept = _row(await self._pools.open(_name(key), _text(row), pool_ns), row)
        if self._away:
            self._away = False
            _log.warning("other gateways can be asked again: windows of GPU time are settled with them")
        return kept

    async def _claim(self, key: RowKey, known: _Known, total: int, *, overdraw: bool = False) -> Drawn:
        given = await self._pools.claim(_name(key), self._gateway, total, overdraw=overdraw)
        if (
            given is None
        ):  # forgotten, by its age or because the shared state lost it: nobody else will say more
            return _drawn_here(known, total - known.total)
        drawn = Drawn(given.total - known.total, given.late - known.late)
        known.total, known.late = given.total, given.late
        return drawn

    def _lose(self, known: _Known, error: Gone) -> None:
        known.open = True
        if not self._away:
            self._away = True
            _log.error(
                "other gateways cannot be asked (%s): GPU time is billed by this one's own prices, and what is not "
                "its requests' is booked once they can be asked again",
                error,
            )


def _drawn_here(known: _Known, gpu_ns: int) -> Drawn:
    """As far as this gateway knows what is left."""
    drawn = min(gpu_ns, max(0, known.pool_ns - known.total))
    known.total += drawn
    return Drawn(drawn, drawn if known.closed else 0)


def _name(key: RowKey) -> str:
    return f"{key.backend}:{key.replica}:{key.gpus}:{key.window}"


def _members(each: Any) -> dict[str, Any]:
    return {field.name: getattr(each, field.name) for field in fields(each)}


def _knowledge(said: str) -> Knowledge | None:
    """None: nothing is said yet, or by another version."""
    if not said:
        return None
    told = orjson.loads(said)
    try:
        return Knowledge(
            Counted(**told["counted"]),
            Counted(**told["abandoned"]),
            Doubt(**told["doubt"]),
            tuple((begin, end) for begin, end in told["spans"]),
            told["over"],
            told["present_ns"],
            tuple(Silence(**each) for each in told["silences"]),
            tuple(Prompt(**each) for each in told["prompts"]),
            tuple(told["writers"]),
        )
    except (KeyError, TypeError):
        return None


def _text(row: Row) -> str:
    return orjson.dumps(asdict(row)).decode()


def _row(text: str, own: Row) -> Row:
    """The row that stands; where another version wrote it, our own prices under its writer's name."""
    told = orjson.loads(text)
    try:
        costs, crowd = Coefficients(**told["coefficients"]), tuple(told["crowd"])
        return Row(**{**told, "coefficients": costs, "crowd": crowd})
    except (KeyError, TypeError):
        return replace(own, writer=str(told.get("writer", "")))
