"""Signatures on calls of tools survive a tool loop of clients whose dialects have no place for them on the call."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.bedrock import Bedrock
from adapters.call import Backend, Call, Dialect
from adapters.dialects import pieces
from adapters.dialects.encoding import to_json
from adapters.dialects.ingress import INGRESS
from adapters.document import AT_ONCE, Pieces, parse
from adapters.openai import OpenAI
from adapters.presets import PRESETS
from adapters.vllm import VLLM

GEMINI = OpenAI(deviations=PRESETS["gemini"].deviations)
SIGNED = {"google": {"thought_signature": "c2lnbmVk/+="}}
LOOK: dict[str, Any] = {
    "id": "f-1",
    "type": "function",
    "function": {"name": "look", "arguments": '{"at":"sky"}'},
}
CALLS = [{**LOOK, "extra_content": SIGNED}, {**LOOK, "id": "f-2"}]  # of parallel calls the first is signed
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
ASKED: dict[Dialect, dict[str, Any]] = {
    "messages": {"max_tokens": 99, "messages": [{"role": "user", "content": "What is there?"}],
                 "tools": [{"name": "look", "input_schema": SCHEMA}]},
    "responses": {"input": [{"role": "user", "content": "What is there?"}], "store": False,
                  "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}]},
}  # fmt: skip


def call_of(dialect: Dialect, *, stream: bool, **more: Any) -> Call:
    body = {"model": "m", "stream": stream, **ASKED[dialect], **more}
    return INGRESS[dialect].read(parse(json.dumps(body).encode()), ())


def answer(call: Call) -> list[Any]:
    """What a client of that dialect is told: content blocks, or items."""
    relay = GEMINI.relay(call, "m", ())
    if call.stream:
        deltas = [{"role": "assistant", "tool_calls": [{**each, "index": i}]} for i, each in enumerate(CALLS)]
        chunks = [{"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        out = b"".join(relay.feed(b"data: " + json.dumps(each).encode() + b"\n\n") for each in chunks)
        out += relay.feed(b"data: [DONE]\n\n") + relay.finish()
        return collected(out, call.dialect)
    message = {"role": "assistant", "content": None, "tool_calls": CALLS}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    relay.feed(json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode())
    told = json.loads(relay.finish())
    found: list[Any] = told["content" if call.dialect == "messages" else "output"]
    return found


def collected(stream: bytes, dialect: Dialect) -> list[Any]:
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b"data: {")]
    if dialect == "responses":
        items: list[Any] = next(e for e in events if e["type"] == "response.completed")["response"]["output"]
        return items
    blocks: dict[int, Any] = {
        e["index"]: e["content_block"] for e in events if e["type"] == "content_block_start"
    }
    for each in events:
        if each["type"] == "content_block_delta" and each["delta"]["type"] == "input_json_delta":
            block = blocks[each["index"]]
            block["json"] = block.get("json", "") + each["delta"]["partial_json"]
    for block in blocks.values():
        if "json" in block:
            block["input"] = json.loads(block.pop("json"))
    return [blocks[i] for i in sorted(blocks)]


def next_turn(dialect: Dialect, told: list[Any]) -> Call:
    """The client's next request: it sends back all it was told, with what its tools found."""
    if dialect == "messages":
        results = [
            {"type": "tool_result", "tool_use_id": each, "content": "stars"} for each in ("f-1", "f-2")
        ]
        said = [
            *ASKED[dialect]["messages"],
            {"role": "assistant", "content": told},
            {"role": "user", "content": results},
        ]
        return call_of(dialect, stream=False, messages=said)
    outputs = [
        {"type": "function_call_output", "call_id": each, "output": "stars"} for each in ("f-1", "f-2")
    ]
    return call_of(dialect, stream=False, input=[*ASKED[dialect]["input"], *told, *outputs])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", ASKED)
def test_it_comes_back_on_the_call_it_was_on(dialect: Dialect, stream: bool) -> None:
    sent = json.loads(GEMINI.outgoing(next_turn(dialect, answer(call_of(dialect, stream=stream))), "m").body)
    said = next(each for each in sent["messages"] if each["role"] == "assistant")
    assert said["tool_calls"] == CALLS


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(
    "other", [OpenAI(), VLLM(), Anthropic(), Bedrock(), OpenAI(deviations=PRESETS["groq"].deviations)]
)
def test_nobody_else_is_told_of_it(other: Backend, dialect: Dialect, stream: bool) -> None:
    sent = other.outgoing(next_turn(dialect, answer(call_of(dialect, stream=stream))), "m").body
    assert b"c2lnbmVk" not in sent
    assert b"weir." not in sent
    assert sent.count(b"f-1") == 2, "the call and its result are there"


@pytest.mark.parametrize("count", [1, 5_000])
@pytest.mark.parametrize("other", [Anthropic(), Bedrock()])
def test_nor_where_the_conversation_is_long(other: Backend, count: int) -> None:
    turn = next_turn("messages", answer(call_of("messages", stream=False))).document.values["messages"]
    text = "word " * (AT_ONCE // 4 // count)
    said = [*turn, *[{"role": "user", "content": f"{i} {text}"} for i in range(count)]]
    call = call_of("messages", stream=False, messages=said, metadata={"action_id": "a", "user_id": "u"})
    sent = json.loads(bytes(other.outgoing(call, "upstream").body))
    assert call.large
    told = call_of("messages", stream=False, messages=turn, metadata={"action_id": "a", "user_id": "u"})
    short = json.loads(other.outgoing(told, "upstream").body)
    assert sent == {**short, "messages": [*short["messages"], *said[len(turn) :]]}
    assert call.document.values["messages"] == said  # another target may be tried with it


def test_long_conversations_are_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(
        pieces, "to_json", lambda value: (data := to_json(value), written.append(len(data)))[0]
    )
    block = {"type": "redacted_thinking", "data": "weir.call:c2lnbmVk"}
    said = [{"role": "user", "content": [block, {"type": "text", "text": "word " * 100}]}] * 2_000
    body = Anthropic().outgoing(call_of("messages", stream=False, messages=said), "m").body
    assert isinstance(body, Pieces)
    assert sum(written) > AT_ONCE
    assert max(written) < AT_ONCE / 3


def test_what_a_provider_sealed_itself_is_not_taken_for_one() -> None:
    block = {"type": "redacted_thinking", "data": "opaque"}
    told = [block, {"type": "tool_use", "id": "f-1", "name": "look", "input": {}}, {"type": "tool_use", "id": "f-2",
            "name": "look", "input": {}}]  # fmt: skip
    call = next_turn("messages", told)
    assert json.loads(Anthropic().outgoing(call, "m").body)["messages"][1]["content"] == told
    assert b"extra_content" not in GEMINI.outgoing(call, "m").body
