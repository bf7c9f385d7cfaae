"""What the gateway asks of a request in each dialect, under one contract."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from adapters.call import Call, Dialect, Headers
from adapters.dialects import files, plain
from adapters.dialects.chat import ingress as chat
from adapters.dialects.chat import stored as kept_for_chat
from adapters.dialects.completions import ingress as completions
from adapters.dialects.messages import ingress as messages
from adapters.dialects.messages import stored as kept_by_anthropic
from adapters.dialects.responses import ingress as responses
from adapters.dialects.responses import kept as kept_responses
from adapters.dialects.responses import stored as kept_by_openai
from adapters.document import Document

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ingress:
    """One dialect's way in. `read` raises InvalidRequest; the others are asked only of what it let pass."""

    dialect: Dialect
    read: Callable[[Document, Headers], Call]
    needs: Callable[[Values], frozenset[str]]  # capabilities the model must have
    modality: Callable[[Values], frozenset[str]] = plain.text_only  # what the model must read
    max_output_tokens: Callable[[Values], int | None] = plain.no_limit  # None: the client set no limit
    references: Callable[[Values], tuple[str, ...]] = plain.nothing_kept  # ids of what a provider keeps


def _fixed(*needs: str) -> Callable[[Values], frozenset[str]]:
    return lambda _: frozenset(needs)


_ANYWHERE: Final = partial(
    kept_for_chat.references, nameless=frozenset({"model"})
)  # vLLM ranks pictures, too
_ALL: Final = (
    Ingress(
        "chat",
        chat.read,
        chat.needs,
        chat.modality,
        chat.max_output_tokens,
        kept_for_chat.references,
    ),
    Ingress(
        "messages",
        messages.read,
        messages.needs,
        messages.modality,
        messages.max_output_tokens,
        kept_by_anthropic.references,
    ),
    Ingress(
        "responses",
        responses.read,
        responses.needs,
        responses.modality,
        responses.max_output_tokens,
        kept_by_openai.references,
    ),
    Ingress(
        "count_tokens",
        messages.read_count,
        _fixed(),
        messages.modality,
        references=kept_by_anthropic.references,
    ),
    Ingress(
        "completions",
        completions.read,
        completions.needs,
        max_output_tokens=completions.max_output_tokens,
        references=partial(kept_for_chat.references, nameless=kept_for_chat.NAMELESS | {"prompt", "suffix"}),
    ),
    Ingress(
        "embeddings",
        plain.reader("embeddings"),
        _fixed("embeddings"),
        references=kept_for_chat.references,  # vLLM embeds conversations, too
    ),
    Ingress("rerank", plain.reader("rerank"), _fixed("rerank"), references=_ANYWHERE),
    Ingress("score", plain.reader("score"), _fixed("rerank"), references=_ANYWHERE),
    Ingress("tokenize", plain.reader("tokenize"), _fixed(), references=kept_for_chat.references),
    Ingress("files", files.read, _fixed("file"), modality=lambda _: frozenset({"file"})),
    Ingress("file", files.read_one, _fixed(), references=files.references),
    Ingress("response", kept_responses.read, _fixed(), references=kept_responses.references),
    Ingress("detokenize", plain.reader("detokenize"), _fixed()),
)
INGRESS: Final[Mapping[Dialect, Ingress]] = {each.dialect: each for each in _ALL}
