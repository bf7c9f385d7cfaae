"""What `/readyz` says: whether requests can be served now, and what whoever runs this gateway should look at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.app import restarting
from gateway.app.background import Background
from gateway.app.health import state_of
from gateway.app.retirement import Retirements
from gateway.configuration.reload import Watcher
from gateway.configuration.snapshot import Snapshot
from gateway.fleet.replicas import Fleet
from gateway.ledger.ledger import Ledger
from gateway.metering.otlp.apart import ExporterApart
from gateway.pipeline.awaiting import Awaiting
from gateway.pipeline.pipeline import Runtime
from gateway.state.claims import State


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whom it asks. `started` is what the process was started with."""

    runtime: Callable[[], Runtime]
    started: Snapshot
    ledger: Ledger
    fleet: Fleet
    state: State
    exporter: ExporterApart
    watcher: Watcher
    retirements: Retirements
    background: Background
    awaiting: Awaiting

    def __call__(self) -> tuple[bool, dict[str, Any]]:
        """Whether it is ready, and the detail."""
        replicas = self.fleet.replicas().values()
        refused = self.watcher.refused
        return self.ledger.accepting and any(each.up for each in replicas), {
            "policy": self.runtime().snapshot.policy.hash,
            "replicas": {f"{each.backend} {each.url}": state_of(each) for each in replicas},
            "journal": self.ledger.id,
            "disk": self.ledger.journal_trouble or "ok",
            "ledger": self.ledger.trouble or "ok",
            "state": self.state.trouble or "ok",
            "telemetry": self.exporter.trouble or "ok",
            "ledger_lag_seconds": round(self.ledger.lag_seconds(), 3),
            "configuration": "the files have mistakes; the last good one is in force" if refused else "ok",
            "retiring": self.retirements.soon(datetime.now(UTC).date()),
            "warnings": self._warnings(),
        }

    def _warnings(self) -> list[str]:
        runtime, stuck = self.runtime(), self.awaiting.stuck
        return [
            *runtime.snapshot.warnings,
            *runtime.warnings,
            *restarting.waiting(self.started, runtime.snapshot),
            *(f"{name} has failed; start Weir again" for name in self.background.failed),
            *([f"{stuck} requests in the background cannot be booked yet: see the log"] if stuck else []),
        ]
