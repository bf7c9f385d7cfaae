"""A stand-in for Anthropic's API: messages and count_tokens, with its events, cache classes and errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from zlib import crc32

import orjson

from gateway.sandbox import thinking
from gateway.sandbox.answers import Answer, compose, pieces, token_ids
from gateway.sandbox.asks import Ask, from_messages
from gateway.sandbox.http import Reply, Request
from gateway.sandbox.provider import ProviderSettings, ProviderStandIn
from gateway.sandbox.standin import Answer as Route
from gateway.sandbox.standin import bearer
from gateway.sandbox.stored_files import AnthropicFiles

MODELS: Final = ("claude-sonnet-5", "claude-haiku-4-5", "claude-opus-5", "claude-sonnet-4-5")
CACHE_FROM: Final = 1024  # tokens; a shorter prefix is not cached
CACHE_BLOCK: Final = 64  # tokens

_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid_request_error", "invalid request"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "model: gone"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    529: ("overloaded_error", "Overloaded"),
}
_RATE: Final = {
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
}


class AnthropicStandIn(ProviderStandIn):
    """Anthropic's messages API."""

    name = "anthropic"

    def __init__(
        self, settings: ProviderSettings | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(settings or ProviderSettings(MODELS), cache_block=CACHE_BLOCK, host=host, port=port)
        self._ids = count(1)
        self._files = AnthropicFiles()

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The paths it knows."""
        return {
            ("POST", "/v1/messages"): self._messages,
            ("POST", "/v1/messages/count_tokens"): self._count,
            ("POST", "/v1/files"): self._filed,
            ("GET", "/v1/models"): self._models,
        }

    def error(self, status: int) -> tuple[bytes, Mapping[str, str]]:
        """Anthropic's error of that status."""
        kind, message = _ERRORS.get(status, ("api_error", "Internal server error"))
        headers = {"x-should-retry": "true" if status == 429 or status >= 500 else "false"}
        if status == 429:
            headers |= {"retry-after": "1", **_RATE, "anthropic-ratelimit-requests-remaining": "0"}
        request_id = self._id("req")
        return _error(kind, message, request_id), headers | {"request-id": request_id}

    def error_event(self, path: str) -> bytes:  # noqa: ARG002  # the base's signature
        """What Anthropic sends when a stream breaks."""
        return _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})

    async def lost(self, request: Request, reply: Reply) -> None:
        """An unknown path or method."""
        if request.path.startswith("/v1/files/"):
            await self._filed(request, reply)
            return
        await self._refuse(reply, 404, "not_found_error", "Not found")

    async def _filed(self, request: Request, reply: Reply) -> None:
        if "files-api" not in request.headers.get("anthropic-beta", ""):
            await self._refuse(reply, 404, "not_found_error", "Not found")
            return
        status, body, kind = self._files.asked(request)
        await reply.whole(status, body, {"content-type": kind, "request-id": self._id("req")})

    async def _messages(self, request: Request, reply: Reply) -> None:
        body = await self._accepted(request, reply, needs_max=True)
        if body is None:
            return
        ask = from_messages(body, request.spoilt)
        answer = compose(ask, seed=self.settings.seed)
        frame = _Frame(self._id("msg"), ask, answer, self._cached(body, ask))
        headers = {"request-id": self._id("req"), **_RATE}
        if not ask.stream:
            await self.think(frame.output_tokens)
            await reply.json(200, frame.whole(), headers)
            return
        await reply.begin(200, {"content-type": "text/event-stream; charset=utf-8", **headers})
        async for event in self.paced(frame.events()):
            await reply.write(event)
        await reply.end()

    def _cached(self, body: Mapping[str, Any], ask: Ask) -> "_Prompt":
        """The prompt's tokens by cache class: nothing is cached unless a block asks for it."""
        prompt = token_ids(ask.text)
        if b'"cache_control"' not in orjson.dumps(body) or len(prompt) < CACHE_FROM:
            return _Prompt(len(prompt), 0, 0)
        read = self._cache.match(prompt)
        self._cache.add(prompt)
        whole = (len(prompt) - 1) // CACHE_BLOCK * CACHE_BLOCK
        return _Prompt(len(prompt) - whole, read, whole - read)

    async def _count(self, request: Request, reply: Reply) -> None:
        body = await self._accepted(request, reply, needs_max=False)
        if body is not None:
            ask = from_messages({"max_tokens": 1, **body})
            await reply.json(200, {"input_tokens": len(token_ids(ask.text))}, {"request-id": self._id("req")})

    async def _models(self, request: Request, reply: Reply) -> None:  # noqa: ARG002  # a route's signature
        listed = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2025-09-29T00:00:00Z"}
            for name in self.settings.models
        ]
        first, last = self.settings.models[0], self.settings.models[-1]
        await reply.json(200, {"data": listed, "has_more": False, "first_id": first, "last_id": last})

    async def _accepted(self, request: Request, reply: Reply, *, needs_max: bool) -> dict[str, Any] | None:
        """The body where the request is fit to answer; else the refusal has been sent."""
        refusal = self._refusal(request, needs_max=needs_max)
        if refusal is None:
            return dict(request.json())
        status, kind, message = refusal
        await self._refuse(reply, status, kind, message)
        return None

    def _refusal(self, request: Request, *, needs_max: bool) -> tuple[int, str, str] | None:
        key = request.headers.get("x-api-key") or bearer(request)  # newer SDKs send the latter
        if not key or self.settings.api_key not in (None, key):
            return 401, "authentication_error", "invalid x-api-key" if key else "x-api-key header is required"
        invalid = "invalid_request_error"
        if "anthropic-version" not in request.headers:
            return 400, invalid, "anthropic-version: header is required"
        try:
            body = request.json()
        except orjson.JSONDecodeError as error:
            return 400, invalid, f"The request body is not valid JSON: {error}"
        needed = ("model", "messages", "max_tokens") if needs_max else ("model", "messages")
        for name in needed:
            if not isinstance(body, dict) or name not in body:
                return 400, invalid, f"{name}: Field required"
        if body["model"] not in self.settings.models:
            return 404, "not_found_error", f"model: {body['model']}"
        if any(message.get("role") not in ("user", "assistant") for message in body["messages"]):
            return 400, invalid, "messages: Unexpected role. Allowed roles are 'user' or 'assistant'."
        complaint = thinking.complaint(body)
        return None if complaint is None else (400, invalid, complaint)

    async def _refuse(self, reply: Reply, status: int, kind: str, message: str) -> None:
        request_id = self._id("req")
        headers = {"content-type": "application/json", "request-id": request_id, "x-should-retry": "false"}
        await reply.whole(status, _error(kind, message, request_id), headers)

    def _id(self, kind: str) -> str:
        return f"{kind}_01{crc32(f'{kind}{next(self._ids)}'.encode()):022x}"


def _error(kind: str, message: str, request_id: str) -> bytes:
    return orjson.dumps(
        {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    )


def _event(value: Mapping[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(value["type"]).encode(), orjson.dumps(value))


@dataclass(frozen=True, slots=True)
class _Prompt:
    """Prompt tokens by class; Anthropic's `input_tokens` leaves the cached ones out."""

    uncached: int
    read: int
    written: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """One answer, in Anthropic's shapes."""

    id: str
    ask: Ask
    answer: Answer
    prompt: _Prompt

    def whole(self) -> dict[str, Any]:
        """The unstreamed answer."""
        return self._message(self._blocks(), self._reason, self._usage(self.output_tokens))

    @property
    def output_tokens(self) -> int:
        """All that was generated, thoughts too."""
        thought = thinking.thought(self.ask)
        return self.answer.tokens + (len(pieces(thought["thinking"])) if thought else 0)

    def events(self) -> list[bytes]:
        """The stream, from message_start to message_stop."""
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": self._message([], None, self._usage(1))}
        ]
        pinged = False
        for index, block in enumerate(self._blocks()):
            start, deltas = _opened(block, self.answer)
            events.append({"type": "content_block_start", "index": index, "content_block": start})
            if not pinged:
                events.append({"type": "ping"})
                pinged = True
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        end = {"stop_reason": self._reason, "stop_sequence": None}
        events.append({"type": "message_delta", "delta": end, "usage": self._totals(self.output_tokens)})
        events.append({"type": "message_stop"})
        return [_event(event) for event in events]

    def _blocks(self) -> list[dict[str, Any]]:
        thought = thinking.thought(self.ask)
        return [*([thought] if thought else []), *self._said()]

    def _said(self) -> list[dict[str, Any]]:
        if not self.answer.calls:
            return [{"type": "text", "text": self.answer.text}]
        return [
            {
                "type": "tool_use",
                "id": f"toolu_01{crc32(f'{self.id}/{n}'.encode()):022x}",
                "name": call.name,
                "input": orjson.loads(call.arguments),
            }
            for n, call in enumerate(self.answer.calls)
        ]

    @property
    def _reason(self) -> str:
        if self.answer.calls:
            return "tool_use"
        if self.answer.refused:
            return "refusal"
        return "max_tokens" if self.answer.cut_short else "end_turn"

    def _message(
        self, content: list[dict[str, Any]], reason: str | None, usage: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "model": self.ask.model,
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def _totals(self, output: int) -> dict[str, Any]:
        return {
            "input_tokens": self.prompt.uncached,
            "cache_creation_input_tokens": self.prompt.written,
            "cache_read_input_tokens": self.prompt.read,
            "output_tokens": output,
        }

    def _usage(self, output: int) -> dict[str, Any]:
        creation = {"ephemeral_5m_input_tokens": self.prompt.written, "ephemeral_1h_input_tokens": 0}
        return {**self._totals(output), "cache_creation": creation, "service_tier": "standard"}


def _opened(block: Mapping[str, Any], answer: Answer) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and the deltas that fill it."""
    if block["type"] == "text":
        return {"type": "text", "text": ""}, [
            {"type": "text_delta", "text": piece} for piece in answer.pieces
        ]
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}, thinking.deltas(block)
    arguments = orjson.dumps(block["input"]).decode()
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(arguments))]
    return {**block, "input": {}}, deltas
