"""What a killed Weir knew in memory is known again: which requests are one action, and what of a budget is spent."""

import asyncio
import re
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.access import keys
from gateway.ledger.records import ActionRecord, Kind
from gateway.ledger.store import Store
from gateway.ledger.stores import open_store
from gateway.sandbox.sandbox import Sandbox
from tests.integration.commands import ROOT, WEIR, environ
from tests.integration.sandboxed import HELLO, POLICY, PROVIDER_KEY
from tests.integration.served import Served
from tests.integration.waiting import until

ALWAYS = (0, 4 * 10**18)
USED = re.compile(r'^weir_budget_used_ratio{tenant="acme",budget="usd_per_day"} (\S+)$', re.MULTILINE)


class Living(Served):
    """A Weir to be asked between its deaths."""

    def __init__(self, folder: Path, key: str, sandbox: Sandbox) -> None:
        self.store = folder / "ledger.sqlite"
        self.key = key
        config = folder / "weir.yaml"
        super().__init__(folder, config, {**sandbox.environ(), "PROVIDER_KEY": PROVIDER_KEY})
        self.write(quiet="1h")
        self._http = httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60)

    def write(self, quiet: str) -> None:
        """The configuration from the next `begin` on: an action closes after so long."""
        self.config.write_text(
            POLICY
            + f"""
server: {{ledger: "{self.store}", port: 0, metrics: {{port: 0}}}}
tenants: {{acme: {{keys: [{{id: app, sha256: "{keys.digest(self.key)}"}}], budget: {{usd_per_day: 1}}}}}}
actions: {{quiet: {quiet}}}
"""
        )

    async def ask(self, model: str, action: str = "") -> None:
        headers = {"x-weir-action": action} if action else {}
        body = {"model": model, "messages": HELLO, "max_tokens": 50}
        answer = await self._http.post(f"{self.url}/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    async def judge(self, action: str) -> None:
        said = {"metric_name": "done", "episode_id": action, "value": True}
        assert (await self._http.post(f"{self.url}/v1/feedback", json=said)).status_code == 200

    def used(self) -> float:
        """The share of the day's budget that is used, as Prometheus sees it."""
        page = re.findall(r"metrics: (\S+)\)", self.log.read_text())[-1]
        found: list[str] = []

        def shown() -> list[str]:
            with urllib.request.urlopen(page, timeout=60) as answer:  # noqa: S310  # loopback
                found[:] = USED.findall(answer.read().decode())
            return found

        until(shown)
        return float(found[0])

    async def end(self) -> None:
        await self._http.aclose()
        self.close()


@pytest.fixture
async def weir(tmp_path: Path) -> AsyncIterator[Living]:
    async with Sandbox(tokens_per_second=3000) as sandbox:
        living = Living(tmp_path, keys.create(), sandbox)
        try:
            living.begin()
            yield living
        finally:
            await living.end()


def closed(store: Path) -> dict[str, ActionRecord]:
    with closing(open_store(store)) as opened:
        return {
            each.action or each.workflow: each
            for each in opened.records("action", *ALWAYS)
            if isinstance(each, ActionRecord) and not each.correction
        }


async def test_an_action_that_a_kill_fell_into_is_one_action_with_all_its_cost(weir: Living) -> None:
    await weir.ask("gpt", "a-1")
    await weir.ask("llama", "a-1")
    await weir.ask("gpt", "a-2")
    await weir.judge("a-2")
    weir.kill()
    weir.begin()
    await weir.ask("gpt", "a-1")
    weir.kill()
    weir.write(quiet="1s")  # from now on: however long the starts took, no action was over
    weir.begin()
    await asyncio.to_thread(until, lambda: {"a-1", "a-2"} <= closed(weir.store).keys())
    actions = closed(weir.store)
    assert (actions["a-1"].requests, actions["a-1"].count, actions["a-1"].outcome) == (3, 1, "unknown")
    assert (actions["a-2"].requests, actions["a-2"].outcome, actions["a-2"].judged_by) == (
        1,
        "success",
        "done",
    )
    assert weir.stop() == 0
    with closing(open_store(weir.store)) as store:
        assert final(store, "action") == final(store, "attempt") + final(store, "gpu") > 0


def final(store: Store, kind: Kind) -> Decimal:
    """What is final of such records: of our own engines that is their closed windows."""
    found: list[Any] = list(store.records(kind, *ALWAYS))
    if kind == "attempt":
        found = [each for each in found if each.gpu_ns is None]
    if kind == "gpu":
        found = [each for each in found if each.use == "request"]
    return sum((each.usd or Decimal(0) for each in found), Decimal(0))


async def test_what_was_spent_of_a_budget_is_spent_still(weir: Living) -> None:
    for _ in range(5):
        await weir.ask("gpt")
    for _ in range(3):
        weir.kill()
        weir.begin()
    with closing(open_store(weir.store)) as store:
        spent = sum((each.usd for each in store.records("attempt", *ALWAYS)), Decimal(0))
    assert spent > 0
    assert await asyncio.to_thread(weir.used) == pytest.approx(float(spent), rel=1e-6)


async def test_a_second_process_on_the_same_state_directory_is_refused_with_the_reason(weir: Living) -> None:
    second = await asyncio.to_thread(
        subprocess.run,
        [*WEIR, "serve", "--config", str(weir.config), "--port", "0"],
        cwd=ROOT, env=environ(200) | weir.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert "ledger.journal is the journal of another Weir process; give each its own" in second.stderr
