"""Every way to name what a provider keeps is found, in every dialect; what names nothing is not taken for a name."""

import json
from typing import Any

import pytest

from adapters.call import Call, Dialect
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.openai import OpenAI

TOOL_SCHEMA = {"type": "object", "properties": {"file_id": {"type": "string"}, "id": {"const": "x"}}}


def named(dialect: Dialect, **body: Any) -> tuple[str, ...]:
    """What a request that passed its ingress names."""
    asked = {
        "chat": {"messages": []},
        "messages": {"max_tokens": 9, "messages": []},
        "responses": {"input": "hi"},
    }
    values = parse(json.dumps({"model": "m", **asked.get(dialect, {}), **body}).encode()).values
    return INGRESS[dialect].references(values)


def said(*parts: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "before"}, {"role": "user", "content": list(parts), **more}]


CHAT = {
    "a file": ({"messages": said({"type": "file", "file": {"file_id": "file-1"}})}, "file-1"),
    "a file that is named beside its type": ({"messages": said({"type": "input_file", "file_id": "file-1"})}, "file-1"),
    "a text part with more": ({"messages": said({"type": "text", "text": "t", "file_id": "file-1"})}, "file-1"),
    "what was said aloud": ({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, "audio_1"),
    "a voice of one's own": ({"audio": {"format": "wav", "voice": {"id": "voice_1"}}}, "voice_1"),
    "Gemini's cache": ({"extra_body": {"google": {"cached_content": "cachedContents/1"}}}, "cachedContents/1"),
    "Gemini's cache, plainly": ({"cached_content": "cachedContents/1"}, "cachedContents/1"),
    "a Gemini file by address": (
        {"messages": said({"type": "image_url", "image_url": {
            "url": "https://generativelanguage.googleapis.com/v1beta/files/abc"}})},
        "https://generativelanguage.googleapis.com/v1beta/files/abc",
    ),
    "a Moonshot file": ({"messages": said({"type": "image_url", "image_url": {"url": "ms://f1"}})}, "ms://f1"),
    "a bucket": ({"messages": said({"type": "video_url", "video_url": {"url": "gs://b/o"}})}, "gs://b/o"),
    "the engine's own disk": (
        {"messages": said({"type": "image_url", "image_url": {"url": "file:///etc/x.png"}})}, "file:///etc/x.png"),
    "media an engine holds": ({"messages": said({"type": "image_url", "image_url": None, "uuid": "u-1"})}, "u-1"),
    "a store to search": ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "vs_1"),
    "Mistral's libraries": ({"tools": [{"type": "document_library", "library_ids": ["lib"]}]}, "lib"),
    "a container": ({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "cntr_1"),
    "a field nobody knows": ({"something": {"deep": [{"file_ids": ["file-1"]}]}}, "file-1"),
    "in a message's unknown member": ({"messages": [{"role": "user", "content": "x", "more": {"file_id": "file-1"}}]},
                                      "file-1"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "name"), CHAT.values(), ids=list(CHAT))
def test_chat_names_it(body: dict[str, Any], name: str) -> None:
    assert named("chat", **body) == (name,)


MESSAGES = {
    "a document": ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, "file_1"),
    "an image": ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "file_1"),
    "an upload for its tools": ({"type": "container_upload", "file_id": "file_1"}, "file_1"),
    "in a tool's result": (
        {"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}}]},
        "file_1",
    ),
    "in what its tools left": (
        {"type": "bash_code_execution_tool_result", "tool_use_id": "t", "content": {
            "type": "bash_code_execution_result", "content": [
                {"type": "bash_code_execution_output", "file_id": "file_1"}]}},
        "file_1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("block", "name"), MESSAGES.values(), ids=list(MESSAGES))
@pytest.mark.parametrize("dialect", ["messages", "count_tokens"])
def test_messages_names_it(dialect: Dialect, block: dict[str, Any], name: str) -> None:
    assert named(dialect, messages=said(block)) == (name,)


def test_skills_that_somebody_wrote_are_named_and_anthropics_are_not() -> None:
    skills = [{"type": "anthropic", "skill_id": "pptx"}, {"type": "custom", "skill_id": "skill_01"}]
    assert named("messages", container={"id": "container_1", "skills": skills}) == ("container_1", "skill_01")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"previous_response_id": "resp_1"}, "resp_1"),
        ({"conversation": "conv_1"}, "conv_1"),
        ({"conversation": {"id": "conv_1"}}, "conv_1"),
        ({"prompt": {"id": "pmpt_1", "version": "2"}}, "pmpt_1"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "msg_1"),
        ({"input": [{"id": "msg_1"}]}, "msg_1"),
        ({"input": said({"type": "input_file", "file_id": "file-1"})}, "file-1"),
        ({"input": said({"type": "input_image", "file_id": "file-1"})}, "file-1"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "vs_1"),
        (
            {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}}]},
            "file-1",
        ),
        (
            {"prompt": {"id": "pmpt_1", "variables": {"doc": {"type": "input_file", "file_id": "file-1"}}}},
            "file-1",
        ),
    ],
)
def test_responses_names_it(body: dict[str, Any], name: str) -> None:
    assert name in named("responses", **body)


@pytest.mark.parametrize("dialect", ["embeddings", "tokenize"])
def test_conversations_that_are_embedded_or_counted_name_it_too(dialect: Dialect) -> None:
    part = {"type": "image_url", "image_url": None, "uuid": "u-1"}
    assert named(dialect, messages=said(part)) == ("u-1",)


@pytest.mark.parametrize("dialect", ["rerank", "score"])
def test_documents_that_are_ranked_name_it_too(dialect: Dialect) -> None:
    part = {"content": [{"type": "image_url", "image_url": None, "uuid": "u-1"}]}
    assert named(dialect, documents=["a text", part], query="x") == ("u-1",)


def test_a_bare_prompt_names_nothing_and_what_stands_beside_it_may() -> None:
    assert named("completions", prompt=["file_id", "uuid"], suffix="uuid") == ()
    assert named("completions", prompt="x", cached_content="cachedContents/1") == ("cachedContents/1",)


NAMELESS: list[tuple[Dialect, dict[str, Any]]] = [
    ("chat", {"messages": said({"type": "image_url", "image_url": {"url": "https://a.example/x?file_id=1"}})}),
    ("chat", {"messages": said({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})}),
    ("chat", {"messages": said({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:,x"}})}),
    ("chat", {"tools": [{"type": "function", "function": {"name": "open", "parameters": TOOL_SCHEMA}}]}),
    ("chat", {"messages": [{"role": "assistant", "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "open", "arguments": '{"file_id": "mine"}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"file_id": "mine"}'}]}),
    ("chat", {"metadata": {"conversation_id": "mine", "file_id": "mine"}, "audio": {"voice": "alloy"}}),
    ("chat", {"chat_template_kwargs": {"documents": [{"file_id": "mine"}]}}),
    ("messages", {"messages": [{"role": "assistant", "content": [
        {"type": "tool_use", "id": "toolu_1", "name": "open", "input": {"file_id": "mine", "url": "s3://mine"}}]}]}),
    ("messages", {"messages": [{"role": "assistant", "content": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash", "input": {"file_id": "in a script"}}]}]}),
    ("messages", {"tools": [{"name": "open", "input_schema": TOOL_SCHEMA}], "metadata": {"user_id": "u"}}),
    ("responses", {"tools": [{"type": "function", "name": "open", "parameters": TOOL_SCHEMA}]}),
    ("embeddings", {"input": ["file_id", "uuid"]}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "body"), NAMELESS)
def test_what_applications_make_up_is_no_name(dialect: Dialect, body: dict[str, Any]) -> None:
    assert named(dialect, **body) == ()


@pytest.mark.parametrize(
    "value", [None, 5, "x", [], [5, None, "x"], {"content": 5}, [{"content": [5, None]}]]
)
@pytest.mark.parametrize("dialect", ["chat", "messages", "responses", "count_tokens", "tokenize"])
def test_shapes_nobody_expects_raise_nothing(dialect: Dialect, value: Any) -> None:
    for key in ("messages", "tools", "container", "audio", "input", "system", "mcp_servers"):
        named(dialect, **{key: value})


@pytest.mark.parametrize("dialect", ["chat", "completions", "responses"])
def test_blocks_of_an_engines_cache_cannot_be_named(dialect: Dialect) -> None:
    body = {
        "model": "m",
        "messages": said(),
        "prompt": "x",
        "input": "x",
        "kv_transfer_params": {"remote_block_ids": [1]},
    }
    if dialect == "responses":
        del body["prompt"]
    with pytest.raises(InvalidRequest, match="kv_transfer_params"):
        INGRESS[dialect].read(parse(json.dumps(body).encode()), ())


def call(**more: Any) -> Call:
    return INGRESS["chat"].read(parse(json.dumps({"model": "m", "messages": said(), **more}).encode()), ())


def test_an_answer_said_aloud_can_be_named_later() -> None:
    relay = OpenAI().relay(call(), "m", ())
    message = {
        "role": "assistant",
        "content": None,
        "audio": {"id": "audio_1", "data": "", "transcript": "Hi"},
    }
    relay.feed(json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode())
    relay.finish()
    assert relay.made == ("audio_1",)


def test_a_streamed_answer_said_aloud_can_be_named_later() -> None:
    relay = OpenAI().relay(call(stream=True), "m", ())
    for delta in (
        {"role": "assistant", "audio": {"id": "audio_1"}},
        {"audio": {"data": "AA=="}},
        {"content": "x"},
    ):
        relay.feed(b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n")
    assert relay.made == ("audio_1",)
