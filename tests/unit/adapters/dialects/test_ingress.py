"""What every way in must answer: which requests it lets pass, what their models need, what they may cost."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import STORED, Dialect
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.visible import visible
from adapters.vllm import VLLM

USER: list[Any] = [{"role": "user", "content": "hi"}]
GOOD: dict[Dialect, dict[str, Any]] = {
    "chat": {"messages": USER},
    "messages": {"messages": USER, "max_tokens": 5},
    "count_tokens": {"messages": USER},
    "completions": {"prompt": "hi"},
    "responses": {"input": "hi"},
    "embeddings": {"input": "hi"},
    "rerank": {"query": "hi", "documents": ["ho"]},
    "score": {"text_1": "hi", "text_2": "ho"},
    "tokenize": {"prompt": "hi"},
    "detokenize": {"tokens": [1]},
}


def call_of(dialect: Dialect, **body: Any) -> Any:
    return INGRESS[dialect].read(parse(json.dumps({"model": "m", **GOOD[dialect], **body}).encode()), ())


def test_every_dialect_has_a_way_in() -> None:
    assert (
        INGRESS.keys() == GOOD.keys() | STORED
    )  # those read forms and paths: test_files, test_kept_responses
    assert all(ingress.dialect == dialect for dialect, ingress in INGRESS.items())


@pytest.mark.parametrize("dialect", GOOD)
def test_every_way_in_reads_and_checks(dialect: Dialect) -> None:
    call = call_of(dialect)
    assert (call.dialect, call.stream) == (dialect, False)
    ingress, values = INGRESS[dialect], call.document.values
    assert "text" in ingress.modality(values)
    assert visible(values, dialect).texts or dialect == "detokenize"
    for wrong in ({"model": None}, {"model": 5}, {"metadata": {"workflow": 5}}, {"metadata": []}):
        with pytest.raises(InvalidRequest):
            call_of(dialect, **wrong)


@pytest.mark.parametrize(
    ("dialect", "body", "needs"),
    [
        ("chat", {}, set()),
        ("completions", {}, {"completions"}),
        ("embeddings", {}, {"embeddings"}),
        ("rerank", {}, {"rerank"}),
        ("score", {}, {"rerank"}),
        ("tokenize", {}, set()),
        ("count_tokens", {"tools": [{"name": "f"}]}, set()),
        ("messages", {"tools": [{"name": "f"}]}, {"tools"}),
        ("messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning"}),
        ("messages", {"thinking": {"type": "adaptive"}}, set()),
        ("messages", {"output_config": {"format": {"type": "json_schema"}}}, {"json_schema"}),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}]}, {"vision"}),
        (
            "messages",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "content": [{"type": "image"}, {"type": "document"}]}
                        ],
                    }
                ]
            },
            {"vision", "file"},
        ),
    ],
)
def test_what_a_model_must_be_able_to_do(dialect: Dialect, body: dict[str, Any], needs: set[str]) -> None:
    assert INGRESS[dialect].needs(call_of(dialect, **body).document.values) == needs


@pytest.mark.parametrize(
    ("dialect", "body", "limit"),
    [
        ("completions", {}, 16),
        ("completions", {"max_tokens": 0, "echo": True}, 0),
        ("messages", {}, 5),
        ("embeddings", {}, 0),
        ("count_tokens", {}, 0),
    ],
)
def test_how_long_the_answer_may_be(dialect: Dialect, body: dict[str, Any], limit: int) -> None:
    assert INGRESS[dialect].max_output_tokens(call_of(dialect, **body).document.values) == limit


@pytest.mark.parametrize(
    ("dialect", "missing"),
    [
        (dialect, key)
        for dialect, body in GOOD.items()
        if dialect != "completions"
        for key in body
        if key != "max_tokens"
    ],
)
def test_what_must_be_there_is_asked_for_by_name(dialect: Dialect, missing: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        call_of(dialect, **{missing: None})
    assert refused.value.param == missing


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1, 2], [3]], ["hi", [1, 2, 3]]])
def test_token_ids_are_counted_and_cannot_be_read(prompt: Any) -> None:
    seen = visible({"model": "m", "prompt": prompt}, "completions")
    assert (seen.opaque, seen.ids) == (("token_ids",), 3)


def test_a_text_behind_token_ids_is_read() -> None:
    seen = visible({"model": "m", "prompt": [[1, 2], "536-22-8741"]}, "completions")
    assert ("user", "536-22-8741") in seen.texts


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("completions", b"/v1/completions"),
        ("embeddings", b"/v1/embeddings"),
        ("messages", b"/v1/messages"),
        ("count_tokens", b"/v1/messages/count_tokens"),
        ("rerank", b"/v1/rerank"),
        ("score", b"/v1/score"),
        ("tokenize", b"/tokenize"),
        ("detokenize", b"/detokenize"),
    ],
)
def test_an_engine_is_asked_at_its_own_paths(dialect: Dialect, path: bytes) -> None:
    call = call_of(dialect, metadata={"workflow": "w", "kept": "k"})
    sent = VLLM().outgoing(call, "up")
    assert sent.path == path
    assert json.loads(sent.body) == {**GOOD[dialect], "model": "up", "metadata": {"kept": "k"}}


def test_what_stands_above_the_version_cannot_be_reached_below_it() -> None:
    with pytest.raises(Unsupported, match="base URL"):
        VLLM("/v1").outgoing(call_of("tokenize"), "m")


@pytest.mark.parametrize(
    ("backend", "dialects"),
    [
        (OpenAI(), ("count_tokens", "rerank", "score", "tokenize", "detokenize")),
        (Anthropic(), ("completions", "embeddings", "rerank", "score", "tokenize", "detokenize")),
    ],
    ids=["openai", "anthropic"],
)
def test_who_does_not_serve_a_dialect_says_so(backend: Any, dialects: tuple[Dialect, ...]) -> None:
    for dialect in dialects:
        with pytest.raises(Unsupported, match=dialect):
            backend.outgoing(call_of(dialect), "m")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mcp_servers": [{"url": "https://x"}]}, "mcp_servers"),
        ({"container": "c"}, "container"),
        ({"tools": [{"name": "f"}, {"type": "web_search_20250305", "name": "web_search"}]}, "tools[1].type"),
        ({"messages": [*USER, {"role": "user", "content": [{"type": "document"}]}]}, "messages[1].content"),
    ],
)
def test_a_providers_services_are_not_silently_lost_on_an_engine(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Unsupported) as refused:
        VLLM().outgoing(call_of("messages", **body), "m")
    assert refused.value.field == field
