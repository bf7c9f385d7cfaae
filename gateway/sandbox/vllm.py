"""A stand-in for vLLM's server: chat, completions, messages, pooling, models, health, load, tokenizer, `/metrics`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from time import time
from typing import Any, Final
from zlib import crc32

import orjson

from gateway.sandbox import vectors
from gateway.sandbox.answers import Answer, compose, token_ids
from gateway.sandbox.asks import Ask, from_chat, from_messages
from gateway.sandbox.completions import framed
from gateway.sandbox.engine import Engine, Job
from gateway.sandbox.exposition import CONTENT_TYPE, EngineMetrics
from gateway.sandbox.http import Reply, Request
from gateway.sandbox.responses import ResponsesFrame, Stepped, from_responses
from gateway.sandbox.standin import Answer as Route
from gateway.sandbox.standin import StandIn, bearer
from gateway.sandbox.vllm_flags import VllmSettings
from gateway.sandbox.vllm_messages import MessagesFrame
from gateway.sandbox.vllm_stored import StoredResponses
from gateway.sandbox.vllm_wire import FINGERPRINT, Frame, Refused, validated

_SSE: Final = {"content-type": "text/event-stream; charset=utf-8"}


class VllmStandIn(StandIn):
    """One engine."""

    name = "vllm"

    def __init__(
        self, settings: VllmSettings | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(host=host, port=port)
        self.settings: Final = settings or VllmSettings()
        self.models = self.settings.models
        self._metrics = EngineMetrics(self.settings.models[0], max_model_len=self.settings.max_model_len)
        self.engine: Final = Engine(
            self._metrics,
            speed=self.settings.speed,
            max_running=self.settings.max_num_seqs,
            capacity=self.settings.capacity,
        )
        self._metrics.watch(self.engine)
        self._stored = StoredResponses(keeps=self.settings.keeps_responses)
        self._load = 0
        self._ids = count(1)

    async def start(self) -> None:
        """Listen and begin to step."""
        await super().start()
        self.engine.start()

    async def stop(self) -> None:
        """Stop listening and stepping."""
        await super().stop()
        await self.engine.stop()

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """vLLM's paths, as far as Weir and the tests use them."""
        served: dict[tuple[str, str], Route] = {
            ("POST", "/v1/embeddings"): partial(self._guarded, self._embeddings),
            ("POST", "/v1/rerank"): partial(self._guarded, self._rerank),
            ("POST", "/v1/score"): partial(self._guarded, self._score),
        }
        if not self.settings.pooling:
            served = {
                ("POST", "/v1/chat/completions"): partial(self._guarded, self._chat),
                ("POST", "/v1/completions"): partial(self._guarded, self._completions),
                ("POST", "/v1/responses"): partial(self._guarded, self._responses),
                ("POST", "/v1/messages"): partial(self._guarded, self._messages),
                ("POST", "/v1/messages/count_tokens"): partial(self._guarded, self._count_tokens),
            }
        return served | {
            ("GET", "/v1/models"): self._models,
            ("GET", "/health"): self._empty,
            ("GET", "/ping"): self._empty,
            ("GET", "/version"): self._version,
            ("GET", "/metrics"): self._scrape,
            ("GET", "/load"): self._server_load,
            ("POST", "/tokenize"): self._tokenize,
            ("POST", "/detokenize"): self._detokenize,
            ("POST", "/reset_prefix_cache"): self._reset,
        }

    def error(self, status: int) -> tuple[bytes, Mapping[str, str]]:
        """vLLM's errors; its 401 is of a shape of its own."""
        if status == 401:
            return b'{"error":"Unauthorized"}', {}
        wordings = {
            404: ("The model `gone` does not exist.", "NotFoundError"),
            429: ("Too many requests.", "Too Many Requests"),
            503: ("The engine is currently busy and cannot accept new requests.", "Service Unavailable"),
        }
        message, kind = wordings.get(status, ("The engine failed.", "Internal Server Error"))
        return orjson.dumps(Refused(status, message, kind).body), {}

    def error_event(self, path: str) -> bytes:
        """vLLM ends a broken stream with an error and `[DONE]`; a messages stream with Anthropic's error."""
        message = "EngineCore encountered an issue."
        if path == "/v1/messages":
            error = {"type": "error", "error": {"type": "internal_error", "message": message}}
            return b"event: error\ndata: " + orjson.dumps(error) + b"\n\n"
        body = Refused(500, message, "Internal Server Error").body
        return b"data: " + orjson.dumps(body) + b"\n\ndata: [DONE]\n\n"

    async def lost(self, request: Request, reply: Reply) -> None:
        """404 for an unknown path, 405 for a wrong method."""
        if any(path == request.path for _, path in self.routes()):
            await reply.json(405, {"detail": "Method Not Allowed"})
        else:
            await reply.json(404, {"detail": "Not Found"})

    # what models do

    async def _guarded(self, answer: Route, request: Request, reply: Reply) -> None:
        """Have a request answered, or refused in vLLM's words: Anthropic's shape under /v1/messages."""
        if self._unauthorized(request):
            await reply.whole(401, *self.error(401))
            return
        self._load += 1
        try:
            await answer(request, reply)
        except Refused as refused:
            body: Any = refused.body
            if request.path.startswith("/v1/messages"):
                told = {"type": body["error"]["type"], "message": body["error"]["message"]}
                body = {"type": "error", "error": told}
            await reply.json(refused.status, body, self._request_id(request))
        finally:
            self._load -= 1

    async def _chat(self, request: Request, reply: Reply) -> None:
        body = validated(request)
        ask = from_chat(body, request.spoilt)
        answer, prompt = self._prepare(body, ask)
        frame = self._frame(request, body, ask, prompt)
        length = answer.tokens + (not answer.cut_short)  # the end token counts too
        with ExitStack() as stack:
            jobs = [
                stack.enter_context(self.engine.submit(prompt, length, at_limit=answer.cut_short))
                for _ in range(int(body.get("n") or 1))
            ]
            if ask.stream:
                await self._stream(reply, frame, answer, jobs, self._request_id(request))
                return
            for job in jobs:
                async for _ in job.tokens():
                    pass
            await reply.json(200, frame.whole(answer, jobs), self._request_id(request))

    def _frame(self, request: Request, body: Mapping[str, Any], ask: Ask, prompt: Sequence[int]) -> Frame:
        request_id = request.headers.get("x-request-id") or f"{crc32(b'%d' % next(self._ids)):016x}"
        return Frame(
            id=f"chatcmpl-{request_id}",
            created=int(time()),
            model=ask.model,
            prompt_tokens=len(prompt),
            details=self.settings.prompt_tokens_details,
            timed=self.settings.per_request_metrics,
            stream_options=body.get("stream_options") or {},
        )

    def _prepare(self, body: Mapping[str, Any], ask: Ask) -> tuple[Answer, list[int]]:
        """The answer and the prompt's token ids. Raises Refused."""
        prompt = self.settings.prompt(body, ask, self.engine.waiting)
        return compose(ask, seed=self.settings.seed), prompt

    async def _stream(
        self, reply: Reply, frame: "Frame", answer: Answer, jobs: list[Job], headers: Mapping[str, str]
    ) -> None:
        await reply.begin(200, {**_SSE, **headers})
        for index in range(len(jobs)):
            await reply.write(frame.event(index, {"role": "assistant", "content": ""}, first=True))
        for index, job in enumerate(jobs):
            async for chunk in frame.deltas(index, answer, job):
                await reply.write(chunk)
        if frame.usage_wanted:
            await reply.write(frame.usage_event(jobs))
        await reply.write(b"data: [DONE]\n\n")
        await reply.end()

    async def _completions(self, request: Request, reply: Reply) -> None:
        body = validated(request, "model")
        self.settings.known(body["model"])
        identity = f"cmpl-{request.headers.get('x-request-id') or next(self._ids)}"
        extra = {"stop_reason": None, "token_ids": None, "prompt_token_ids": None}
        tail = {"service_tier": None, "system_fingerprint": FINGERPRINT, "kv_transfer_params": None}
        frame = framed(body, identity, int(time()), self.settings.seed, extra, tail)
        streamed = body.get("stream") is True
        headers = self._request_id(request)
        if streamed:
            await reply.begin(200, {**_SSE, **headers})
        for index, each in frame.choices():
            chunks = iter(frame.deltas(index, each))
            with self.engine.submit(list(each.ids), each.answer.tokens, at_limit=True) as job:
                async for _ in job.tokens():
                    chunk = next(chunks, None)
                    if streamed and chunk is not None:
                        await reply.write(chunk)
            for chunk in chunks if streamed else ():
                await reply.write(chunk)
        if not streamed:
            await reply.json(200, frame.whole(frame.usage()), headers)
            return
        if frame.usage_wanted:
            await reply.write(frame.usage_event(frame.usage()))
        await reply.write(b"data: [DONE]\n\n")
        await reply.end()

    async def _responses(self, request: Request, reply: Reply) -> None:
        body = validated(request, "input", "model")
        ask = from_responses(body, self._stored.before(body), request.spoilt)
        answer, prompt = self._prepare(body, ask)
        frame = ResponsesFrame(
            f"resp_{self._listener.port:04x}{next(self._ids):012x}", int(time()), body, answer
        )
        self._stored.keep(body, frame.id, (*ask.turns, ("assistant", answer.text)))
        await self._generate(request, reply, ask, answer, prompt, Stepped(frame, len(prompt)))

    async def _messages(self, request: Request, reply: Reply) -> None:
        body = validated(request, "messages", "model", "max_tokens")
        ask = from_messages(body, request.spoilt)
        answer, prompt = self._prepare(body, ask)
        details = self.settings.prompt_tokens_details
        frame = MessagesFrame(f"chatcmpl-{next(self._ids):016x}", ask.model, len(prompt), details, answer)
        await self._generate(request, reply, ask, answer, prompt, frame)

    async def _generate(
        self,
        request: Request,
        reply: Reply,
        ask: Ask,
        answer: Answer,
        prompt: list[int],
        frame: MessagesFrame | Stepped,
    ) -> None:
        length = answer.tokens + (not answer.cut_short)  # the end token counts too
        headers = self._request_id(request)
        with self.engine.submit(prompt, length, at_limit=answer.cut_short) as job:
            if not ask.stream:
                async for _ in job.tokens():
                    pass
                await reply.json(200, frame.whole(job), headers)
                return
            await reply.begin(200, {**_SSE, **headers})
            async for event in frame.events(job):
                await reply.write(event)
            await reply.end()

    async def _count_tokens(self, request: Request, reply: Reply) -> None:
        body = validated(request, "messages", "model")
        self.settings.known(body["model"])
        tokens = len(token_ids(from_messages({"max_tokens": 1, **body}).text))
        counted = {"input_tokens": tokens, "context_management": {"original_input_tokens": tokens}}
        await reply.json(200, counted, self._request_id(request))

    async def _embeddings(self, request: Request, reply: Reply) -> None:
        body = validated(request, "input", "model")
        answer = vectors.embeddings(body) | {"id": f"embd-{next(self._ids):016x}", "created": int(time())}
        await self._pooled(request, reply, body, answer)

    async def _rerank(self, request: Request, reply: Reply) -> None:
        body = validated(request, "query", "documents", "model")
        await self._pooled(request, reply, body, vectors.rerank(body, f"{next(self._ids):016x}"))

    async def _score(self, request: Request, reply: Reply) -> None:
        body = validated(request, "text_1", "text_2", "model")
        await self._pooled(request, reply, body, vectors.score(body, f"{next(self._ids):016x}", int(time())))

    async def _pooled(
        self, request: Request, reply: Reply, body: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> None:
        """Read what was asked, in one step of the engine, and answer."""
        self.settings.known(body["model"])
        with self.engine.submit([0] * answer["usage"]["prompt_tokens"], 1, at_limit=True) as job:
            async for _ in job.tokens():
                pass
        await reply.json(200, answer, self._request_id(request))

    # the rest

    async def _models(self, request: Request, reply: Reply) -> None:
        if self._unauthorized(request):
            await reply.whole(401, *self.error(401))
            return
        first = self.settings.models[0]
        listed: list[dict[str, object]] = [
            {
                "id": name,
                "object": "model",
                "created": int(time()),
                "owned_by": "vllm",
                "root": name,
                "parent": None if name == first else first,
                "max_model_len": self.settings.max_model_len if name == first else None,
                "permission": [],
            }
            for name in self.settings.models
        ]
        await reply.json(200, {"object": "list", "data": listed})

    async def _empty(self, request: Request, reply: Reply) -> None:
        await reply.whole(200, b"", self._request_id(request))

    async def _version(self, request: Request, reply: Reply) -> None:
        await reply.json(200, {"version": "0.32.0"}, self._request_id(request))

    async def _scrape(self, request: Request, reply: Reply) -> None:  # noqa: ARG002  # a route's signature
        await reply.whole(200, self._metrics.text(), {"content-type": CONTENT_TYPE})

    async def _server_load(self, request: Request, reply: Reply) -> None:
        await reply.json(200, {"server_load": self._load}, self._request_id(request))

    async def _tokenize(self, request: Request, reply: Reply) -> None:
        body = request.json()
        text = from_chat(body).text if "messages" in body else str(body["prompt"])
        ids = token_ids(text)
        answer = {
            "count": len(ids),
            "max_model_len": self.settings.max_model_len,
            "tokens": ids,
            "token_strs": None,
        }
        await reply.json(200, answer)

    async def _detokenize(self, request: Request, reply: Reply) -> None:
        tokens = request.json()["tokens"]
        await reply.json(200, {"prompt": " ".join(f"<{token}>" for token in tokens)})

    async def _reset(self, request: Request, reply: Reply) -> None:
        self.engine.forget()
        await reply.json(200, {"success": True}, self._request_id(request))

    def _unauthorized(self, request: Request) -> bool:
        return self.settings.api_key is not None and bearer(request) != self.settings.api_key

    def _request_id(self, request: Request) -> dict[str, str]:
        given = request.headers.get("x-request-id")
        return {"x-request-id": given or f"{next(self._ids):032x}"}
