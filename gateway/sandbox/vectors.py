"""What models that give numbers answer: embeddings, rerank and score, as OpenAI and vLLM write them."""

import base64
import struct
from collections.abc import Mapping
from typing import Any

from gateway.sandbox.completions import count, embedded, vector

SIZE = 32  # numbers in an embedding, unless `dimensions` says otherwise


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to an embeddings request: floats, or base64 of little-endian 32-bit floats."""
    texts = embedded(body.get("input"))
    size = body.get("dimensions") or SIZE
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _encoded(vector(text, size), body.get("encoding_format")),
        }
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": count(texts), "total_tokens": count(texts)}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def rerank(body: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """vLLM's answer to a rerank request: the documents, the nearest first."""
    documents = [each if isinstance(each, str) else str(each) for each in body["documents"]]
    near = [_likeness(body["query"], document) for document in documents]
    order = sorted(range(len(documents)), key=lambda index: -near[index])[: body.get("top_n") or None]
    results = [
        {"index": index, "document": {"text": documents[index]}, "relevance_score": near[index]}
        for index in order
    ]
    used = count([body["query"]]) * len(documents) + count(documents)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return {"id": f"score-{request_id}", "model": body["model"], "usage": usage, "results": results}


def score(body: Mapping[str, Any], request_id: str, created: int) -> dict[str, Any]:
    """vLLM's answer to a score request: one text against one or many, or pair by pair."""
    first, second = embedded(body.get("text_1")), embedded(body.get("text_2"))
    if len(first) == 1:
        first *= len(second)
    data = [
        {"index": index, "object": "score", "score": _likeness(*pair)}
        for index, pair in enumerate(zip(first, second, strict=True))
    ]
    used = count(first) + count(second)
    usage = {
        "prompt_tokens": used,
        "total_tokens": used,
        "completion_tokens": 0,
        "prompt_tokens_details": None,
    }
    head = {"id": f"score-{request_id}", "object": "list", "created": created, "model": body["model"]}
    return head | {"data": data, "usage": usage}


def _likeness(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(vector(one, SIZE), vector(other, SIZE), strict=True))


def _encoded(values: list[float], encoding: object) -> list[float] | str:
    if encoding != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
