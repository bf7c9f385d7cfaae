"""The flags that a vLLM server is started with, and what it takes or refuses for them, in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.sandbox.answers import token_ids
from gateway.sandbox.asks import Ask
from gateway.sandbox.engine import Speed
from gateway.sandbox.vllm_wire import Refused


@dataclass(frozen=True, slots=True)
class VllmSettings:
    """How the engine was started: the flags that show on the wire."""

    models: tuple[str, ...] = ("meta-llama/Llama-3.1-8B-Instruct",)  # served names; adapters behind the first
    max_model_len: int = 131_072
    max_num_seqs: int = 256
    max_queued: int | None = None  # --max-num-queued-reqs
    api_key: str | None = field(default=None, repr=False)
    prompt_tokens_details: bool = True  # --enable-prompt-tokens-details
    per_request_metrics: bool = True  # --enable-per-request-metrics
    tools: bool = True  # --enable-auto-tool-choice --tool-call-parser
    keeps_responses: bool = False  # VLLM_ENABLE_RESPONSES_API_STORE
    pooling: bool = False  # --runner pooling: the model embeds and ranks, and generates nothing
    speed: Speed = field(default_factory=Speed)
    capacity: int = 400_000  # tokens in the KV cache
    seed: int = 0

    def known(self, model: str) -> None:
        """Raises Refused for a model it does not serve."""
        if model not in self.models:
            message = f"The model `{model}` does not exist. Valid aliases: {', '.join(self.models)}."
            raise Refused(404, message, "NotFoundError", "model")

    def prompt(self, body: Mapping[str, Any], ask: Ask, waiting: int) -> list[int]:
        """The prompt's token ids, of a request that it takes while so many wait. Raises Refused."""
        self.known(ask.model)
        if ask.tools and ask.tool_choice != "none" and not self.tools:
            message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            raise Refused(400, message, "BadRequestError")
        temperature = body.get("temperature") or 0
        if temperature < 0:
            message = f"temperature must be non-negative, got {temperature}."
            message += f" (parameter=temperature, value={temperature})"
            raise Refused(400, message, "BadRequestError", "temperature")
        self._check_room(ask, waiting)
        prompt = token_ids(ask.text)
        if len(prompt) > self.max_model_len:
            room, more = self.max_model_len, self.max_model_len + 1
            message = (
                f"This model's maximum context length is {room} tokens. However, your prompt contains "
                f"at least {more} input tokens, which exceeds this limit even without any output tokens. "
                f"Please reduce the length of the input prompt. (parameter=input_tokens, value={more})"
            )
            raise Refused(400, message, "BadRequestError", "input_tokens")
        return prompt

    def _check_room(self, ask: Ask, waiting: int) -> None:
        if ask.max_tokens is not None and ask.max_tokens > self.max_model_len:
            message = (
                f"max_tokens={ask.max_tokens} cannot be greater than max_model_len={self.max_model_len}. "
                f"Please request fewer output tokens. (parameter=max_tokens, value={ask.max_tokens})"
            )
            raise Refused(400, message, "BadRequestError", "max_tokens")
        if self.max_queued is not None and waiting >= self.max_queued:
            message = (
                "The engine is currently busy and cannot accept new requests. "
                "Please try again later or on a different instance."
            )
            raise Refused(503, message, "Service Unavailable")
