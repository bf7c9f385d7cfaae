"""What GPU accounting is told and what it hands back: backends, coefficients, rows, bookings."""

from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

SECOND: Final = 1_000_000_000  # ns
HOUR: Final = 3600 * SECOND

# What an attempt did in one window: prompt tokens computed, the context each of those looked back on (summed),
# tokens written, tokens of context read back for them.
Did = tuple[float, float, float, float]
NOTHING: Did = (0.0, 0.0, 0.0, 0.0)

# A token written is computed too. That takes as long as a prompt's where a step computes all it can, and next to none
# where it waits for memory anyhow: so much on the whole.
WRITTEN: Final = 0.5

Kind = Literal[
    "request",  # used by a request that came through this gateway
    "foreign",  # busy, and no gateway claims it
    "waiting",  # busy, not yet explained by the engine's counters (a long prefill); negative where it is paid
    "idle",  # provisioned and watched, and nothing ran
    "unobserved",  # nobody watched
]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What an engine's three doings cost, in seconds. Only their ratios matter: prices scale to busy time.

    `attention` is the share by which each token of context before it makes a prompt token dearer (rho).
    """

    step: float  # F: take one step
    prompt: float  # a: compute one prompt token
    context: float  # d: read one token of context back
    attention: float

    def prompt_work(self, computed: float, cached: float) -> float:
        """Seconds to compute `computed` prompt tokens behind `cached` ones."""
        return self.prompt * self.effective(computed, cached)

    def effective(self, computed: float, cached: float) -> float:
        """Prompt tokens, weighted for the context each one looks back on (E)."""
        return computed * (1.0 + self.attention * (cached + computed / 2))


@dataclass(frozen=True, slots=True)
class GpuBackend:
    """A backend on GPUs we pay for, `gpus` to each replica; `replicas` are their names or URLs.

    `engine` says what it runs (model, engine version, GPU): backends that run the same learn together.
    """

    name: str
    replicas: tuple[str, ...]
    gpus: int
    usd_per_gpu_hour: Decimal | None
    guess: Coefficients
    engine: str = ""

    @property
    def learns_as(self) -> str:
        """Whose costs it learns with."""
        return self.engine or self.name

    def usd(self, gpu_ns: int) -> Decimal | None:
        """What that much GPU time costs, or None where the rate is not configured."""
        return None if self.usd_per_gpu_hour is None else self.usd_per_gpu_hour * gpu_ns / HOUR


@dataclass(frozen=True, slots=True)
class RowKey:
    """One window of one replica on so many GPUs. `window` counts windows since the Unix epoch."""

    backend: str
    replica: str
    gpus: int
    window: int


@dataclass(frozen=True, slots=True)
class Row:
    """A closed window's posted prices, written once by the first gateway that closes it.

    An effective prompt token costs `scale * coefficients.prompt`, a context token read `scale *
    coefficients.context`, an output token `scale * coefficients.step * steps_per_token` (GPU seconds, for
    each GPU), weighted by how many others were written beside it.
    """

    writer: str  # the gateway that books the window's foreign, waiting, idle and unobserved time
    provisioned_ns: int  # of the replica, not times its GPUs; so are the other spans
    busy_ns: int
    paid_ns: int  # what requests and foreign traffic share
    waiting_ns: int  # carried on to the next window
    unobserved_ns: int
    scale: float  # s
    coefficients: Coefficients
    steps_per_token: float  # S ÷ G
    gpus: int
    crowd: tuple[float, ...] = ()  # by which an output token's price is weighted, as `crowd.shares` has it

    @property
    def prices(self) -> "Prices":
        """What is to be paid on these GPUs."""
        costs, scale = self.coefficients, self.gpus * SECOND * self.scale
        return Prices(
            scale * costs.prompt,
            scale * costs.prompt * costs.attention,
            scale * costs.step * self.steps_per_token,
            scale * costs.context,
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """A row's prices in GPU nanoseconds."""

    prompt: float  # to compute a prompt token,
    behind: float  # and for each token of context it looks back on
    output: float  # to write a token,
    context: float  # and for each token of context read back for it

    def due(self, did: Did) -> int:
        """The bill (GPU ns) for what a request did in the window."""
        computed, looked_back, written, context = did
        return int(
            self.prompt * computed
            + self.behind * looked_back
            + self.output * written
            + self.context * context
        )


@dataclass(slots=True)  # not frozen: a busy second has thousands, and that would take three times as long
class Booking:
    """GPU time (`gpu_ns`: GPUs times nanoseconds) that goes to one use. Corrections and `waiting` may be
    negative."""

    kind: Kind
    owner: Hashable | None  # the facts given to `begin`, for requests
    backend: str
    replica: str
    window: int
    gpu_ns: int
    correction: bool  # late knowledge about a window that was booked before
    row: Row  # the window's prices, and what an attempt did in it: for a bill that can be read line by line
    did: Did | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What gateways know to have been read and written in a window."""

    prompts: float = 0.0
    generated: float = 0.0
