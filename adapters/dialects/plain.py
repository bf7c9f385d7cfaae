"""Endpoints whose answer is one JSON object that is only read for its usage: embeddings, rerank, score, counts."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from adapters.call import MODELLESS, Call, Dialect, Headers
from adapters.chat import Json, TokenUsage
from adapters.dialects import relaying
from adapters.dialects.chat.answer import write_error
from adapters.dialects.chat.relay import note_whole
from adapters.dialects.checks import InvalidRequest, check_metadata, check_model
from adapters.document import Document

_NOTHING: Final = TokenUsage(source="reported")  # a count costs no tokens
_ASKED: Final[Mapping[Dialect, tuple[tuple[str, ...], ...]]] = {  # the fields of which one set must be there
    "embeddings": (("input",), ("messages",)),  # the latter is vLLM's, for multimodal models
    "rerank": (("query", "documents"),),
    "score": (("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")),
    "tokenize": (("prompt",), ("messages",)),
    "detokenize": (("tokens",),),
}


def read(document: Document, headers: Headers = (), *, dialect: Dialect) -> Call:
    """A request of one of these dialects as a call. Raises InvalidRequest."""
    values = document.values
    check_model(values)
    sets = _ASKED[dialect]
    if not any(all(values.get(key) is not None for key in keys) for keys in sets):
        missing = next(key for key in sets[0] if values.get(key) is None)
        raise InvalidRequest(
            f"Missing required parameter: '{missing}'.", missing, "missing_required_parameter"
        )
    check_metadata(values)
    return Call(dialect, document, stream=False, wants_usage=False, headers=headers)


def reader(dialect: Dialect) -> partial[Call]:
    """`read` for one dialect."""
    return partial(read, dialect=dialect)


def relay(call: Call, headers: Headers) -> "PlainRelay":
    """The way back for a 2xx answer; `headers` are the provider's."""
    return PlainRelay(call, headers)


class PlainRelay(relaying.JsonRelay):
    """An answer passed on byte for byte once it is whole."""

    __slots__ = ("_counts",)

    def __init__(self, call: Call, headers: Headers) -> None:
        super().__init__(headers, write_error)
        self._counts = call.dialect in MODELLESS

    def _written(self, answer: Json, body: bytes) -> bytes:
        note_whole(self, answer)
        if self._counts:
            self.usage = _NOTHING
        return body


def no_limit(values: Mapping[str, Any]) -> int | None:  # noqa: ARG001  # an ingress's signature
    """Nothing is generated."""
    return 0


def nothing_kept(values: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG001  # an ingress's signature
    """These requests bring all they need."""
    return ()


def text_only(values: Mapping[str, Any]) -> frozenset[str]:  # noqa: ARG001  # an ingress's signature
    """What the model must read."""
    return frozenset({"text"})
