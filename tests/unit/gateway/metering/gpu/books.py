"""Books of one backend for tests: what an engine's page shows at a moment, what is watched, what was booked."""

import types
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Booking, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL

MS = 1_000_000
START = 5_000 * SECOND + 123
WALL = 1_790_000_000 * SECOND + 456_000_123


def accounts(gpus: int = 1, **options) -> GpuAccounts:
    backend = GpuBackend("gpu-a", ("r0",), gpus, Decimal("2.10"), NEUTRAL)
    return GpuAccounts([backend], now_ns=START, wall_ns=WALL, **options)


def page(
    at: int, *, running: float = 0, steps: float = 0, computed: float = 0, generated: float = 0
) -> Reading:
    engine = EngineReading(
        "0",
        running=running,
        steps=steps,
        computed=computed,
        generated=generated,
        prompts=computed,
        kv_usage=0.1,
        kv_capacity=1e5,
    )
    return Reading(at, at, (engine,))


def watch(books: GpuAccounts, until: int, *pages: Reading, every: int = 100 * MS) -> None:
    """Idle pages all the time, but for those given."""
    given_at = {reading.asked_ns: reading for reading in pages}
    last = page(START)
    for at in sorted({*range(START, until, every), *given_at}):
        last = given_at.get(at) or Reading(at, at, last.engines)
        books.observe("gpu-a", "r0", last)


def by_kind(bookings: Iterable[Booking]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for booking in bookings:
        sums[booking.kind] += booking.gpu_ns
    return dict(sums)


@types.coroutine
def others_run() -> Iterator[None]:
    """A pause between two slices of closing: whoever drives the closing has others run in it."""
    yield
