"""The data plane's paths: which dialect each speaks, and in whose words it answers when something is wrong."""

import difflib
from collections.abc import Mapping
from typing import Final

from adapters.call import Dialect
from adapters.dialects.files import PLACE, named
from adapters.dialects.responses import kept as responses

PATHS: Final[Mapping[str, Dialect]] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "count_tokens",
    "/v1/responses": "responses",
    "/v1/rerank": "rerank",
    "/v1/score": "score",
    "/tokenize": "tokenize",
    "/detokenize": "detokenize",
    PLACE: "files",
}
SUMMARIES: Final[Mapping[Dialect, str]] = {
    "chat": "OpenAI chat completions",
    "completions": "OpenAI's legacy completions",
    "embeddings": "OpenAI embeddings",
    "messages": "Anthropic messages",
    "count_tokens": "How many tokens an Anthropic messages request has",
    "responses": "OpenAI responses",
    "rerank": "Documents by how well they answer a query (vLLM)",
    "score": "How well texts go together (vLLM)",
    "tokenize": "A prompt's token ids (vLLM)",
    "detokenize": "The text of token ids (vLLM)",
    "files": "Upload a file that requests name by its id",
    "file": "A file that came through Weir",
    "response": "A response that its provider keeps",
}
BELOW: Final[Mapping[str, tuple[Dialect, tuple[str, ...]]]] = {  # paths with an id in them
    "/v1/files/{id}": ("file", ("GET", "DELETE")),
    "/v1/files/{id}/content": ("file", ("GET",)),
    "/v1/responses/{id}": ("response", ("GET", "DELETE")),
    "/v1/responses/{id}/cancel": ("response", ("POST",)),
    "/v1/responses/{id}/input_items": ("response", ("GET",)),
}
_POST: Final = frozenset({"POST"})
_OF_A_FILE: Final = frozenset({"GET", "DELETE"})
_LIKENESS: Final = 0.75  # of two paths, from which on one may be meant for the other


def dialect_at(path: str) -> Dialect | None:
    """What the data plane serves at a path; None: nothing."""
    if path in PATHS:
        return PATHS[path]
    if named(path) is not None:
        return "file"
    return "response" if responses.named(path) is not None else None


def methods_at(path: str) -> frozenset[str]:
    """What a path of the data plane may be asked by."""
    response = responses.named(path)
    if response is not None:
        return responses.methods(response[1])
    return _POST if path in PATHS else _OF_A_FILE


def anthropic(path: str, version: object = None) -> bool:
    """Whether the client at this path wants Anthropic's words; `version` is its `anthropic-version` header."""
    return path == "/v1/messages" or path.startswith("/v1/messages/") or bool(version)


def near(path: str) -> str | None:
    """The path that may have been meant: one without its `/v1`, with it twice, or nearly spelled."""
    plain = path.rstrip("/")
    bare = plain.removeprefix("/v1").removeprefix("/v1")
    for meant in (plain, f"/v1{bare}", bare):
        if meant in PATHS:
            return meant
    return next(iter(difflib.get_close_matches(plain[:200], PATHS, 1, _LIKENESS)), None)
