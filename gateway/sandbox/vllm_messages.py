"""vLLM's rendering of Anthropic's messages: its own answers and events, without pings and with fewer fields."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import orjson

from gateway.sandbox.answers import Answer, pieces
from gateway.sandbox.engine import Job


@dataclass(frozen=True, slots=True)
class MessagesFrame:
    """One answer, in the shapes of a 0.32 server."""

    id: str
    model: str
    prompt_tokens: int
    details: bool  # --enable-prompt-tokens-details
    answer: Answer

    def whole(self, job: Job) -> dict[str, Any]:
        """The unstreamed answer; members without a value are left out."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": self._blocks() or [{"type": "text", "text": ""}],
            "model": self.model,
            "stop_reason": self._reason,
            "usage": self._usage(job.generated, job.cached if self.details else None),
        }

    async def events(self, job: Job) -> AsyncIterator[bytes]:
        """The stream, a delta for each token the engine makes."""
        message: dict[str, Any] = {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": self.model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self._usage(0, None),
        }
        yield _event({"type": "message_start", "message": message})
        waiting = self._block_events()
        async for _ in job.tokens():
            for event in waiting:
                yield _event(event)
                if event["type"] == "content_block_delta":
                    break
        for event in waiting:
            yield _event(event)
        usage = self._usage(job.generated, job.cached if self.details else None)
        delta = {"stop_reason": self._reason, "stop_sequence": None}
        yield _event({"type": "message_delta", "delta": delta, "usage": usage})
        yield _event({"type": "message_stop"})

    def _block_events(self) -> Any:
        for index, block in enumerate(self._blocks()):
            if block["type"] == "text":
                yield _start(index, {"type": "text", "text": ""})
                deltas = [{"type": "text_delta", "text": piece} for piece in self.answer.pieces]
            else:
                yield _start(index, {**block, "input": {}})
                text = orjson.dumps(block["input"]).decode()
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text)]
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}

    def _blocks(self) -> list[dict[str, Any]]:
        if not self.answer.calls:
            return [{"type": "text", "text": self.answer.text}] if self.answer.pieces else []
        return [
            {
                "type": "tool_use",
                "id": f"chatcmpl-tool-{crc32(f'{self.id}/{n}'.encode()):016x}",
                "name": call.name,
                "input": orjson.loads(call.arguments),
            }
            for n, call in enumerate(self.answer.calls)
        ]

    @property
    def _reason(self) -> str:
        if self.answer.calls:
            return "tool_use"
        return "max_tokens" if self.answer.cut_short else "end_turn"

    def _usage(self, output: int, cached: int | None) -> dict[str, int]:
        usage = {"input_tokens": self.prompt_tokens - (cached or 0), "output_tokens": output}
        if cached is not None:
            usage |= {"cache_creation_input_tokens": 0, "cache_read_input_tokens": cached}
        return usage


def _start(index: int, block: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def _event(value: Mapping[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(value["type"]).encode(), orjson.dumps(value))
