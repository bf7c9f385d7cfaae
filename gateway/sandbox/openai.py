"""A stand-in for OpenAI's API: chat, completions, embeddings and models, with its usage details and errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from time import time
from typing import Any, Final
from zlib import crc32

import orjson

from gateway.sandbox.answers import Answer, compose, pieces, token_ids
from gateway.sandbox.asks import Ask, from_chat
from gateway.sandbox.completions import framed
from gateway.sandbox.http import Reply, Request
from gateway.sandbox.kept_responses import KeptResponses
from gateway.sandbox.provider import ProviderSettings, ProviderStandIn
from gateway.sandbox.responses import ResponsesFrame, failure, from_responses, usage
from gateway.sandbox.standin import Answer as Route
from gateway.sandbox.standin import bearer
from gateway.sandbox.stored_files import StoredFiles
from gateway.sandbox.vectors import embeddings

CHATTING: Final = ("gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini")
COMPLETING: Final = ("gpt-3.5-turbo-instruct",)
EMBEDDING: Final = ("text-embedding-3-small",)
MODELS: Final = (*CHATTING, *COMPLETING, *EMBEDDING)
CACHE_FROM: Final = 1024  # tokens; shorter prompts are not cached
CACHE_BLOCK: Final = 128  # tokens
REASONING: Final = 64  # tokens that a reasoning model spends before it speaks

_RATE: Final = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-tokens": "1999950",
    "x-ratelimit-reset-tokens": "1ms",
}
_ERRORS: Final[Mapping[int, tuple[str, str, str | None]]] = {
    400: ("Invalid request.", "invalid_request_error", None),
    401: (
        "Incorrect API key provided: ****. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        "invalid_api_key",
    ),
    403: ("You are not allowed to sample from this model.", "invalid_request_error", None),
    404: (
        "The model `gone` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    429: (
        "Rate limit reached for requests. Limit: 10000 / min. Please try again in 1s.",
        "requests",
        "rate_limit_exceeded",
    ),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}
_MEMBERS: Final = {"background": False, "service_tier": "default", "store": True, "user": None}
_BROKEN: Final = (
    "The server had an error while processing your request. Sorry about that!",
    "server_error",
    None,
)


class OpenAIStandIn(ProviderStandIn):
    """One OpenAI-compatible provider."""

    name = "openai"

    def __init__(
        self, settings: ProviderSettings | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(settings or ProviderSettings(MODELS), cache_block=CACHE_BLOCK, host=host, port=port)
        self._ids = count(1)
        self._files = StoredFiles()
        self.kept: Final = KeptResponses()

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The paths it knows."""
        return {
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/completions"): self._completions,
            ("POST", "/v1/embeddings"): self._embeddings,
            ("POST", "/v1/responses"): self._responses,
            ("POST", "/v1/files"): self._filed,
            ("GET", "/v1/models"): self._models,
        }

    def error(self, status: int) -> tuple[bytes, Mapping[str, str]]:
        """OpenAI's error of that status."""
        message, kind, code = _ERRORS.get(status, _BROKEN)
        headers = {"x-request-id": self._request_id()}
        if status == 429:
            headers |= {"retry-after": "1", "retry-after-ms": "1000"}
            headers |= _RATE | {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}
        if status == 401:
            headers["www-authenticate"] = 'Bearer realm="OpenAI API"'
        return _error(message, kind, code=code), headers

    def error_event(self, path: str) -> bytes:
        """What OpenAI sends when a stream breaks: an error where a chunk would stand."""
        message, kind, code = _BROKEN
        if path == "/v1/responses":
            return failure(message, kind)
        return b"data: " + _error(message, kind, code=code) + b"\n\n"

    async def lost(self, request: Request, reply: Reply) -> None:
        """An unknown path or method."""
        if request.path.startswith("/v1/files/"):
            await self._filed(request, reply)
            return
        if request.path.startswith("/v1/responses/") and bearer(request) is not None:
            await self.kept.asked(request, reply, self._headers())
            return
        message = f"Invalid URL ({request.method} {request.path})"
        await reply.whole(
            404,
            _error(message, "invalid_request_error"),
            {"content-type": "application/json", **self._headers()},
        )

    async def _chat(self, request: Request, reply: Reply) -> None:
        if await self._refused(request, reply, "messages"):
            return
        body = request.json()
        ask = from_chat(body, request.spoilt)
        answer = compose(ask, seed=self.settings.seed)
        prompt = token_ids(ask.text)
        cached = self._cache.match(prompt) if len(prompt) >= CACHE_FROM else 0
        self._cache.add(prompt)
        reasoning = REASONING if _reasons(ask.model) else 0
        frame = _Frame(f"chatcmpl-{self._id('c')}", int(time()), ask, answer, len(prompt), cached, reasoning)
        if not ask.stream:
            await self.think(answer.tokens + reasoning)
            await reply.json(200, frame.whole(int(body.get("n") or 1)), self._headers())
            return
        wanted = bool((body.get("stream_options") or {}).get("include_usage"))
        await reply.begin(200, {"content-type": "text/event-stream; charset=utf-8", **self._headers()})
        async for chunk in self.paced(frame.chunks(usage=wanted)):
            await reply.write(chunk)
        await reply.write(b"data: [DONE]\n\n")
        await reply.end()

    async def _completions(self, request: Request, reply: Reply) -> None:
        if await self._refused(request, reply, None, COMPLETING):
            return
        body = request.json()
        frame = framed(body, f"cmpl-{self._id('t')}", int(time()), self.settings.seed)
        if body.get("stream") is not True:
            await self.think(frame.usage()["completion_tokens"])
            await reply.json(200, frame.whole(frame.usage()), self._headers())
            return
        await reply.begin(200, {"content-type": "text/event-stream; charset=utf-8", **self._headers()})
        for index, each in frame.choices():
            async for chunk in self.paced(frame.deltas(index, each)):
                await reply.write(chunk)
        if frame.usage_wanted:
            await reply.write(frame.usage_event(frame.usage()))
        await reply.write(b"data: [DONE]\n\n")
        await reply.end()

    async def _responses(self, request: Request, reply: Reply) -> None:
        if await self._refused(request, reply, "input"):
            return
        body = request.json()
        before = self.kept.turns(body.get("previous_response_id"))
        if body.get("previous_response_id") and not before:
            message = f"Previous response with id '{body['previous_response_id']}' not found."
            kind, code = "invalid_request_error", "previous_response_not_found"
            lost = _error(message, kind, "previous_response_id", code)
            await reply.whole(400, lost, {"content-type": "application/json", **self._headers()})
            return
        ask = from_responses(body, before, request.spoilt)
        answer = compose(ask, seed=self.settings.seed)
        also = {**_MEMBERS, **{key: body[key] for key in ("background", "store") if key in body}}
        frame = ResponsesFrame(f"resp_{self._id('s')}", int(time()), body, answer, also)
        reasoning = REASONING if _reasons(ask.model) else 0
        told = usage(len(token_ids(ask.text)), 0, answer, reasoning)
        made = self.kept.keep(frame, told, (*ask.turns, ("assistant", answer.text)))
        if made.background:
            if ask.stream:
                await made.stream(reply, self._headers())
            else:
                await reply.json(200, made.whole(), self._headers())
            return
        if not ask.stream:
            await self.think(answer.tokens + reasoning)
            await reply.json(200, frame.whole(told), self._headers())
            return
        await reply.begin(200, {"content-type": "text/event-stream; charset=utf-8", **self._headers()})
        async for event in self.paced([*frame.opening(), *frame.items(), frame.closing(told)]):
            await reply.write(event)
        await reply.end()

    async def _filed(self, request: Request, reply: Reply) -> None:
        if bearer(request) is None:
            status, body, kind = 401, self.error(401)[0], "application/json"
        else:
            status, body, kind = self._files.asked(request)
        await reply.whole(status, body, {"content-type": kind, **self._headers()})

    async def _embeddings(self, request: Request, reply: Reply) -> None:
        if not await self._refused(request, reply, "input", EMBEDDING):
            await self.think(0)
            await reply.json(200, embeddings(request.json()), self._headers())

    async def _refused(
        self, request: Request, reply: Reply, needed: str | None, models: tuple[str, ...] = ()
    ) -> bool:
        """Answer a request that deserves an error with it; whether it did."""
        refusal = self._refusal(request, needed, models)
        if refusal is not None:
            status, body = refusal
            await reply.whole(status, body, {"content-type": "application/json", **self._headers()})
        return refusal is not None

    def _refusal(
        self, request: Request, needed: str | None, models: tuple[str, ...]
    ) -> tuple[int, bytes] | None:
        """Status and body of the error that this request deserves, if any."""
        key = bearer(request)
        if key is None or self.settings.api_key not in (None, key):
            return 401, self.error(401)[0]
        try:
            body = request.json()
        except orjson.JSONDecodeError:
            message = (
                "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload."
            )
            return 400, _error(message, "invalid_request_error")
        kind = "invalid_request_error"
        if not isinstance(body, dict) or not body.get("model"):
            return 400, _error("you must provide a model parameter", kind)
        if needed is not None and not body.get(needed):
            message = f"Missing required parameter: '{needed}'."
            return 400, _error(message, kind, needed, "missing_required_parameter")
        if models and body["model"] in CHATTING:
            message = "This is a chat model and not supported in the v1/completions endpoint."
            return 404, _error(message, kind, "model")
        lost = self._files.missing(body)
        if lost is not None:
            return 404, _error(f"No such File object: {lost}", kind, "id")
        if body["model"] not in self.settings.models:
            message = f"The model `{body['model']}` does not exist or you do not have access to it."
            return 404, _error(message, kind, code="model_not_found")
        return None

    async def _models(self, request: Request, reply: Reply) -> None:
        if bearer(request) is None:
            body, headers = self.error(401)
            await reply.whole(401, body, {"content-type": "application/json", **headers})
            return
        listed = [
            {"id": name, "object": "model", "created": 1_754_000_000, "owned_by": "system"}
            for name in self.settings.models
        ]
        await reply.json(200, {"object": "list", "data": listed}, self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "x-request-id": self._request_id(),
            "openai-version": "2020-10-01",
            "openai-processing-ms": f"{self.settings.first_token * 1e3:.0f}",
            **_RATE,
        }

    def _request_id(self) -> str:
        return f"req_{self._id('r')}"

    def _id(self, kind: str) -> str:
        return f"{crc32(f'{kind}{next(self._ids)}'.encode()):032x}"


def _error(message: str, kind: str, param: str | None = None, code: str | None = None) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def _reasons(model: str) -> bool:
    return model.startswith(("gpt-5", "o1", "o3", "o4"))


@dataclass(frozen=True, slots=True)
class _Frame:
    """One answer, in OpenAI's shapes."""

    id: str
    created: int
    ask: Ask
    answer: Answer
    prompt_tokens: int
    cached: int
    reasoning: int

    def whole(self, copies: int) -> dict[str, Any]:
        """The unstreamed answer."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self.answer.calls or self.answer.refused else self.answer.text,
            "refusal": self.answer.text if self.answer.refused else None,
            "annotations": [],
        }
        if self.answer.calls:
            message["tool_calls"] = [
                {
                    "id": self._call_id(n),
                    "type": "function",
                    "function": {"name": c.name, "arguments": c.arguments},
                }
                for n, c in enumerate(self.answer.calls)
            ]
        choices = [
            {"index": n, "message": message, "logprobs": None, "finish_reason": self._reason}
            for n in range(copies)
        ]
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.ask.model,
            "choices": choices,
            "usage": self._usage(copies),
            "service_tier": "default",
            "system_fingerprint": "fp_standin",
        }

    def chunks(self, *, usage: bool) -> list[bytes]:
        """The stream, up to `[DONE]`."""
        parts: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
        parts += [{"refusal" if self.answer.refused else "content": piece} for piece in self.answer.pieces]
        for n, call in enumerate(self.answer.calls):
            function = {"name": call.name, "arguments": ""}
            head = {"index": n, "id": self._call_id(n), "type": "function", "function": function}
            parts.append({"tool_calls": [head]})
            parts += [
                {"tool_calls": [{"index": n, "function": {"arguments": piece}}]}
                for piece in pieces(call.arguments)
            ]
        choices: list[list[dict[str, Any]]] = [
            [{"index": 0, "delta": part, "logprobs": None, "finish_reason": None}] for part in parts
        ]
        choices.append([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": self._reason}])
        chunks = [self._chunk(choice, {"usage": None} if usage else {}) for choice in choices]
        if usage:
            chunks.append(self._chunk([], {"usage": self._usage(1)}))
        return chunks

    @property
    def _reason(self) -> str:
        if self.answer.calls:
            return "tool_calls"
        return "length" if self.answer.cut_short else "stop"

    def _chunk(self, choices: list[dict[str, Any]], usage: Mapping[str, Any]) -> bytes:
        chunk: dict[str, Any] = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.ask.model,
            "service_tier": "default",
            "system_fingerprint": "fp_standin",
            "choices": choices,
            **usage,
        }
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def _usage(self, copies: int) -> dict[str, Any]:
        completion = self.answer.tokens * copies + self.reasoning
        details = {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning, **details},
        }

    def _call_id(self, number: int) -> str:
        return f"call_{crc32(f'{self.id}/{number}'.encode()):024x}"
