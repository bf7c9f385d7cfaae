"""The facts the ledger keeps: what a request was, what each attempt used, what a GPU's time went on.

Nothing here can hold a prompt, an answer or a sensitive value: only names, counts, times and money.
Sums run over attempts (each attempt's money is its own), so a request's figures are for reading it
alone: adding requests and attempts together would count everything twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal

from adapters.chat import TokenUsage

SCHEMA: Final = (
    9  # raised when a kind of record or a field is added or changes its meaning; stores upgrade older ones
)

Outcome = Literal[
    "ok",  # the whole answer was delivered
    "cancelled",  # the client left before the end
    "cut",  # the answer broke after its first byte
    "failed",  # no target answered
    "rejected",  # a provider judged the request itself at fault
    "refused",  # Weir said no: a boundary, a limit, a budget
]

FAILED_OUTCOMES: Final = frozenset({"cut", "failed", "rejected", "refused"})  # of a request: HTTP failures

_no_usage: Final = TokenUsage()
_nothing: Final[Mapping[str, Any]] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return _nothing


@dataclass(
    slots=True, kw_only=True
)  # not frozen: made for every request, and that would take four times as long
class RequestRecord:
    """One API call by an application: who asked, how it was judged, what came of it.

    Times are UTC nanoseconds (`at`: arrival) and nanoseconds (`*_ns`). `usage`, `usd` and `gpu_ns` are
    the sums over its attempts; `usd` is None where any part of it is unknown. An empty string means none.
    """

    id: str
    at: int
    tenant: str
    key: str = ""  # the API key's id, never the key
    workflow: str = ""
    action: str = ""
    conversation: str = ""
    dialect: str = "chat"
    stream: bool = False
    asked: str = ""  # the model as the application named it
    route: str = ""
    model: str = ""  # that answered, in Weir's name
    backend: str = ""
    replica: str = ""
    zone: str = ""
    level: str = ""  # the label: level, how many of which type, which rules hit, what could not be read
    types: Mapping[str, int] = field(default_factory=_empty)
    rules: tuple[str, ...] = ()
    unscanned: tuple[str, ...] = ()
    detectors_failed: tuple[str, ...] = ()
    redacted: Mapping[str, int] = field(default_factory=_empty)  # type → values replaced in what was sent
    complexity: float | None = None
    kind: str = ""
    policy: str = ""  # hash of the policy in force
    trace: str = ""  # the client's W3C `traceparent`, where traces are exported
    reasons: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=_empty)  # model → why it was not a target
    passed_over: tuple[str, ...] = ()  # routes whose condition held but that had no target left
    status: int = 0  # HTTP, as the client saw it
    outcome: Outcome = "ok"
    error: str = ""  # the error's class, as metrics and alerts name it
    attempts: int = 0
    usage: TokenUsage = field(default=_no_usage)
    usd: Decimal | None = None
    price_source: str = ""
    priced_at: date | None = None
    gpu_ns: int | None = None  # provisional; the final figures are GpuBookings
    ttft_ns: int | None = None
    duration_ns: int = 0
    overhead_ns: int = 0  # Weir's own share of the duration


@dataclass(
    slots=True, kw_only=True
)  # not frozen: made for every request, and that would take four times as long
class AttemptRecord:
    """One call to one replica, with its own charge: retried, failed and cancelled ones too."""

    id: str  # as `attempt_id` makes it
    request: str
    n: int  # 1 for the first
    at: int  # when it began, UTC nanoseconds
    tenant: str
    workflow: str = ""
    action: str = ""
    route: str = ""
    model: str = ""
    upstream: str = ""  # the model in the provider's name
    backend: str = ""
    replica: str = ""
    zone: str = ""
    status: int = 0  # the provider's HTTP status; 0 if it never answered
    outcome: Outcome = "ok"
    error: str = ""  # as RequestRecord.error: `busy`, `first_byte_timeout`, …
    sent: bool = True  # whether any byte may have reached the provider
    finish: str = ""  # why the answer ended, in its own dialect's word: `stop`, `length`, `end_turn`, …
    upstream_id: str = ""  # the provider's id of the answer, for its support and its invoice
    usage: TokenUsage = field(default=_no_usage)
    usd: Decimal | None = None  # None: unknown, which is not 0
    components: Mapping[str, Decimal] = field(
        default_factory=_empty
    )  # tokens | gpu | energy → USD; sums to `usd`
    price_source: str = ""
    priced_at: date | None = None
    gpu_ns: int | None = None  # provisional
    ttft_ns: int | None = None
    duration_ns: int = 0


GpuUse = Literal["request", "foreign", "waiting", "idle", "unobserved"]


@dataclass(
    slots=True, kw_only=True
)  # not frozen: made for every request, and that would take four times as long
class GpuBooking:
    """A final figure of GPU time, booked once its window has closed, or a correction of one (signed).

    `id` is unique per booking and made from what it books, so that booking again after a crash is seen.
    """

    id: str
    at: int  # when it was booked, UTC nanoseconds
    window: int  # the window's start, UTC nanoseconds
    window_ns: int
    backend: str
    replica: str
    use: GpuUse
    gpu_ns: int  # GPU-nanoseconds: engine time times gpus; negative in a correction
    correction: bool = False
    tenant: str = ""
    workflow: str = ""
    action: str = ""
    route: str = ""
    model: str = ""
    zone: str = ""
    request: str = ""
    attempt: str = ""
    usd: Decimal | None = None
    price_source: str = ""
    priced_at: date | None = None
    prompt_tokens: int = (
        0  # what a request did in the window: prompt tokens computed, weighted for their context,
    )
    output_tokens: float = 0.0  # tokens written, weighted by how many others were beside them,
    context_tokens: int = 0  # and tokens of context read back for them


@dataclass(slots=True, kw_only=True)
class GpuWindow:
    """A closed window's posted prices and what they rest on. Every gateway that booked in the window keeps it.

    Spans are of one replica, in nanoseconds, not times its `gpus`; prices are GPU-nanoseconds (times `gpus`).
    """

    id: str
    at: int  # when it was booked, UTC nanoseconds
    window: int  # its start, UTC nanoseconds
    window_ns: int
    backend: str
    replica: str
    gpus: int
    writer: str  # the gateway whose prices count
    provisioned_ns: int
    busy_ns: int
    paid_ns: int
    waiting_ns: int  # carried on to the next window
    unobserved_ns: int
    prompt_price: float  # of an effective prompt token
    output_price: float  # of a token written
    context_price: float  # of a token of context read back


EnergyUse = Literal["request", "foreign", "idle", "unobserved"]


@dataclass(slots=True, kw_only=True)
class EnergyBooking:
    """Electricity that one use of a replica's GPUs took in closed windows, split as their GPU time was.

    `energy_uj` None says that nobody could read a meter for that long: unknown, which is not 0.
    """

    id: str
    at: int  # when it was booked, UTC nanoseconds
    window: int  # where the first of its windows starts, UTC nanoseconds
    window_ns: int  # how long they are together
    backend: str
    replica: str
    use: EnergyUse
    energy_uj: int | None  # microjoules
    tenant: str = ""
    workflow: str = ""
    action: str = ""
    route: str = ""
    model: str = ""
    zone: str = ""
    request: str = ""
    attempt: str = ""
    usd: Decimal | None = None  # only where the GPU's rate leaves power out
    price_source: str = ""


ActionOutcome = Literal["success", "failure", "unknown"]


@dataclass(slots=True, kw_only=True)
class ActionRecord:
    """Actions that closed with one outcome, or a correction of that (`count` and money signed).

    A request without an action's id is an action by itself. Those that nobody judged are kept together:
    `action` is empty and `count` says how many they are. Sums of `count` and `usd` are exact at any time.
    """

    id: str
    at: int  # when it was booked, UTC nanoseconds
    tenant: str
    outcome: ActionOutcome
    workflow: str = ""
    action: str = ""  # as the application named it, or the id of its only request
    judged_by: str = ""  # the metric that said so, or `http`: its last request failed
    count: int = 1
    opened: int = 0  # when its first request ended, UTC nanoseconds
    closed: int = 0
    requests: int = 0
    failed: int = 0  # of them
    usd: Decimal = Decimal(0)  # all that is known of its attempts' cost: final figures for GPUs of ours
    unpriced: int = 0  # attempts whose cost is unknown
    gpu_ns: int = 0
    correction: bool = False
    until: int = 0  # every action last heard of up to this time was closed with it; 0: it closed none


@dataclass(slots=True, kw_only=True)
class FeedbackRecord:
    """What an application said of an action. `value` is a word or a figure: it holds no free text."""

    id: str
    at: int
    tenant: str
    metric: str
    value: str  # `true`, `false`, a number, a word
    number: float | None = None
    outcome: Literal["", "success", "failure"] = ""  # what it says of the action; empty: nothing
    workflow: str = ""
    action: str = ""
    request: str = ""  # where it was said of one request
    late: bool = False  # the action was closed already: the ledger changes, the counters do not
    tags: Mapping[str, str] = field(default_factory=_empty)


@dataclass(slots=True, kw_only=True)
class AwaitedRecord:
    """A request whose answer its provider still works on (`background`): what is known until its own record and its
    attempts' are written, once it is over. The last one for a request counts. Nothing of it is in any sum."""

    id: str  # the request's
    at: int  # when that began, UTC nanoseconds
    tenant: str
    responses: Mapping[str, str] = field(default_factory=_empty)  # attempt → the response it began
    request: Mapping[str, Any] = field(default_factory=_empty)  # its record so far, as a line holds it
    attempts: tuple[Mapping[str, Any], ...] = ()  # and those of its attempts
    held: Mapping[str, int] = field(
        default_factory=_empty
    )  # what its budgets hold: nano-dollars (usd), GPU-microseconds (gpu), tokens


@dataclass(slots=True, kw_only=True)
class Rerating:
    """A price put on an attempt or a GPU booking anew, by `weir ledger rerate`. What was booked stays as it is:
    this stands beside it, and the last one for a record counts."""

    id: str
    at: int  # the hour its sums belong to: when the attempt began, or the window's start (UTC nanoseconds)
    tenant: str
    of: Literal["attempt", "gpu"]
    booked: str  # the id of the record it is about
    made: int  # when it was re-rated, UTC nanoseconds
    usd: Decimal
    before: Decimal | None  # what held until then; None: the price was unknown
    delta: Decimal  # what the sums gain
    price_source: str
    source_before: str = ""
    priced_at: date | None = None
    workflow: str = ""
    route: str = ""
    model: str = ""
    backend: str = ""
    zone: str = ""
    replica: str = ""
    use: str = ""


Record = (
    RequestRecord
    | AttemptRecord
    | GpuBooking
    | GpuWindow
    | EnergyBooking
    | ActionRecord
    | FeedbackRecord
    | AwaitedRecord
    | Rerating
)
Kind = Literal["request", "attempt", "gpu", "window", "energy", "action", "feedback", "awaited", "rerating"]


def attempt_id(request: str, n: int) -> str:
    """The id of a request's nth attempt (from 1)."""
    return f"{request}/{n}"
