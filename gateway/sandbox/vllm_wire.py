"""The shapes of vLLM's answers, chunks and errors, as a 0.32 server writes them."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import orjson

from gateway.sandbox.answers import Answer, pieces
from gateway.sandbox.engine import Job
from gateway.sandbox.http import Request

FINGERPRINT: Final = "vllm-0.32.0-standin"


class Refused(Exception):  # noqa: N818  # it names what happened to the request
    """The engine will not take the request; `body` is vLLM's own error."""

    def __init__(self, status: int, message: str, kind: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status: Final = status
        self.body: Final = {"error": {"message": message, "type": kind, "param": param, "code": status}}


def validated(request: Request, *needed: str) -> dict[str, Any]:
    """The body, with vLLM's first checks of the `needed` fields, those of chat by default. Raises Refused."""
    needed = needed or ("messages", "model")
    if not request.headers.get("content-type", "application/json").startswith("application/json"):
        raise _invalid("Unsupported Media Type: Only 'application/json' is allowed", None)
    try:
        body = request.json()
    except orjson.JSONDecodeError as error:
        detail = f"{{'type': 'json_invalid', 'loc': 'body.{error.pos}', 'msg': 'JSON decode error'}}"
        raise _invalid(detail, f"body.{error.pos}") from None
    for name in needed:
        if not isinstance(body, dict) or name not in body:
            raise _invalid(
                f"{{'type': 'missing', 'loc': 'body.{name}', 'msg': 'Field required'}}", f"body.{name}"
            )
    if not isinstance(body.get("messages", []), list):
        raise _invalid(
            "{'type': 'list_type', 'loc': 'body.messages', 'msg': 'Input should be a valid list'}",
            "body.messages",
        )
    return dict(body)


def _invalid(detail: str, param: str | None) -> Refused:
    return Refused(400, f"1 validation error:\n  {detail}", "Bad Request", param)


@dataclass(frozen=True, slots=True)
class Frame:
    """One answer's fixed parts, and the shapes that vLLM wraps around them."""

    id: str
    created: int
    model: str
    prompt_tokens: int
    details: bool  # --enable-prompt-tokens-details
    timed: bool  # --enable-per-request-metrics
    stream_options: Mapping[str, Any]

    @property
    def usage_wanted(self) -> bool:
        """Whether the stream ends with a usage chunk."""
        return bool(self.stream_options.get("include_usage"))

    @property
    def _continuous(self) -> bool:
        return bool(self.stream_options.get("continuous_usage_stats")) and self.usage_wanted

    def whole(self, answer: Answer, jobs: list[Job]) -> dict[str, Any]:
        """The unstreamed answer."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if answer.calls else answer.text,
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "reasoning": None,
        }
        if answer.calls:
            message["tool_calls"] = [
                {
                    "id": self.call_id(n),
                    "type": "function",
                    "function": {"name": c.name, "arguments": c.arguments},
                }
                for n, c in enumerate(answer.calls)
            ]
        nothing = dict.fromkeys(("logprobs", "stop_reason", "token_ids", "routed_experts"))
        choices = [
            {"index": index, "message": message, "finish_reason": _reason(answer), **nothing}
            for index in range(len(jobs))
        ]
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "service_tier": None,
            "system_fingerprint": FINGERPRINT,
            "usage": self.usage(jobs),
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "prompt_text": None,
            "kv_transfer_params": None,
            "ec_transfer_params": None,
            "metrics": self._job_metrics(jobs),
        }

    async def deltas(self, index: int, answer: Answer, job: Job) -> AsyncIterator[bytes]:
        """The stream's chunks for one choice, each when the engine has made its token."""
        parts = _parts(self, answer)
        sent = 0
        async for number in job.tokens():
            if sent < len(parts):
                yield self.event(index, parts[sent], completion=number)
                sent += 1
        for part in parts[sent:]:
            yield self.event(index, part, completion=job.generated)
        last = {} if answer.calls else {"content": ""}
        yield self.event(index, last, completion=job.generated, finish=_reason(answer))

    def event(
        self,
        index: int,
        delta: Mapping[str, Any],
        *,
        completion: int = 0,
        finish: str | None = None,
        first: bool = False,
    ) -> bytes:
        """One chunk."""
        choice: dict[str, Any] = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        if finish is not None:
            choice["stop_reason"] = None
        if not first:
            choice["token_ids"] = None
        chunk = self._chunk([choice])
        if self._continuous:
            chunk["usage"] = {**self._totals(completion), "completion_tokens_details": None}
        if first:
            chunk |= {"prompt_token_ids": None, "prompt_text": None}
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def usage_event(self, jobs: list[Job]) -> bytes:
        """The last chunk, with the usage and no choices."""
        chunk = self._chunk([])
        usage = self.usage(jobs)
        usage.pop("completion_tokens_details")
        if usage["prompt_tokens_details"] is None:
            usage.pop("prompt_tokens_details")
        chunk |= {"usage": usage, "system_fingerprint": FINGERPRINT}
        if (metrics := self._job_metrics(jobs)) is not None:
            chunk["metrics"] = metrics
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def usage(self, jobs: list[Job]) -> dict[str, Any]:
        """What the answer used."""
        details = None
        if self.details:
            cached = jobs[0].cached
            details = {"cached_tokens": cached, "created_cache_tokens": 0, "multimodal_tokens": None}
        usage: dict[str, Any] = dict(self._totals(sum(job.generated for job in jobs)))
        usage |= {"prompt_tokens_details": details, "completion_tokens_details": None}
        return usage

    def _totals(self, completion: int) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + completion,
            "completion_tokens": completion,
        }

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }

    def _job_metrics(self, jobs: list[Job]) -> dict[str, Any] | None:
        """Per-request metrics in milliseconds; vLLM leaves them out where n > 1."""
        if not self.timed or len(jobs) > 1:
            return None
        job = jobs[0]
        decoding = job.last_token - job.first_token
        whole = job.last_token - job.arrived
        return {
            "time_to_first_token_ms": 1e3 * (job.first_token - job.arrived),
            "generation_time_ms": 1e3 * decoding,
            "queue_time_ms": 1e3 * (job.scheduled - job.arrived),
            "mean_itl_ms": 1e3 * decoding / max(1, job.generated - 1),
            "tokens_per_second": job.generated / whole if whole else 0.0,
            "speculative_decoding": None,
        }

    def call_id(self, number: int) -> str:
        """The id of the answer's n-th tool call."""
        return f"chatcmpl-tool-{crc32(f'{self.id}/{number}'.encode()):016x}"


def _parts(frame: Frame, answer: Answer) -> list[dict[str, Any]]:
    """The deltas of a streamed answer, in order."""
    parts: list[dict[str, Any]] = [{"content": piece} for piece in answer.pieces]
    for index, call in enumerate(answer.calls):
        head = {
            "id": frame.call_id(index),
            "type": "function",
            "index": index,
            "function": {"name": call.name},
        }
        parts.append({"content": None, "tool_calls": [head]})
        parts += [
            {"content": None, "tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in pieces(call.arguments)
        ]
    return parts


def _reason(answer: Answer) -> str:
    if answer.calls:
        return "tool_calls"
    return "length" if answer.cut_short else "stop"
