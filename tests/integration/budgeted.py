"""Weirs whose tenants have budgets and limits, in front of stand-in engines."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.access import keys
from tests.integration.sandboxed import HELLO, POLICY, Sandboxed
from tests.integration.weirs import RunningWeir

ASK = {"model": "gpt", "max_tokens": 1000, "messages": HELLO}
UPPER_USD = 0.0101  # of ASK: 1000 output tokens of gpt-5 at 10 USD per million, and a short prompt


def common(weir: RunningWeir, tenants: str, more: str) -> str:
    """The rest of a configuration: `tenants` with KEY and OTHER_KEY for the digests of the two keys."""
    named = tenants.replace("OTHER_KEY", keys.digest(weir.other_key)).replace("KEY", keys.digest(weir.key))
    return f"""
server: {{ledger: "{weir.ledger}", port: 0, metrics: {{port: 0}}}}
{more}
tenants:
{named}
"""


class Budgeted(Sandboxed):
    """A sandboxed Weir with the tenants given."""

    def __init__(self, folder: Path, tenants: str, more: str = "", policy: str = POLICY) -> None:
        self.tenants, self.more = tenants, more
        super().__init__(folder, policy)

    def before_start(self) -> None:
        super().before_start()
        self.limit(self.tenants)

    def limit(self, tenants: str) -> None:
        """Other limits, from the next `write` on."""
        self.tenants = tenants
        self._common = common(self, tenants, self.more)


class Beside(RunningWeir):
    """A second gateway of the same tenants, in front of the first one's stand-ins."""

    def __init__(self, folder: Path, first: Budgeted) -> None:
        self._first = first
        super().__init__(folder, first.policy, first.environ)

    def before_start(self) -> None:
        self.key, self.other_key = self._first.key, self._first.other_key
        self._common = common(self, self._first.tenants, self._first.more)


def flood(
    first: Budgeted, *others: RunningWeir, count: int, let: int, body: Mapping[str, Any] = ASK
) -> list[httpx.Response]:
    """So many requests at once, dealt out to the gateways; the stand-in answers none before all but `let` are."""
    weirs = [first, *others]
    first.run(first.sandbox.openai.fault("held"))

    async def asked() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            asking = [
                client.post(
                    f"{weirs[i % len(weirs)].url}/v1/chat/completions",
                    json=body,
                    headers={"authorization": f"Bearer {first.key}"},
                )
                for i in range(count)
            ]
            answers = []
            for each in asyncio.as_completed(asking):
                answers.append(await each)
                if len(answers) == count - let:
                    first.run(first.sandbox.openai.fault("none"))
            return answers

    return asyncio.run(asked())


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    """How many answers had which status."""
    return Counter(answer.status_code for answer in answers)
