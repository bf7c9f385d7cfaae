"""A whole Weir, killed without warning again and again under load: what a client was answered is in the ledger once."""

import asyncio
import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from click.testing import CliRunner

from gateway.access import keys
from gateway.cli.root import weir
from gateway.ledger.records import ActionRecord, AttemptRecord, GpuBooking, RequestRecord
from gateway.ledger.store import Store
from gateway.ledger.stores import open_store
from gateway.ledger.sums import SPENT
from gateway.sandbox.sandbox import Sandbox
from tests.integration.loads import under_load, until
from tests.integration.sandboxed import HELLO, POLICY, PROVIDER_KEY, SECRET
from tests.integration.served import Served

KILLS: Final = 50
CLIENTS: Final = 10
ANSWERS: Final = 20  # for each kill, at the least
ALWAYS: Final = (0, 4 * 10**18)


@dataclass
class Seen:
    """What the clients got to its last byte: request id → (HTTP status, streamed), and what broke off."""

    answered: dict[str, tuple[int, bool]] = field(default_factory=dict)
    broken: int = 0


def asked(draw: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    """A request of some kind: to each provider, streamed or not, in an action or by itself, refused, ill-formed."""
    body: dict[str, Any] = {"model": "auto", "messages": HELLO, "max_tokens": draw.choice((5, 60, 400))}
    headers = {}
    if draw.random() < 0.5:
        body["stream"] = True
    if draw.random() < 0.5:
        headers["x-weir-workflow"] = "hard"
    if draw.random() < 0.5:
        headers["x-weir-action"] = f"a-{draw.randrange(500)}"
    odd = draw.random()
    if odd < 0.05:
        body |= {"messages": SECRET, "model": "gpt"}  # a boundary forbids it
    elif odd < 0.1:
        body["messages"] = "nonsense"
    return body, headers


async def client(url: str, key: str, seen: Seen, draw: random.Random) -> None:
    """Ask without end; note what came whole."""
    async with httpx.AsyncClient(
        base_url=url, timeout=60, headers={"authorization": f"Bearer {key}"}
    ) as http:
        while True:
            body, headers = asked(draw)
            try:
                await one(http, body, headers, seen)
            except httpx.HTTPError:
                await asyncio.sleep(0.01)


async def one(http: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str], seen: Seen) -> None:
    got = b""
    async with http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        name = answer.headers["x-weir-request-id"]
        whole = (answer.status_code, answer.headers["content-type"].startswith("text/event-stream"))
        try:
            async for data in answer.aiter_raw():
                got += data
                if got.endswith(b"data: [DONE]\n\n"):
                    seen.answered[name] = whole  # only the end of the HTTP framing is to come
        except httpx.HTTPError:
            seen.broken += name not in seen.answered
            raise
    seen.answered[name] = whole


@pytest.mark.timeout(600)
async def test_every_answered_request_is_in_the_ledger_once_after_50_kills(tmp_path: Path) -> None:
    key, store, draw = keys.create(), tmp_path / "ledger.sqlite", random.Random(11)  # noqa: S311  # of a load
    config = tmp_path / "weir.yaml"
    config.write_text(
        POLICY
        + f"""
server: {{ledger: "{store}", port: 0, metrics: {{port: 0}}}}
tenants: {{acme: {{keys: [{{id: app, sha256: "{keys.digest(key)}"}}]}}}}
actions: {{quiet: 2s}}
"""
    )
    async with Sandbox(tokens_per_second=3000) as sandbox:
        served = Served(tmp_path, config, {**sandbox.environ(), "PROVIDER_KEY": PROVIDER_KEY})
        try:
            seen = Seen()
            async with under_load(client(served.url, key, seen, draw) for _ in range(CLIENTS)):
                for number in range(KILLS):
                    early = number % 10 == 9  # before it listens, while it makes good what the last one left
                    await asyncio.to_thread(served.begin, until_ready=not early)
                    await asyncio.sleep(draw.uniform(0, 0.15) if early else draw.uniform(0.02, 0.9))
                    if not early:
                        await until(lambda wanted=ANSWERS * number: len(seen.answered) > wanted)
                    await asyncio.to_thread(served.kill, shipper=number % 3 == 2)
                await asyncio.to_thread(served.begin)
                await asyncio.sleep(0.5)
                await until(lambda: len(seen.answered) > ANSWERS * KILLS)
            assert await asyncio.to_thread(served.stop) == 0
        finally:
            await asyncio.to_thread(served.close)
    assert served.begun == KILLS + 1
    check_seen(seen)
    with closing(open_store(store)) as opened:
        check_rows(opened, seen)
        check_sums(opened)
    verified = CliRunner().invoke(weir, ["ledger", "verify", "--store", str(store)])
    assert verified.exit_code == 0, verified.output
    assert verified.output.count("as booked") == 3


def check_seen(seen: Seen) -> None:
    """The load was one that could show a loss."""
    assert len(seen.answered) > ANSWERS * KILLS
    assert Counter(seen.answered.values()).keys() == {(200, True), (200, False), (403, False), (400, False)}
    assert seen.broken > KILLS  # kills fell among answers under way


def check_rows(store: Store, seen: Seen) -> None:
    requests = [each for each in store.records("request", *ALWAYS) if isinstance(each, RequestRecord)]
    attempts = Counter(
        each.request for each in store.records("attempt", *ALWAYS) if isinstance(each, AttemptRecord)
    )
    statuses = {each.id: each.status for each in requests}
    assert len(statuses) == len(requests), "a request is there twice"
    assert seen.answered.keys() - statuses.keys() == set(), "an answered request is not in the ledger"
    assert {name: statuses[name] for name in seen.answered} == {
        name: status for name, (status, _) in seen.answered.items()
    }
    assert attempts == Counter({each.id: each.attempts for each in requests if each.attempts})


def check_sums(store: Store) -> None:
    """The hourly sums are the sums of the rows."""
    rows = [each for each in store.records("attempt", *ALWAYS) if isinstance(each, AttemptRecord)]
    counted = store.sums(SPENT, (), *ALWAYS)[0]
    assert counted.attempts == len(rows)
    assert counted.usd == sum((each.usd or Decimal(0) for each in rows), Decimal(0))
    assert counted.input_tokens == sum(each.usage.input + each.usage.audio_in for each in rows)
    by_request = sum(
        (
            each.usd or Decimal(0)
            for each in store.records("request", *ALWAYS)
            if isinstance(each, RequestRecord)
        ),
        Decimal(0),
    )
    assert by_request == counted.usd
    check_actions(store, rows)


def check_actions(store: Store, attempts: list[AttemptRecord]) -> None:
    """Every request and every dollar that is final is in some action."""
    actions = [each for each in store.records("action", *ALWAYS) if isinstance(each, ActionRecord)]
    windows = [each for each in store.records("gpu", *ALWAYS) if isinstance(each, GpuBooking)]
    final = sum((each.usd or Decimal(0) for each in attempts if each.gpu_ns is None), Decimal(0))
    final += sum((each.usd or Decimal(0) for each in windows if each.use == "request"), Decimal(0))
    assert sum(each.requests for each in actions) == len(list(store.records("request", *ALWAYS)))
    assert sum((each.usd for each in actions), Decimal(0)) == final
