"""A dispatcher with real adapters and a real policy, over connections that do as a script says."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from adapters.call import Call, Headers, Outgoing
from adapters.dialects import chat
from adapters.document import parse
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from gateway.dispatch.attempt import Attempt
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.job import Engines, Job, Redacted
from gateway.fleet.replicas import Fleet, Placement
from routers.policy.facts import Model, Zone
from routers.policy.permits import Boundary
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

    unread = 0  # each piece comes by itself

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

    async def read(self, most: int = 0) -> bytes:  # its parts are as long as they are
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


def call_of(**more: Any) -> Call:
    """A short chat request, with more fields."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **more}
    return chat.read(parse(json.dumps(body).encode()))


class Client:
    """Reply and Books in one: what the client saw, and what was booked."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.ended = False
        self.booked: list[Attempt] = []
        self.opened_count = 0
        self.booked_before_last_byte = False
        self.closed = self.written = False
        self.given_after_all: Attempt | None = None

    async def start(self, status: int, headers: Headers) -> None:
        assert not self.status, "two heads"
        self.status = status

    async def send(self, data: bytes) -> None:
        assert self.status
        self.body += data

    async def end(self, data: bytes = b"") -> None:
        assert self.status
        assert self.closed, "the last bytes left before the request was booked"
        assert self.written, "the last bytes left before the booking was written"
        self.body += data
        self.ended = True

    def opened(self, attempt: Attempt) -> None:
        self.opened_count += 1

    def head(self, attempt: Attempt) -> Headers:
        return ()

    def closing(self, attempt: Attempt, data: bytes) -> bytes:
        assert attempt in self.booked
        self.booked_before_last_byte = not self.ended
        self.closed, self.written = True, False
        return data

    def kept(self) -> None:
        self.written = True

    async def note(self, attempt: Attempt) -> None:
        assert attempt.made
        assert not self.ended, "who names them next may come before they are noted"

    async def forget(self, attempt: Attempt) -> None:
        assert attempt.outcome == "ok"
        assert not self.ended, "who names them next may come before they are forgotten"

    def given(self, attempt: Attempt, data: bytes) -> bytes:
        assert attempt in self.booked
        self.given_after_all = attempt
        self.closed, self.written = True, False
        return data

    def settle(self, attempt: Attempt) -> None:
        self.booked.append(attempt)


class Rig:
    def __init__(self, script: Script, *boundaries: Boundary) -> None:
        self.script = script
        self.sent: list[tuple[str, Outgoing]] = []
        self.fleet = Fleet(lambda backend, url: ScriptedPool(url, script, self.sent))  # type: ignore[arg-type,return-value]  # it plays a pool
        self.fleet.apply([Placement("gpu", ("g1", "g2"), ""), Placement("far", ("f1",), "")])
        self.engines = Engines(policy(*boundaries), {"gpu": VLLM(), "far": OpenAI(api_key="sk-x")})
        self.dispatcher = Dispatcher(self.fleet, lambda: self.engines)
        self.client = Client()

    async def run(
        self, *, stream: bool = False, signals: Signals = SIGNALS, redacted: Redacted | None = None
    ) -> Client:
        call = call_of(stream=stream)
        label = redacted.label if redacted is not None else None
        decision = self.engines.policy.decide(signals, 0.0, redacted=label)
        job = Job(call, signals, decision.targets, self.engines, self.client, self.client, redacted)
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
