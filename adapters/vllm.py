"""vLLM: an engine on the company's own GPUs, speaking OpenAI's dialect with additions of its own."""

from dataclasses import dataclass
from typing import ClassVar

from adapters.openai import OpenAI


@dataclass(frozen=True, slots=True)
class VLLM(OpenAI):
    """A backend of the kind `vllm`: as `OpenAI`, the key being the engine's `--api-key`, if it has one.

    Its deviations need no code of their own: unknown fields are its to judge, errors come in three shapes
    (`adapters.refusals`), per-request metrics and `created_cache_tokens` are read by the chat relay.
    """

    kind: ClassVar[str] = "vllm"
    engine: ClassVar[bool] = True
