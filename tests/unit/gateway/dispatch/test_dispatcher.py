"""Attempts, with real adapters and a real policy, over connections that do as a script says."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from adapters.call import Call, Headers, Outgoing
from adapters.dialects import chat
from adapters.document import parse
from adapters.errors import UpstreamError
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from gateway.dispatch.attempt import Attempt, NoTargetLeft, Refused
from gateway.dispatch.dispatcher import Dispatcher, Engines, Job
from gateway.fleet.replicas import Fleet, Placement
from routers.policy.facts import Model, Zone
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import Policy, Route
from routers.sensitivity.label import Label, Level
from routers.signals import Signals

HOME, AWAY = Zone("home", inside=True), Zone("away", inside=False)
MODELS = {
    "llama": Model("llama", "gpu", "llama-8b", HOME, ("g1", "g2")),
    "gpt": Model("gpt", "far", "gpt-5", AWAY, ("f1",)),
}
WHOLE = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
).encode()
EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
)
DONE = b"data: [DONE]\n\n"
SIGNALS = Signals(
    label=Label(Level.INTERNAL),
    complexity=0.1,
    kind="chat",
    language="en",
    prompt_tokens=7,
    max_output_tokens=None,
    modality=frozenset({"text"}),
    needs=frozenset(),
    tools=False,
    stream=False,
    tenant="acme",
    workflow="",
    model="auto",
)


def policy(*boundaries: Boundary, models: dict[str, Model] = MODELS, digest: str = "p1") -> Policy:
    return Policy(models, boundaries, [Route("all", ("llama", "gpt"))], {"auto": "routed"}, digest=digest)


class Answer:
    """What a replica does: a status, then pieces of a body; an exception among them is raised."""

    def __init__(self, status: int, *pieces: bytes | BaseException, headers: Headers = ()) -> None:
        self.status = status
        kind = (
            b"text/event-stream"
            if any(isinstance(p, bytes) and p.startswith(b"data:") for p in pieces)
            else b"application/json"
        )
        self.headers = (*headers, (b"content-type", kind))
        self._pieces = list(pieces)
        self.closed = False

    async def read(self) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    async def aclose(self) -> None:
        self.closed = True


Script = dict[str, list[Answer | BaseException | Callable[[], Any]]]


class ScriptedPool:
    def __init__(self, url: str, script: Script, log: list[tuple[str, Outgoing]]) -> None:
        self._url, self._script, self._log = url, script, log

    async def exchange(self, outgoing: Outgoing) -> Answer:
        self._log.append((self._url, outgoing))
        step = self._script[self._url].pop(0)
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Answer):
            return step
        step()
        await asyncio.sleep(3600)
        raise AssertionError

    async def aclose(self) -> None:
        return


class Client:
    """Reply and Books in one: what the client saw, and what was booked."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.ended = False
        self.booked: list[Attempt] = []
        self.opened_count = 0
        self.booked_before_last_byte = False

    async def start(self, status: int, headers: Headers) -> None:
        assert not self.status, "two heads"
        self.status = status

    async def send(self, data: bytes) -> None:
        assert self.status
        self.body += data

    async def end(self, data: bytes = b"") -> None:
        assert self.status
        self.body += data
        self.ended = True

    def opened(self, attempt: Attempt) -> None:
        self.opened_count += 1

    def head(self, attempt: Attempt) -> Headers:
        return ()

    def closing(self, attempt: Attempt, data: bytes) -> bytes:
        self.booked.append(attempt)
        self.booked_before_last_byte = not self.ended
        return data

    def failed(self, attempt: Attempt) -> None:
        self.booked.append(attempt)


class Rig:
    def __init__(self, script: Script, *boundaries: Boundary) -> None:
        self.script = script
        self.sent: list[tuple[str, Outgoing]] = []
        self.fleet = Fleet(lambda backend, url: ScriptedPool(url, script, self.sent))  # type: ignore[arg-type,return-value]
        self.fleet.apply([Placement("gpu", ("g1", "g2"), ""), Placement("far", ("f1",), "")])
        self.engines = Engines(policy(*boundaries), {"gpu": VLLM(), "far": OpenAI(api_key="sk-x")})
        self.dispatcher = Dispatcher(self.fleet, lambda: self.engines)
        self.client = Client()

    async def run(self, *, stream: bool = False, signals: Signals = SIGNALS) -> Client:
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
        call: Call = chat.read(parse(json.dumps(body).encode()))
        decision = self.engines.policy.decide(signals, 0.0)
        job = Job(call, signals, decision.targets, self.engines, self.client, self.client)
        try:
            await self.dispatcher.run(job)
        finally:
            assert len(self.client.booked) == self.client.opened_count, "each attempt is booked exactly once"
            assert all(replica.outstanding == 0 for replica in self.fleet.replicas().values())
        return self.client

    def urls(self) -> list[str]:
        return [url for url, _ in self.sent]


def outcomes(booked: Sequence[Attempt]) -> list[tuple[str, str, str]]:
    return [(attempt.permit.model, attempt.outcome, attempt.fault) for attempt in booked]


async def test_the_first_answer_is_relayed_and_booked_before_its_end() -> None:
    rig = Rig({"g1": [Answer(200, WHOLE)], "g2": []})
    client = await rig.run()
    assert (client.status, client.body, client.ended) == (200, WHOLE, True)
    assert client.booked_before_last_byte
    assert outcomes(client.booked) == [("llama", "ok", "")]
    assert (client.booked[0].usage.input, client.booked[0].usage.output) == (3, 1)


async def test_another_replica_and_then_the_next_target_take_over() -> None:
    refused = UpstreamError("connect", "refused", sent=False)
    rig = Rig({"g1": [refused], "g2": [Answer(503, b"{}")], "f1": [Answer(200, WHOLE)]})
    client = await rig.run()
    assert rig.urls() == ["g1", "g2", "f1"]
    assert outcomes(client.booked) == [
        ("llama", "failed", "connect"),
        ("llama", "refused", "busy"),
        ("gpt", "ok", ""),
    ]
    assert client.booked[0].usage.prompt == client.booked[1].usage.prompt == 0, "nothing was worked on there"


async def test_a_retry_never_leaves_the_permitted_set() -> None:
    home = Boundary("stays-home", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))
    down = UpstreamError("connect", "refused", sent=False)
    rig = Rig({"g1": [down], "g2": [down], "f1": []}, home)
    with pytest.raises(NoTargetLeft) as nowhere:
        await rig.run(signals=replace(SIGNALS, label=Label(Level.RESTRICTED)))
    assert rig.urls() == ["g1", "g2"]
    assert nowhere.value.last is down


async def test_an_attempt_after_a_reload_is_permitted_by_the_new_policy() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": []})

    def reload() -> None:
        stricter = Boundary("nobody-leaves", Only(inside=True))
        rig.engines = Engines(policy(stricter, digest="p2"), rig.engines.backends)
        raise UpstreamError("broken", "cut", sent=True)

    rig.script["g1"] = [reload]
    rig.script["g2"] = [UpstreamError("connect", "refused", sent=False)]
    with pytest.raises(NoTargetLeft):
        await rig.run()
    assert "f1" not in rig.urls()
    assert rig.client.booked[1].permit.policy == "p2"


async def test_the_clients_own_fault_is_tried_once() -> None:
    rig = Rig(
        {"g1": [Answer(400, b'{"error":{"message":"bad","type":"x","param":null,"code":400}}')], "g2": []}
    )
    with pytest.raises(Refused) as refused:
        await rig.run()
    assert refused.value.refusal.status == 400
    assert outcomes(rig.client.booked) == [("llama", "client_error", "client")]


async def test_a_stream_is_left_for_the_next_target_until_its_first_byte() -> None:
    broken = UpstreamError("broken", "cut", sent=True)
    rig = Rig({"g1": [Answer(200, b"data: {", broken)], "g2": [Answer(200, EVENT + DONE)]})
    client = await rig.run(stream=True)
    assert client.body == EVENT + DONE
    assert outcomes(client.booked) == [("llama", "failed", "broken"), ("llama", "ok", "")]


@pytest.mark.parametrize(
    "end", [UpstreamError("broken", "cut", sent=True), UpstreamError("idle_timeout", "late", sent=True), b""]
)
async def test_a_stream_that_breaks_later_ends_with_an_error_event(end: bytes | UpstreamError) -> None:
    rig = Rig({"g1": [Answer(200, EVENT, *([end] if end else []))], "g2": [], "f1": []})
    client = await rig.run(stream=True)
    assert client.body.startswith(EVENT)
    assert b'"error"' in client.body.removeprefix(EVENT)
    assert b"[DONE]" not in client.body
    assert client.ended
    assert rig.urls() == ["g1"], "no second answer behind the first one's bytes"
    assert client.booked[0].outcome == "cut"
    assert client.booked[0].usage.source == "estimated"
    assert (client.booked[0].usage.input, client.booked[0].usage.output) == (7, 1)


async def test_an_unstreamed_answer_that_breaks_is_asked_for_again() -> None:
    broken = UpstreamError("broken", "cut", sent=True)
    rig = Rig({"g1": [Answer(200, WHOLE[:40], broken)], "g2": [Answer(200, WHOLE)]})
    assert (await rig.run()).body == WHOLE


async def test_a_client_that_leaves_is_booked_as_cancelled() -> None:
    asked = asyncio.Event()
    rig = Rig({"g1": [asked.set], "g2": [], "f1": []})
    task = asyncio.ensure_future(rig.run())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert outcomes(rig.client.booked) == [("llama", "cancelled", "")]
    assert (rig.client.booked[0].usage.input, rig.client.booked[0].usage.source) == (7, "estimated")


async def test_when_all_seem_down_they_are_tried_all_the_same() -> None:
    rig = Rig({"g1": [Answer(200, WHOLE)], "g2": [Answer(200, WHOLE)], "f1": []})
    for replica in rig.fleet.replicas().values():
        for _ in range(3):
            replica.started()
            replica.ended(float("inf"), healthy=False)
    assert (await rig.run()).status == 200


async def test_a_model_that_moved_to_another_backend_is_not_tried_with_the_old_ones_connection() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": []})

    def reload() -> None:
        moved = {**MODELS, "llama": Model("llama", "far", "llama-8b", HOME, ("g1", "g2"))}
        rig.engines = Engines(policy(models=moved, digest="p2"), rig.engines.backends)
        raise UpstreamError("broken", "cut", sent=True)

    rig.script["g1"] = [reload]
    rig.script["f1"] = [Answer(200, WHOLE)]
    await rig.run()
    assert rig.urls() == ["g1", "f1"], "g2 is the old backend's, though the address is the same"
