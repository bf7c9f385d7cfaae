"""Weir's metrics: every series of the `weir_` namespace, by name, and what one request adds to them.

No series is labelled by user, request, action or key. Label values come from the policy (route, model,
zone, backend, boundary) or from closed lists; a workflow or tenant that is not allow-listed is `other`.
Everything here belongs to the event loop's thread.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeVar

from adapters.chat import TokenUsage
from gateway.metering.charges import Charge, Component
from gateway.metering.series import (
    Cell,
    Cells,
    EnergyCell,
    Family,
    Histograms,
    Labels,
    MoneyCell,
    Sampled,
    SampledBy,
    TimeCell,
)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ROUTE: Final = ("route", "model", "zone")
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
_FIRST_TOKEN: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6)
_OVERHEAD: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
_PIECES_A_SLICE: Final = 64  # of a scrape, between which the loop may do other work: about half a millisecond
_token_classes: Final = ("input", "cache_read", "cache_write", "output", "reasoning", "audio_in", "audio_out")
_F = TypeVar("_F", bound=Family)


class RouteMetrics:
    """The series of one route, model and zone, looked up once."""

    __slots__ = (
        "_at",
        "_cost",
        "_duration",
        "_first_token",
        "_metrics",
        "_outcomes",
        "_overhead",
        "_tokens",
        "_unpriced",
    )

    def __init__(self, metrics: "Metrics", route: str, model: str, zone: str) -> None:
        self._metrics = metrics
        self._at = at = (route, model, zone)
        self._outcomes: dict[
            str, Cell
        ] = {}  # series of outcomes and components appear when they first happen
        self._cost: dict[Component, MoneyCell] = {}
        self._tokens = [metrics.tokens.at(*at, name) for name in _token_classes]
        self._unpriced = metrics.unpriced.at(*at)
        self._duration = metrics.duration.at(*at)
        self._first_token = metrics.first_token.at(*at)
        self._overhead = metrics.overhead.at(*at)

    def answered(self, outcome: str, *, duration_ns: int, ttft_ns: int | None, overhead_ns: int) -> None:
        """Count one request, once, under the route and model that it ended with."""
        cell = self._outcomes.get(outcome)
        if cell is None:
            cell = self._outcomes[outcome] = self._metrics.requests.at(*self._at, outcome)
        cell.value += 1
        self._duration.observe(duration_ns / 1e9)
        self._overhead.observe(overhead_ns / 1e9)
        if ttft_ns is not None:
            self._first_token.observe(ttft_ns / 1e9)

    def spent(self, usage: TokenUsage, charge: Charge, *, later: bool = False) -> None:
        """Add one attempt's tokens and money, under the model and zone that it went to. `later`: its money is counted
        once it is final."""
        self._count(usage)
        if charge.usd is None:
            self._unpriced.value += 1
        if later:
            return
        for component, usd in charge.components.items():
            cell = self._cost.get(component)
            if cell is None:
                cell = self._cost[component] = self._metrics.cost.at(*self._at, component)
            cell.add(usd)

    def _count(self, usage: TokenUsage) -> None:
        """Most attempts use tokens of two classes."""
        cells = self._tokens
        if usage.input:
            cells[0].value += usage.input
        if usage.cache_read:
            cells[1].value += usage.cache_read
        if usage.cache_write:
            cells[2].value += usage.cache_write
        if usage.output:
            cells[3].value += usage.output
        if usage.reasoning:
            cells[4].value += usage.reasoning
        if usage.audio_in:
            cells[5].value += usage.audio_in
        if usage.audio_out:
            cells[6].value += usage.audio_out


class GpuMetrics:
    """The series of one use of a backend's GPUs, looked up once."""

    __slots__ = ("_at", "_money", "_of", "_time")

    def __init__(self, metrics: "Metrics", route: str, model: str, zone: str, backend: str, use: str) -> None:
        self._time = metrics.gpu.at(route, model, backend, use)
        self._of = metrics.cost
        self._at = (route, model, zone, "gpu" if use == "request" else "idle")
        self._money: MoneyCell | None = None  # it appears when there is some

    def add(self, gpu_ns: int, usd: Decimal | None) -> None:
        """A closed window's GPU time, and its money where that is known."""
        self._time.add(gpu_ns)
        if usd is not None:
            if self._money is None:
                self._money = self._of.at(*self._at)
            self._money.add(usd)


class Metrics:
    """All of Weir's series; one object per gateway process, built by the app."""

    def __init__(
        self, *, version: str, workflows: Collection[str] = (), tenants: Collection[str] = ()
    ) -> None:
        self._workflows = frozenset(workflows)
        self._tenants = frozenset(tenants)
        self._routes: dict[Labels, RouteMetrics] = {}
        self._gpu_uses: dict[Labels, GpuMetrics] = {}
        self._families: list[Family] = []
        counter, gauge = self._counter, self._gauge
        self.requests: Final = counter(
            "weir_requests_total", "Requests answered, by outcome.", *_ROUTE, "outcome"
        )
        self.tokens: Final = counter(
            "weir_tokens_total", "Tokens of all attempts, by class.", *_ROUTE, "class"
        )
        self.cost: Final = self._family(
            Cells(
                MoneyCell, "counter", "weir_cost_usd_total", "USD spent where known.", (*_ROUTE, "component")
            )
        )
        self.unpriced: Final = counter(
            "weir_unpriced_attempts_total", "Attempts whose cost is unknown.", *_ROUTE
        )
        self.gpu: Final = self._family(
            Cells(
                TimeCell,
                "counter",
                "weir_gpu_seconds_total",
                "GPU time of closed windows, by what it went on.",
                ("route", "model", "backend", "use"),
            )
        )
        self.duration: Final = self._histogram(
            "weir_request_duration_seconds", "Arrival to last byte.", _SECONDS
        )
        self.first_token: Final = self._histogram(
            "weir_time_to_first_token_seconds", "Arrival to the first generated token.", _FIRST_TOKEN
        )
        self.overhead: Final = self._histogram(
            "weir_overhead_seconds", "Weir's own share of a request.", _OVERHEAD
        )
        self.actions: Final = counter(
            "weir_actions_total", "Actions closed, by outcome.", "workflow", "outcome"
        )
        self.action_money: Final = self._family(
            Cells(
                MoneyCell,
                "counter",
                "weir_action_cost_usd_total",
                "USD spent on closed actions where known; idle time is not in it.",
                ("workflow", "outcome"),
            )
        )
        self.energy: Final = self._family(
            Cells(
                EnergyCell,
                "counter",
                "weir_energy_joules_total",
                "Electricity of GPUs of ours, where it is metered, by what it went on.",
                ("route", "model", "backend", "use"),
            )
        )
        self.labels: Final = counter("weir_labels_total", "Requests by the level of their label.", "level")
        self.tasks: Final = counter("weir_tasks_total", "Requests by the kind of their task.", "kind")
        self.boundary_blocks: Final = counter(
            "weir_boundary_blocks_total", "Requests for which a boundary took away a model.", "boundary"
        )
        self.redacted: Final = counter(
            "weir_redacted_values_total", "Values replaced by placeholders in what was sent.", "type"
        )
        self.passed_over: Final = counter(
            "weir_routes_passed_over_total", "Requests whose route matched but had no target left.", "route"
        )
        self.attempts: Final = counter(
            "weir_attempts_total", "Calls to a replica, by outcome.", "backend", "replica", "outcome"
        )
        self._escalations = counter(
            "weir_escalations_total",
            "Requests whose first answer was set aside, by its fault and by what came of it.",
            "route",
            "fault",
            "outcome",
        )
        self.affinity: Final = counter(
            "weir_affinity_models_total",
            "Later turns of conversations that kept their model, or why they moved: harder, route, dropped.",
            "outcome",
        )
        self.backend_up: Final = gauge(
            "weir_backend_up", "Whether a replica takes requests.", "backend", "replica"
        )
        self.inflight: Final = gauge("weir_inflight", "Requests under way.").at()
        self.budget_used: Final = gauge(
            "weir_budget_used_ratio", "Share of a budget that is spent or held.", "tenant", "budget"
        )
        self.limit_refusals: Final = counter(
            "weir_limit_refusals_total", "Requests for which a limit left no room.", "tenant", "limit"
        )
        self.downgrades: Final = counter(
            "weir_limit_downgrades_total", "Requests kept from a model that a budget did not cover.", "tenant"
        )
        self.policy_reloads: Final = counter("weir_policy_reloads_total", "Reloads of the policy.", "outcome")
        self.retires: Final = gauge(
            "weir_model_retires_timestamp_seconds", "The day from which a model is gone.", "model"
        )
        self._policy = gauge("weir_policy_info", "The policy in force.", "policy")
        gauge("weir_build_info", "The running Weir.", "version").at(version).value = 1

    def route(self, route: str, model: str, zone: str) -> RouteMetrics:
        """The series of a route, model and zone as the policy names them (`""`: none), not as clients do."""
        key = (route, model, zone)
        held = self._routes.get(key)
        if held is None:
            held = self._routes[key] = RouteMetrics(self, route, model, zone)
        return held

    def workflow(self, name: str) -> str:
        """The label value for a workflow a client named."""
        return name if name in self._workflows else "other"

    def tenant(self, name: str) -> str:
        """The label value for a tenant."""
        return name if name in self._tenants else "other"

    def allow(self, *, workflows: Collection[str], tenants: Collection[str]) -> None:
        """Take over a reloaded policy's allow-lists."""
        self._workflows, self._tenants = frozenset(workflows), frozenset(tenants)

    def policy(self, policy_hash: str) -> None:
        """Say which policy is in force."""
        for held in self._policy.keys():  # noqa: SIM118  # not a dict
            self._policy.remove(*held)
        self._policy.at(policy_hash).value = 1

    def up(self, backend: str, replica: str, is_up: bool | None) -> None:
        """Say whether a replica takes requests; None: it is no longer configured."""
        if is_up is None:
            self.backend_up.remove(backend, replica)
        else:
            self.backend_up.at(backend, replica).value = int(is_up)

    def gpu_use(self, route: str, model: str, zone: str, backend: str, use: str) -> "GpuMetrics":
        """The series of what GPU time of closed windows went on, as the policy names it (`""`: none)."""
        key = (route, model, zone, backend, use)
        held = self._gpu_uses.get(key)
        if held is None:
            held = self._gpu_uses[key] = GpuMetrics(self, route, model, zone, backend, use)
        return held

    def escalated(self, route: str, fault: str, outcome: str) -> None:
        """Count a request whose first answer was at fault: another `answered`, it was `kept`, or all `failed`."""
        self._escalations.at(route, fault, outcome).value += 1

    def action(self, workflow: str, outcome: str) -> None:
        """Count an action that closed; a workflow that is not allow-listed is `other`."""
        self.actions.at(self.workflow(workflow), outcome).value += 1

    def action_cost(self, workflow: str, outcome: str, usd: Decimal) -> None:
        """Add what a closed action cost; negative in a correction."""
        self.action_money.at(self.workflow(workflow), outcome).add(usd)

    def energy_used(
        self, route: str, model: str, backend: str, use: str, energy_uj: int, usd: Decimal | None, zone: str
    ) -> None:
        """Add electricity in microjoules, and its money where the GPU's rate leaves power out."""
        self.energy.at(route, model, backend, use).add(energy_uj)
        if usd is not None:
            self.cost.at(route, model, zone, "energy").add(usd)

    def watch_actions(self, opened: Callable[[], int]) -> None:
        """Show how many actions are open, asked for at each scrape."""
        self._family(Sampled("gauge", "weir_actions_open", "Actions that are not closed yet.", opened))

    def watch_complexity(
        self, thresholds: Callable[[], Mapping[str, float]], drift: Callable[[], Mapping[str, float]]
    ) -> None:
        """Show the rolling thresholds by route, and how far scores have drifted by what they were calibrated on;
        asked for at each scrape."""
        self._family(
            SampledBy(
                "gauge",
                "weir_complexity_threshold",
                "The complexity from which a task is among a route's hardest.",
                "route",
                thresholds,
            )
        )
        self._family(
            SampledBy(
                "gauge",
                "weir_complexity_drift_ratio",
                "Distance (Kolmogorov-Smirnov) of recent scores from the calibration's.",
                "calibration",
                drift,
            )
        )

    def watch_replicas(self, placed: Callable[[], Mapping[str, float]]) -> None:
        """Show where attempts went whose conversations have a replica of their own, asked for at each scrape."""
        self._family(
            SampledBy(
                "counter",
                "weir_affinity_replicas_total",
                "Attempts at a conversation's own replica (kept), and at others since that was busy or away.",
                "outcome",
                placed,
            )
        )

    def watch_ledger(
        self, lag_seconds: Callable[[], float], unbooked: Callable[[], int], full: Callable[[], bool]
    ) -> None:
        """Show a ledger's lag and losses, and whether its disk is full, asked for at each scrape."""
        self._family(
            Sampled(
                "gauge",
                "weir_ledger_lag_seconds",
                "How long records have waited to reach the database.",
                lag_seconds,
            )
        )
        self._family(
            Sampled("counter", "weir_ledger_unbooked_records_total", "Records lost to a full disk.", unbooked)
        )
        name = "weir_ledger_disk_full"
        self._family(
            Sampled("gauge", name, "Whether the journal's disk takes no records.", lambda: int(full()))
        )

    def watch_awaited(self, awaited: Callable[[], int]) -> None:
        """Show how many requests are open whose provider works on them in the background, asked for at each scrape."""
        told = "Requests whose provider still works on them in the background: booked when that is over."
        self._family(Sampled("gauge", "weir_requests_awaited", told, awaited))

    def watch_telemetry(self, exported: Callable[[], int], dropped: Callable[[], int]) -> None:
        """Show how many spans a collector took, and how many it never will."""
        name = "weir_telemetry_spans_exported_total"
        self._family(Sampled("counter", name, "Spans that a collector took.", exported))
        name = "weir_telemetry_spans_dropped_total"
        self._family(Sampled("counter", name, "Spans dropped for want of a collector.", dropped))

    def watch_state(self, is_up: Callable[[], bool]) -> None:
        """Show whether the state that limits are counted in can be asked."""
        self._family(
            Sampled("gauge", "weir_state_up", "Whether limits can be counted.", lambda: int(is_up()))
        )

    def render(self) -> bytes:
        """All series in the Prometheus text format (CONTENT_TYPE)."""
        return "".join(self._pieces()).encode()

    async def scrape(self) -> bytes:
        """As `render`, in slices, so that the event loop is never held for long."""
        text: list[str] = []
        for i, piece in enumerate(self._pieces(), 1):
            text.append(piece)
            if i % _PIECES_A_SLICE == 0:
                await asyncio.sleep(0)
        return "".join(text).encode()

    def _pieces(self) -> Iterator[str]:
        for family in self._families:
            yield from family.lines()

    def _family(self, family: _F) -> _F:
        self._families.append(family)
        return family

    def _counter(self, name: str, help_text: str, *labels: str) -> Cells[Cell]:
        return self._family(Cells(Cell, "counter", name, help_text, labels))

    def _gauge(self, name: str, help_text: str, *labels: str) -> Cells[Cell]:
        return self._family(Cells(Cell, "gauge", name, help_text, labels))

    def _histogram(self, name: str, help_text: str, bounds: tuple[float, ...]) -> Histograms:
        return self._family(Histograms(name, help_text, _ROUTE, bounds))
