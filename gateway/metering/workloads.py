"""What each workload asked of models rented and owned, summed from the ledger."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.chat import TokenUsage
from gateway.ledger.store import Store
from gateway.ledger.sums import GPU_TIME, SPENT, Spend


@dataclass(slots=True)
class Traffic:
    """A workload's calls and tokens, and what they took."""

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    own: dict[str, int] = field(default_factory=dict)  # tokens by backend of ours
    rented: int = 0  # tokens
    paid: Decimal = Decimal(0)  # USD for the rented ones
    unpriced: int = 0  # rented calls without a known price
    gpu_ns: int = 0  # of requests, final figures

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.input + self.cached + self.output

    @property
    def paid_per_million(self) -> Decimal | None:
        """What its rented tokens really cost (USD); None where nothing was rented, or not all of it has a price."""
        if not self.rented or self.unpriced:
            return None
        return self.paid * 1_000_000 / self.rented

    @property
    def gpu_seconds_per_million(self) -> Decimal | None:
        """GPU-seconds that a million of its tokens took; None where none ran on GPUs of ours."""
        tokens = sum(self.own.values())
        return Decimal(self.gpu_ns) / 1_000 / tokens if tokens and self.gpu_ns > 0 else None

    def mean_call(self) -> TokenUsage:
        """A call as they are on average."""
        calls = max(1, self.calls)
        return TokenUsage(
            input=self.input // calls,
            cache_read=self.cached // calls,
            output=self.output // calls,
            source="reported",
        )

    def add(self, spend: Spend, backend: str, *, own: bool) -> None:
        """Count a sum of the ledger's."""
        tokens = spend.input_tokens + spend.cached_tokens + spend.output_tokens
        self.calls += spend.attempts
        self.input += spend.input_tokens
        self.cached += spend.cached_tokens
        self.output += spend.output_tokens
        if own:
            self.own[backend] = self.own.get(backend, 0) + tokens
        else:
            self.rented += tokens
            self.paid += spend.usd
            self.unpriced += spend.unpriced


def traffic(
    store: Store, by: Sequence[str], start: int, end: int, ours: Collection[str]
) -> Mapping[tuple[str, ...], Traffic]:
    """Each workload's traffic of [start, end) (UTC nanoseconds, whole hours); `ours` are the backends on GPUs of
    ours. Raises StoreUnavailable, StoreUnfit."""
    found: dict[tuple[str, ...], Traffic] = {}
    for spend in store.sums(SPENT, (*by, "backend"), start, end):
        *name, backend = spend.by
        found.setdefault(tuple(name), Traffic()).add(spend, backend, own=backend in ours)
    for time in store.sums(GPU_TIME, (*by, "use"), start, end):
        *name, use = time.by
        if use == "request" and tuple(name) in found:
            found[tuple(name)].gpu_ns += time.gpu_ns
    return {name: each for name, each in found.items() if each.tokens}


def together(workloads: Collection[Traffic]) -> Traffic:
    """All of them as one."""
    total = Traffic()
    for each in workloads:
        total.gpu_ns += each.gpu_ns
        for backend, tokens in each.own.items():
            total.own[backend] = total.own.get(backend, 0) + tokens
    return total


def days(store: Store, start: int, end: int) -> Decimal:
    """From the first hour with traffic to the end of the last one, in days; at least an hour."""
    hours = [datetime.fromisoformat(spend.by[0]) for spend in store.sums(SPENT, ("hour",), start, end)]
    seconds = (max(hours) - min(hours)).total_seconds() + 3_600 if hours else 3_600
    return Decimal(seconds) / 86_400
