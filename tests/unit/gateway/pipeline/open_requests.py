"""Requests that stay open, for tests: a process on a journal of its own, a provider that says what the test wants."""

import asyncio
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Ended
from gateway.configuration.settings import ActionSettings
from gateway.dispatch.polling import Standing
from gateway.ledger.encoding import members
from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import read_lines, segments
from gateway.ledger.records import AttemptRecord, AwaitedRecord, RequestRecord
from gateway.metering.actions.actions import Actions
from gateway.metering.budgets.budgets import Budgets
from gateway.metering.budgets.limits import Allowances
from gateway.metering.charges import Charge
from gateway.metering.prometheus import Metrics
from gateway.pipeline.awaiting import Awaiting
from gateway.state.local import LocalState

USED = TokenUsage(input=1000, output=500, reasoning=20, source="reported")
DONE = Ended("completed", USED, "stop", None, None)
NO_HOLDS: Allowances = Allowances()


class PerToken:
    """A thousandth of a dollar for each."""

    by_gpu = False

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        del gpu_ns, at_ns
        usd = Decimal(usage.prompt + usage.generated) / 1000
        return Charge(usd, {"tokens": usd}, "list")


class Process:
    """One process of a gateway, on a journal that outlives it. `says` is how responses stand."""

    def __init__(self, folder: Path, says: Mapping[str, Standing]) -> None:
        self.ledger = Ledger.open(folder / "ledger.sqlite", folder / "journal")
        self.metrics = Metrics(version="0")
        self.asked: list[str] = []
        self.says = dict(says)
        self.tariffs: dict[str, PerToken] = {"gpt": PerToken()}
        actions = Actions(self.metrics, self.ledger, lambda *_: None, "p", ActionSettings())
        self.awaiting = Awaiting(self.ledger, self.metrics, actions, self._ask, lambda: self.tariffs)
        self.state = LocalState(lambda: time.time_ns() // 10**6)
        self.budgets = Budgets(self.state, self.metrics, time.time_ns)

    async def _ask(self, backend: str, replica: str, upstream: str, response: str) -> Standing:
        assert (backend, replica, upstream) == ("openai", "http://r", "gpt-5")
        self.asked.append(response)
        await asyncio.sleep(0)
        return self.says.get(response, "working")

    async def reopen(self, allowances: Allowances = NO_HOLDS) -> None:
        await self.awaiting.reopen(self.budgets, allowances)

    def begin(self, number: int = 1, **more: Any) -> None:
        self.awaiting.begin(awaited(number), None, {}, **more)
        self.ledger.write_out()

    def lines(self, kind: str) -> list[dict[str, Any]]:
        self.ledger.write_out()
        lines = [line for path in segments(self.ledger.directory) for line in read_lines(path)]
        return [line.members for line in lines if line.kind == kind]

    async def look(self, number: int = 1) -> None:
        await self.awaiting.look("acme", f"resp_{number}")

    def end(self) -> None:
        """Let go of the journal, without a word to whoever is in memory."""
        self.ledger.close()


def awaited(number: int, *, at: int | None = None, held: Mapping[str, int] | None = None) -> AwaitedRecord:
    at = time.time_ns() if at is None else at
    request = RequestRecord(
        id=f"req-{number}", at=at, tenant="acme", key="app", dialect="responses", route="everyday", model="gpt",
        backend="openai", zone="openai", status=200, attempts=1, duration_ns=5, level="internal",
        types={"EMAIL": 2}, reasons=("asked for",),
    )  # fmt: skip
    attempt = AttemptRecord(
        id=f"req-{number}/1", request=f"req-{number}", n=1, at=at, tenant="acme", route="everyday", model="gpt",
        upstream="gpt-5", backend="openai", replica="http://r", zone="openai", status=200,
        usage=TokenUsage(input=7, source="estimated"),
    )  # fmt: skip
    return AwaitedRecord(
        id=request.id, at=at, tenant="acme", responses={attempt.id: f"resp_{number}"}, request=members(request),
        attempts=(members(attempt),), held=held or {},
    )  # fmt: skip


Started = Callable[..., Process]
