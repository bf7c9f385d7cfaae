"""Pictures in tools' results, and tokens that were heard or spoken: nothing of either is lost in another dialect."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call, Dialect
from adapters.chat import TokenUsage
from adapters.deviations import Deviations
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.openai import OpenAI
from adapters.visible import visible

URL = "data:image/png;base64,AAAA"
SOURCE = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
SEEN: dict[Dialect, dict[str, Any]] = {  # a tool was called, and gave back words and a picture
    "chat": {"messages": [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": [
            {"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": URL}}]},
    ]},
    "messages": {"max_tokens": 9, "messages": [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [
            {"type": "text", "text": "see"}, {"type": "image", "source": SOURCE}]}]},
    ]},
    "responses": {"store": False, "input": [
        {"role": "user", "content": "Look."},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [
            {"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": URL}]},
    ]},
}  # fmt: skip


def call_of(dialect: Dialect, **more: Any) -> Call:
    return INGRESS[dialect].read(parse(json.dumps({"model": "m", **SEEN[dialect], **more}).encode()), ())


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_picture_in_a_tools_result_reaches_claude_inside_the_result(dialect: Dialect) -> None:
    sent = json.loads(Anthropic().outgoing(call_of(dialect), "claude-sonnet-4-5").body)
    assert sent["messages"][-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": [
            {"type": "text", "text": "see"}, {"type": "image", "source": SOURCE}]}
    ]  # fmt: skip


@pytest.mark.parametrize("dialect", ["messages", "responses"])
def test_a_picture_in_a_tools_result_follows_it_in_chat(dialect: Dialect) -> None:
    chat_only = (
        OpenAI() if dialect == "messages" else OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
    )
    sent = json.loads(chat_only.outgoing(call_of(dialect), "gpt").body)
    assert sent["messages"][-2:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "see"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": URL}}]},
    ]


@pytest.mark.parametrize("dialect", SEEN)
def test_a_picture_in_a_tools_result_is_unscanned_and_wants_a_model_that_sees(dialect: Dialect) -> None:
    values = call_of(dialect).document.values
    assert visible(values, dialect).opaque == ("image",)
    assert "vision" in INGRESS[dialect].needs(values)
    assert "image" in INGRESS[dialect].modality(values)


USAGE = {
    "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 15},
}  # fmt: skip
BOOKED = TokenUsage(
    input=50, cache_read=20, output=25, reasoning=10, audio_in=30, audio_out=15, source="reported"
)


def test_audio_tokens_of_a_whole_answer_are_classes_of_their_own() -> None:
    relay = OpenAI().relay(call_of("chat"), "m", ())
    message = {
        "role": "assistant",
        "content": None,
        "audio": {"id": "audio_1", "data": "", "transcript": "Hi"},
    }
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    relay.feed(json.dumps({"id": "c", "choices": [choice], "usage": USAGE}).encode())
    relay.finish()
    assert relay.usage == BOOKED


@pytest.mark.parametrize("dialect", ["chat", "messages"])
def test_audio_tokens_of_a_stream_are_classes_of_their_own(dialect: Dialect) -> None:
    relay = OpenAI().relay(call_of(dialect, stream=True), "m", ())
    chunks: list[dict[str, Any]] = [
        {"id": "c", "choices": [{"index": 0, "delta": {"audio": {"id": "audio_1", "data": "AA"}}}]},
        {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]},
        {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "c", "choices": [], "usage": USAGE},
    ]  # fmt: skip
    for chunk in chunks:
        relay.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    relay.feed(b"data: [DONE]\n\n")
    relay.finish()
    assert (relay.complete, relay.usage) == (True, BOOKED)
