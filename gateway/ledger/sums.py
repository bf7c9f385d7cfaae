"""The questions the hourly tables answer: what was spent, what GPU time and
electricity went on, and what became of actions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

_time_expressions: Final[Mapping[str, str]] = {
    "day": "hour / 86400 * 86400"
}  # the tables' hours are UTC seconds
_time_formats: Final[Mapping[str, str]] = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00Z"}


@dataclass(frozen=True, slots=True)
class Spend:
    """A sum over attempts. `usd` leaves out what has no known price: that many attempts are `unpriced`. For
    GPUs of ours, money and time are the provisional figures; the final ones are GpuTime."""

    by: tuple[str, ...]  # the values of the dimensions asked for, in their order
    attempts: int
    input_tokens: int  # uncached
    cached_tokens: int  # read from and written to caches
    output_tokens: int  # with reasoning
    usd: Decimal
    unpriced: int
    gpu_ns: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A sum over requests, in nanoseconds. `ttft_known` of them have a time to the first token."""

    by: tuple[str, ...]
    requests: int
    duration_ns: int
    overhead_ns: int  # Weir's own share of it
    ttft_ns: int
    ttft_known: int


@dataclass(frozen=True, slots=True)
class KeySpend:
    """A sum over requests, of what a key's budget counts. `unpriced` attempts are missing from the money."""

    by: tuple[str, ...]
    requests: int
    usd: Decimal
    unpriced: int
    gpu_ns: int


@dataclass(frozen=True, slots=True)
class GpuTime:
    """A sum over bookings of closed windows, corrections included; all uses together are what was provisioned."""

    by: tuple[str, ...]
    gpu_ns: int
    usd: Decimal
    unpriced: int  # bookings without a rate


@dataclass(frozen=True, slots=True)
class EnergySum:
    """A sum over energy bookings. `unknown` counts bookings of time in which nobody could read a meter."""

    by: tuple[str, ...]
    energy_uj: int
    usd: Decimal
    unknown: int


@dataclass(frozen=True, slots=True)
class ActionSum:
    """A sum over closed actions, corrections by later feedback and later bookings included. `usd` is what their
    own requests cost; idle time is not in it."""

    by: tuple[str, ...]
    actions: int
    requests: int
    usd: Decimal
    unpriced: int  # attempts whose cost is unknown
    gpu_ns: int


@dataclass(frozen=True, slots=True)
class Rerated:
    """A sum over re-ratings: what they add to what was booked, and how many gave a price to what had none."""

    by: tuple[str, ...]
    usd: Decimal
    priced: int


Answer = TypeVar("Answer", Spend, Answered, KeySpend, GpuTime, EnergySum, ActionSum, Rerated)


@dataclass(frozen=True, slots=True)
class Question(Generic[Answer]):
    """One hourly table: by what it can be grouped, and which sums make an answer of type `answer`."""

    table: str
    dimensions: tuple[str, ...]
    sums: tuple[str, ...]  # SQL, in the order of the answer's fields; `usd` stands for the exact sum of money
    answer: Callable[..., Answer]

    def sql(self, by: Sequence[str], usd: str, mark: str) -> str:
        """The query: `usd` is the database's exact sum of that column, `mark` its parameter mark (the start and
        the end, in UTC seconds). Raises ValueError for a dimension the table does not have."""
        unknown = [dimension for dimension in by if dimension not in self.dimensions]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(self.dimensions)}")
        groups: list[str] = [_time_expressions.get(dimension, dimension) for dimension in by]
        columns: list[str] = groups + [usd if each == "usd" else f"sum({each})" for each in self.sums]
        grouped = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
        return (
            f"SELECT {', '.join(columns)} FROM {self.table} "  # noqa: S608  # only names of our own
            f"WHERE hour >= {mark} AND hour < {mark}{grouped}"
        )

    def answers(self, found: Sequence[Sequence[Any]], by: Sequence[str]) -> list[Answer]:
        """What the query found; nothing where there was nothing to sum."""
        return [self._answer(row, by) for row in found if row[len(by)] is not None]

    def _answer(self, row: Sequence[Any], by: Sequence[str]) -> Answer:
        values = tuple(
            datetime.fromtimestamp(value, UTC).strftime(_time_formats[name])
            if name in _time_formats
            else str(value)
            for name, value in zip(by, row, strict=False)
        )
        sums = zip(self.sums, row[len(by) :], strict=True)
        return self.answer(values, *(Decimal(value) if name == "usd" else int(value) for name, value in sums))


SPENT: Final = Question(
    "hourly_spend",
    ("day", "hour", "tenant", "workflow", "route", "model", "backend", "zone"),
    (
        "attempts",
        "input_tokens + audio_in_tokens",
        "cache_read_tokens + cache_write_tokens",
        "output_tokens + reasoning_tokens + audio_out_tokens",
        "usd",
        "unpriced",
        "gpu_ns",
    ),
    Spend,
)
ANSWERED: Final = Question(
    "hourly_requests",
    ("day", "hour", "tenant", "workflow", "route", "model", "zone", "level", "outcome"),
    ("requests", "duration_ns", "overhead_ns", "ttft_ns", "ttft_known"),
    Answered,
)
SPENT_BY_KEY: Final = Question(
    "hourly_keys",
    ("day", "hour", "tenant", "key"),
    ("requests", "usd", "unpriced", "gpu_ns"),
    KeySpend,
)
ENERGY: Final = Question(
    "hourly_energy",
    ("day", "hour", "backend", "replica", "use", "tenant", "workflow", "route", "model"),
    ("energy_uj", "usd", "unknown"),
    EnergySum,
)
ACTIONS: Final = Question(
    "hourly_actions",
    ("day", "hour", "tenant", "workflow", "outcome"),
    ("actions", "requests", "usd", "unpriced", "gpu_ns"),
    ActionSum,
)
GPU_TIME: Final = Question(
    "hourly_gpu",
    ("day", "hour", "backend", "replica", "use", "tenant", "workflow", "route", "model"),
    ("gpu_ns", "usd", "unpriced"),
    GpuTime,
)
RERATED: Final = Question(
    "hourly_reratings",
    ("of", "day", "hour", "tenant", "workflow", "route", "model", "backend", "zone", "replica", "use"),
    ("usd", "priced"),
    Rerated,
)
