"""Providers that speak OpenAI's dialect with differences: one row each, from their documentation.

To add one, add a row: where it is, which environment variable people keep its key in, what the price list
(genai-prices) calls it, how it departs from OpenAI, and where that is documented. `docs/providers.md` says the same in
prose. What needs no row, since every answer is read so:

* tokens of thinking that `total_tokens` counts and `completion_tokens` does not (Gemini, xAI);
* cached tokens as `prompt_cache_hit_tokens` (DeepSeek) or `usage.cached_tokens` (Moonshot);
* an error in an answer whose status is 200 (OpenRouter);
* usage of a stream in `x_groq` (Groq), or in the chunk that has the finish (Mistral, Fireworks);
* finish reasons that mean a failure: `error` (Mistral, OpenRouter), `insufficient_system_resource` (DeepSeek).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.call import FILING, Dialect
from adapters.deviations import Deviations


@dataclass(frozen=True, slots=True)
class Preset:
    """`address`: its base URL, without `/v1`. `key`: the environment variable its key is usually kept in.
    `provider`: the price list's word for it. `source`: where the deviations are documented."""

    address: str
    key: str
    provider: str
    deviations: Deviations
    source: str


def _without(*dialects: Dialect) -> frozenset[Dialect]:
    """What a provider lacks: these, and files that requests could name (or they are not OpenAI's)."""
    return FILING | frozenset(dialects)


_ANSWERS_LIMIT: Final = {"max_completion_tokens": "max_tokens"}
_ANSWERS_LIMIT_BY_ITS_NEW_NAME: Final = {
    "max_tokens": "max_completion_tokens"
}  # where both at once are refused
_ECHOES: Final = frozenset(
    {"annotations", "audio", "parsed", "provider_blocks", "refusal", "thinking_blocks"}
)
_CHAT_ONLY: Final = _without("completions", "embeddings", "responses")
_NO_RESPONSES: Final = _without("responses")
_HINTS: Final = frozenset(
    ("store", "user", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
)  # without effect on an answer's words

PRESETS: Final[Mapping[str, Preset]] = {
    "cerebras": Preset(
        "https://api.cerebras.ai",
        "CEREBRAS_API_KEY",
        "cerebras",
        Deviations(
            lacks=_without("embeddings", "responses"),
            renamed=_ANSWERS_LIMIT_BY_ITS_NEW_NAME,
            left_out=frozenset({"store"}),
            without_tools=frozenset({"response_format"}),
            not_taken_back=frozenset({"reasoning_content"}),
        ),
        "https://inference-docs.cerebras.ai/api-reference/chat-completions",
    ),
    "deepseek": Preset(
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        "deepseek",
        Deviations(
            lacks=_CHAT_ONLY,
            renamed=_ANSWERS_LIMIT,
            refused=frozenset({"logit_bias"}),
            one_answer=True,
            no_schema=True,
            no_developer=True,
            thinks_on=True,
        ),
        "https://api-docs.deepseek.com/api/create-chat-completion",
    ),
    "fireworks": Preset(
        "https://api.fireworks.ai/inference",
        "FIREWORKS_API_KEY",
        "fireworks",
        Deviations(
            lacks=_without(),
            renamed=_ANSWERS_LIMIT,
            left_out=frozenset({"prompt_cache_retention", "safety_identifier", "store"}),
            not_taken_back=_ECHOES | {"name", "reasoning"},
        ),
        "https://docs.fireworks.ai/api-reference/post-chatcompletions",
    ),
    "gemini": Preset(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        "google",
        Deviations(
            lacks=_without("completions", "responses"),
            left_out=_HINTS - {"service_tier"} | {"metadata"},
            refused=frozenset({"logit_bias"}),
            signs=True,
        ),
        "https://ai.google.dev/gemini-api/docs/openai",
    ),
    "groq": Preset(
        "https://api.groq.com/openai",
        "GROQ_API_KEY",
        "groq",
        Deviations(
            lacks=_CHAT_ONLY,
            refused=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
            one_answer=True,
        ),
        "https://console.groq.com/docs/openai",
    ),
    "mistral": Preset(
        "https://api.mistral.ai",
        "MISTRAL_API_KEY",
        "mistral",
        Deviations(
            lacks=_without("completions", "responses"),
            renamed={**_ANSWERS_LIMIT, "seed": "random_seed"},
            left_out=_HINTS - {"prompt_cache_key"} | {"stream_options", "verbosity"},
            refused=frozenset({"logit_bias", "logprobs", "top_logprobs"}),
            not_taken_back=_ECHOES | {"function_call", "name", "reasoning", "reasoning_content"},
            no_developer=True,
            short_ids=True,
            turns=True,
        ),
        "https://docs.mistral.ai/api/endpoint/chat",
    ),
    "moonshot": Preset(
        "https://api.moonshot.ai",
        "MOONSHOT_API_KEY",
        "moonshotai",
        Deviations(
            lacks=_CHAT_ONLY,
            renamed={**_ANSWERS_LIMIT_BY_ITS_NEW_NAME, "user": "safety_identifier"},
            left_out=frozenset({"prompt_cache_retention", "service_tier", "store"}),
            refused=frozenset({"logit_bias", "logprobs", "top_logprobs"}),
        ),
        "https://platform.kimi.ai/docs/api/chat",
    ),
    "openrouter": Preset(
        "https://openrouter.ai/api",
        "OPENROUTER_API_KEY",
        "openrouter",
        Deviations(lacks=_NO_RESPONSES),
        "https://openrouter.ai/docs/api-reference/overview",
    ),
    "together": Preset(
        "https://api.together.ai",
        "TOGETHER_API_KEY",
        "together",
        Deviations(
            lacks=_NO_RESPONSES, renamed=_ANSWERS_LIMIT, refused=frozenset({"logprobs", "top_logprobs"})
        ),
        "https://docs.together.ai/docs/inference/openai-compatibility",
    ),
    "xai": Preset(
        "https://api.x.ai",
        "XAI_API_KEY",
        "x-ai",
        Deviations(
            lacks=_without("embeddings"),
            refused=frozenset({"frequency_penalty", "logit_bias", "presence_penalty"}),
        ),
        "https://docs.x.ai/docs/guides/reasoning",
    ),
}  # fmt: skip
