"""One running Weir: its servers, its background tasks, and the snapshot in force."""

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from gateway.api import errors
from gateway.api.asgi import Application, DataPlane
from gateway.api.control import Control, control_app, metrics_app, warm
from gateway.app import build, health, restarting
from gateway.app.background import Background
from gateway.app.collecting import collect_in_quiet
from gateway.app.costs import Beginnings, LearnedCosts, gpu_backends
from gateway.app.counting import (
    Opening,
    Retelling,
    open_belongings,
    open_conversations,
    open_pools,
    open_scores,
    open_state,
)
from gateway.app.energy import EnergyWatch
from gateway.app.engines import EngineWatch
from gateway.app.hardest import KeptThresholds
from gateway.app.readiness import Readiness
from gateway.app.renewing import renew
from gateway.app.retirement import Retirements
from gateway.app.server import Server
from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors
from gateway.configuration.rates import UNRATED, GpuRates
from gateway.configuration.reload import Watcher
from gateway.configuration.snapshot import Snapshot
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.job import Engines
from gateway.dispatch.polling import Poller
from gateway.fleet.replicas import Fleet, Replica
from gateway.ledger.ledger import Ledger
from gateway.ledger.store import Standing
from gateway.ledger.stores import open_store
from gateway.metering.actions.actions import Actions
from gateway.metering.budgets.budgets import Budgets
from gateway.metering.budgets.limits import Allowances
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.shared_rows import SharedRows
from gateway.metering.gpu.turns import Turns
from gateway.metering.otlp.apart import ExporterApart
from gateway.metering.prometheus import Metrics
from gateway.pipeline.awaiting import Awaiting
from gateway.pipeline.booking import Till
from gateway.pipeline.pipeline import Pipeline, Runtime

log = logging.getLogger("weir.app")

VERSION: Final = version("weir-gateway")


class Service:
    """Start with `await Service.start(...)`, end with `await service.stop()`."""

    def __init__(self, runtime: Runtime, paths: Sequence[Path], environ: Mapping[str, str]) -> None:
        """Builds the objects that live as long as the process; opens no port yet. Needs a running loop."""
        server = runtime.snapshot.server
        self._paths = paths
        self._environ = environ
        self._runtime = runtime
        self._started: Final = runtime.snapshot
        self.ledger_store: Final = environ.get("WEIR_LEDGER") or Path(server.ledger)
        self._ledger = Ledger.open(
            self.ledger_store,
            Path(server.ledger).with_suffix(".journal"),
            full_disk=server.full_disk,
            keep_rows=server.keep_rows,
            alone=runtime.snapshot.state.redis is None,
        )
        self.metrics: Final = Metrics(version=VERSION)
        self.metrics.watch_complexity(
            lambda: self._runtime.hardness.thresholds, lambda: self._runtime.hardness.drift()
        )
        self.metrics.watch_ledger(
            self._ledger.lag_seconds, lambda: self._ledger.unbooked, lambda: self._ledger.full
        )
        backends = gpu_backends(runtime.snapshot)
        self._costs = LearnedCosts(Path(server.ledger).with_suffix(".gpu-costs.json"))
        self._beginnings = Beginnings()
        self._pools = open_pools(runtime.snapshot.state)
        process = secrets.token_hex(6)
        self._accounts = GpuAccounts(
            backends,
            now_ns=time.monotonic_ns(),
            wall_ns=time.time_ns(),
            gateway=process,
            rows=SharedRows(self._pools, process) if self._pools is not None else None,
            rules=Rules.in_company() if self._pools is not None else None,
            learned=self._costs.load(backends),
            turns=Turns(partial(asyncio.sleep, 0)),
        )
        self._fleet = Fleet(
            lambda backend, url: build.open_pool(self._runtime.snapshot.backends[backend], url)
        )
        self.metrics.watch_replicas(lambda: self._fleet.placed)
        self._actions = Actions(
            self.metrics,
            self._ledger,
            self._standing,
            secrets.token_hex(6),
            runtime.snapshot.actions,
        )
        self._health = health.ReplicaHealth(self.metrics)
        self._retirements = Retirements(self.metrics.retires)
        self._energy = EnergyWatch(self.metrics, self._ledger, secrets.token_hex(6), self._actions.spent)
        self._watch = EngineWatch(
            self._accounts,
            self.metrics,
            self._ledger,
            self._rates_of,
            secrets.token_hex(6),
            self._actions.spent,
            self._energy.book,
        )
        self._retelling = Retelling(self._ledger)
        self._state = open_state(runtime.snapshot.state, self._ledger.id, self._retelling.written)
        self.metrics.watch_state(lambda: not self._state.trouble)
        self.budgets: Final = Budgets(self._state, self.metrics, time.time_ns)
        self._opening = Opening(self._state, self._ledger, self.ledger_store)
        self._exporter = ExporterApart(self._ledger, VERSION)
        self.metrics.watch_telemetry(lambda: self._exporter.exported, lambda: self._exporter.dropped)
        self._belongings = open_belongings(
            runtime.snapshot.state, Path(server.ledger).with_suffix(".belongings.sqlite")
        )
        self._thresholds = KeptThresholds(
            open_scores(runtime.snapshot.state, Path(server.ledger).with_suffix(".scores.json"))
        )
        self._awaiting = Awaiting(
            self._ledger,
            self.metrics,
            self._actions,
            Poller(self._fleet, self._engines).ask,
            lambda: self._runtime.tariffs,
        )
        till = Till(
            self.metrics,
            self._ledger,
            self._accounts,
            self.budgets,
            self._actions,
            self._belongings,
            self._awaiting,
        )
        dispatcher = Dispatcher(self._fleet, self._engines)
        self._conversations, choices = open_conversations(runtime.snapshot.state)
        self.pipeline: Final = Pipeline(
            lambda: self._runtime, dispatcher, till, errors.status_of, self._conversations, choices
        )
        self._background: Final = Background()
        self._watcher = Watcher(
            paths,
            environ,
            runtime.snapshot,
            self._changed,
            today=lambda: datetime.now(UTC).date(),
            refused=self._refused,
        )
        ready = Readiness(
            lambda: self._runtime,
            runtime.snapshot,
            self._ledger,
            self._fleet,
            self._state,
            self._exporter,
            self._watcher,
            self._retirements,
            self._background,
            self._awaiting,
        )
        control = Control(
            VERSION,
            lambda: self._runtime,
            self.metrics.scrape,
            ready,
            self._actions.feedback,
            self._belongings.uploads,
        )
        self._control: Final = control_app(control), metrics_app(control)
        self._application: Application = DataPlane(self.pipeline.serve, self._control[0])
        self._servers: list[Server] = []
        self._take_over(runtime)

    @classmethod
    async def start(
        cls,
        paths: Sequence[Path],
        environ: Mapping[str, str] | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
    ) -> Self:
        """Load the configuration and serve. Raises ConfigurationErrors, ProxyInTheWay, JournalLocked,
        DatabaseTaken, OSError."""
        environ = os.environ if environ is None else environ
        snapshot = await asyncio.to_thread(load, paths, environ, datetime.now(UTC).date())
        build.refuse_proxies(snapshot, environ)
        runtime = await asyncio.to_thread(build.runtime, snapshot, environ)
        service = cls(runtime, paths, environ)
        try:
            await service._open(
                host or snapshot.server.host, snapshot.server.port if port is None else port
            )  # its own constructor
        except BaseException:
            await service.stop()
            raise
        return service

    @property
    def url(self) -> str:
        """Where it listens, as `http://127.0.0.1:4000`."""
        return self._servers[0].url

    @property
    def metrics_url(self) -> str:
        """Where Prometheus scrapes."""
        return f"{self._servers[-1].url}/metrics"

    @property
    def runtime(self) -> Runtime:
        """What is in force now."""
        return self._runtime

    def replicas(self) -> Mapping[tuple[str, str], Replica]:
        """Every replica by backend and URL."""
        return self._fleet.replicas()

    def reload(self) -> None:
        """Look at the configuration's files now: what SIGHUP means."""
        self._watcher.ask()

    async def flush(self) -> None:
        """Wait until all that was booked so far is in the database."""
        while self._ledger.lag_seconds() > 0:  # noqa: ASYNC110  # the shipper is a thread, and only tests wait for it
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Take no more requests, let those under way end within the grace period, book, ship and close. What fails of
        that is raised once all else is done."""
        async with contextlib.AsyncExitStack() as rest:
            for step in reversed(self._last_steps()):
                rest.push_async_callback(step)

    def _last_steps(self) -> Sequence[Callable[[], Awaitable[object]]]:
        """What is to be done, in this order."""
        return (
            lambda: asyncio.gather(*(server.stop() for server in self._servers)),
            self._background.stop,
            self._awaiting.note,
            self._watch.finish,
            lambda: self._costs.keep(self._accounts.learned()),
            lambda: self._thresholds.finish(self._runtime.hardness),
            self._energy.finish,
            lambda: self._actions.close(everything=True),
            *(() if self._pools is None else (self._pools.close,)),
            lambda: asyncio.to_thread(self._exporter.close),
            self._state.close,
            self._conversations.close,
            self._belongings.close,
            self._runtime.panel.aclose,
            lambda: asyncio.to_thread(self._runtime.judge.close),
            self._fleet.aclose,
            self._close_ledger,
        )

    async def _close_ledger(self) -> None:
        if not await asyncio.to_thread(self._ledger.close):
            log.warning(
                "the database does not have every record yet; the journal keeps them for the next start"
            )

    async def _open(self, host: str, port: int) -> None:
        """Listen, and start the background tasks."""
        begin = self._background.begin
        await asyncio.to_thread(self._ledger.refuse_beside_another)
        await self._export()
        if not await self._opening.try_to(self._allowances()):
            begin("looking up what was spent today", self._opening.bring(self._allowances))
        await self._thresholds.exchange(self._runtime.hardness)
        begin("counting in the shared state", self._state.run())
        begin("telling Redis what was spent", self._retelling.run(self._state, self._allowances))
        await self._retelling.tried()
        await self._awaiting.reopen(self.budgets, self._allowances())
        server = self._runtime.snapshot.server
        await asyncio.gather(*map(warm, self._control))
        self._servers.append(
            await Server.open(self._application, host, port, server.shutdown_grace, server.header_timeout)
        )
        if server.metrics.port is not None:
            self._servers.append(
                await Server.open(self._control[1], server.metrics.host, server.metrics.port, 1.0, 10.0)
            )
        begin("watching engines", self._watch.run())
        begin("asking about responses in the background", self._awaiting.run())
        begin("keeping what GPU time costs", self._costs.run(self._accounts.learned))
        begin("keeping rolling thresholds", self._thresholds.run(lambda: self._runtime.hardness))
        begin("collecting garbage", collect_in_quiet(lambda: self.metrics.inflight.value > 0))
        begin("closing actions", self._actions.run())
        begin("reading energy meters", self._energy.run())
        begin("watching the configuration", self._watcher.run())
        begin("renewing credentials", renew(lambda: self._runtime.engines.backends))
        begin("showing how replicas are", self._note_health())
        begin("showing how much of budgets is used", self.budgets.watch(self._allowances))

    def _take_over(self, runtime: Runtime) -> None:
        """Put a runtime in force: from here on, new requests and new attempts use it."""
        snapshot = runtime.snapshot
        self._runtime = runtime
        for warning in runtime.warnings:
            log.warning("%s", warning)
        self._fleet.apply(build.placements(snapshot))
        self._beginnings.tell(snapshot)
        self._accounts.apply(gpu_backends(snapshot), now_ns=time.monotonic_ns(), wall_ns=time.time_ns())
        self._retirements.follow(snapshot.policy.models)
        self._watch.follow(
            replica
            for (backend, _), replica in self._fleet.replicas().items()
            if snapshot.backends[backend].kind == "vllm"
        )
        self.metrics.allow(
            workflows={name for tenant in snapshot.tenants.values() for name in tenant.workflows},
            tenants=set(snapshot.tenants),
        )
        self.metrics.policy(snapshot.policy.hash)
        self._actions.apply(snapshot.actions)
        self._energy.follow(snapshot.backends)

    async def _changed(self, snapshot: Snapshot) -> None:
        """A new configuration was accepted: build what it needs off the loop, then swap. One at a time."""
        try:
            build.refuse_proxies(snapshot, self._environ)
            runtime = await asyncio.to_thread(build.runtime, snapshot, self._environ, self._runtime)
        except (build.ProxyInTheWay, ValueError, OSError) as error:
            log.error("the new configuration %s is refused: %s", snapshot.hash, error)  # noqa: TRY400  # the sentence says it all
            self.metrics.policy_reloads.at("refused").value += 1
            return
        before = self._runtime
        if runtime.judge.scorer is before.judge.scorer:
            runtime.hardness.inherit(before.hardness)
        self._take_over(runtime)
        await self._export()
        await before.panel.aclose()
        if before.judge is not runtime.judge:
            before.judge.close()
        await self._opening.try_to(
            self._allowances()
        )  # there may be budgets now that were not counted before
        self.metrics.policy_reloads.at("accepted").value += 1
        log.info("the configuration is now %s", snapshot.hash)
        for sentence in restarting.waiting(self._started, snapshot):
            log.warning("%s", sentence)

    async def _export(self) -> None:
        """Tell the collector that is configured, if any, of what is booked from now on."""
        otlp, called = build.telemetry(self._runtime.snapshot)
        await asyncio.to_thread(self._exporter.follow, otlp, called)

    def _allowances(self) -> Allowances:
        return self._runtime.reserving.allowances

    def _refused(self, _: ConfigurationErrors) -> None:
        self.metrics.policy_reloads.at("refused").value += 1

    def _engines(self) -> Engines:
        return self._runtime.engines

    def _rates_of(self, backend: str) -> GpuRates:
        settings = self._runtime.snapshot.backends.get(backend)
        return UNRATED if settings is None else settings.gpu_rates

    def _standing(self, tenant: str, action: str, request: str) -> Standing | None:
        """How an older action stands in the ledger. Blocks."""
        with contextlib.closing(open_store(self.ledger_store)) as store:
            return store.standing(tenant, action=action, request=request)

    async def _note_health(self) -> None:
        """Say once a second which replicas take requests, and daily which models are to go."""
        while True:
            self._health.look(self._fleet.replicas().values())
            self._retirements.look(datetime.now(UTC).date())
            await asyncio.sleep(1)
