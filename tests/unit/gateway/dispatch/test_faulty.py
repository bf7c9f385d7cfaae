"""Which answers will not do, told from their canonical form, in every dialect that talks, whole and streamed."""

import json
from typing import Any

import pytest

from adapters.call import Call, Dialect
from adapters.chat import Answer, Aside, Finish, Format, Part, Text, Thinking, ToolCall
from adapters.declared import Declared, answered, declared, streamed
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from gateway.dispatch.faulty import fault_of
from gateway.dispatch.refusing import LONGEST, refuses

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANYTHING = Declared(tools={})


def answer(*parts: Part, finish: Finish = "stop", refusal: str | None = None) -> Answer:
    return Answer("", "", parts, finish, refusal=refusal)


CASES: list[tuple[Answer, Declared, str | None]] = [
    (answer(Text("Here you are.")), ANYTHING, None),
    (answer(), ANYTHING, "empty"),
    (answer(Text(" \n"), Thinking("hm")), ANYTHING, "empty"),
    (answer(Aside({"type": "server_tool_use"})), ANYTHING, None),
    (answer(Text("half"), refusal="No."), ANYTHING, "refused"),
    (answer(Text("x"), finish="content_filter"), ANYTHING, "refused"),
    (answer(Text("I'm sorry, but I can't help with that.")), ANYTHING, "refused"),
    (answer(Text("Once upon"), finish="length"), ANYTHING, "cut"),
    (answer(Text("Once upon"), finish="length"), Declared(limit=2), None),
    (answer(Text('{"city":"Ro'), finish="length"), Declared(Format(WEATHER), limit=2), "cut"),
    (answer(Thinking("so long"), finish="length"), Declared(limit=2), "empty"),
    (answer(Text('{"city":"Rome"}')), Declared(Format(WEATHER)), None),
    (answer(Text('{"town":"Rome"}')), Declared(Format(WEATHER)), "schema"),
    (answer(Text("Rome")), Declared(Format(WEATHER)), "schema"),
    (answer(Text("[]")), Declared(Format()), "schema"),
    (answer(Text("{}")), Declared(Format()), None),
    (
        answer(ToolCall("c", "weather", '{"city":"Rome"}'), finish="tool_calls"),
        Declared(tools={"weather": WEATHER}),
        None,
    ),
    (
        answer(ToolCall("c", "weather", "{}"), finish="tool_calls"),
        Declared(tools={"weather": WEATHER}),
        "schema",
    ),
    (answer(ToolCall("c", "weather", '{"ci')), Declared(tools={"weather": WEATHER}), "schema"),
    (answer(ToolCall("c", "wether", "{}")), Declared(tools={"weather": WEATHER}), "schema"),
    (answer(ToolCall("c", "wether", "{}")), Declared(tools=None), None),
    (answer(ToolCall("c", "now", "")), Declared(tools={"now": {}}), None),
    (answer(ToolCall("c", "now", "{}")), Declared(Format(WEATHER), {"now": {}}), None),
]


@pytest.mark.parametrize(("given", "said", "fault"), CASES)
def test_faults(given: Answer, said: Declared, fault: str | None) -> None:
    assert fault_of(given, said) == fault


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I\u2019m really sorry, but I cannot assist with this request.",
    "Sorry, I won't do that.",
    "I am unable to provide legal advice.",
    "Unfortunately, I cannot fulfil this request.",
    "As an AI language model, I am not able to browse.",
    "Es tut mir leid, aber das kann ich nicht beantworten.",
    "Dabei kann ich Ihnen leider nicht helfen.",
    "Désolé, mais je ne peux pas vous aider.",
    "Lo siento, pero no puedo ayudarte con eso.",
]
ANSWERS = [
    "Sorry for the delay: the total is 7.",
    "I can't recommend the second restaurant, but the first is excellent.",
    "You cannot divide by zero.",
    "The word for sorry in Spanish is lo siento.",
    "She said: 'I cannot help it.'",
    "",
]


def test_refusals_in_words() -> None:
    assert [text for text in REFUSALS if not refuses(text)] == []
    assert [text for text in ANSWERS if refuses(text)] == []
    assert not refuses(REFUSALS[0] + " But here is what I can say." * LONGEST)


def call(dialect: Dialect, **body: Any) -> Call:
    turns = {"input": "hi"} if dialect == "responses" else {"messages": [{"role": "user", "content": "hi"}]}
    return INGRESS[dialect].read(parse(json.dumps({"model": "m", **turns, **body}).encode()), ())


def test_what_was_declared_is_found_in_every_dialect() -> None:
    schema = {"type": "json_schema", "schema": WEATHER, "name": "w"}
    function = {"name": "weather", "parameters": WEATHER}
    chat = call(
        "chat",
        response_format={"type": "json_schema", "json_schema": schema},
        tools=[{"type": "function", "function": function}],
        max_tokens=9,
    )
    responses = call(
        "responses", text={"format": schema}, tools=[{"type": "function", **function}], max_output_tokens=9
    )
    messages = call(
        "messages",
        output_config={"format": schema},
        tools=[{"name": "weather", "input_schema": WEATHER}],
        max_tokens=9,
    )
    for each in map(declared, (chat, responses, messages)):
        assert each.format is not None
        assert (each.format.schema, each.tools, each.limit) == (WEATHER, {"weather": WEATHER}, 9)
    assert declared(call("chat")) == Declared(None, {}, None)
    assert (
        declared(call("messages", max_tokens=9, tools=[{"type": "bash_20250124", "name": "bash"}])).tools
        is None
    )
    assert declared(call("chat", response_format={"type": "json_schema"})).format is None


def test_answers_that_are_no_answers_are_not_judged() -> None:
    for dialect in ("chat", "responses", "messages"):
        assert answered(dialect, b"not json") is None
        assert answered(dialect, b"[]") is None
        assert streamed(dialect, b"data: nonsense\n\n") is None
    assert answered("chat", b'{"choices":[{"message":{"tool_calls":[7]}}]}') is None


def events(*values: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)


def delta(finish: str | None = None, **parts: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": parts, "finish_reason": finish}]}


STREAMS: list[tuple[Dialect, bytes, str | None]] = [
    ("chat", events(delta(role="assistant", content=""), delta("stop")), "empty"),
    ("chat", events(delta(role="assistant"), delta(refusal="No.")), "refused"),
    ("chat", events(delta(content="hi"), delta("stop")), None),
    ("chat", events(delta("content_filter")), "refused"),
    (
        "chat",
        events(delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "now", "arguments": "{}"}}])),
        None,
    ),
    ("messages", events({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}), "empty"),
    ("messages", events({"type": "message_delta", "delta": {"stop_reason": "refusal"}}), "refused"),
    (
        "messages",
        events(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        ),
        None,
    ),
    (
        "responses",
        events({"type": "response.completed", "response": {"status": "completed", "output": []}}),
        "empty",
    ),
    ("responses", events({"type": "response.refusal.delta", "delta": "No."}), "refused"),
    ("responses", events({"type": "response.output_text.delta", "delta": "hi"}), None),
    ("responses", events({"type": "response.output_item.added", "item": {"type": "function_call"}}), None),
]


@pytest.mark.parametrize(("dialect", "run", "fault"), STREAMS)
def test_streams_are_judged_by_what_has_come(dialect: Dialect, run: bytes, fault: str | None) -> None:
    told = streamed(dialect, run)
    assert told is not None
    assert fault_of(told, Declared(tools={"now": {}})) == fault


def test_a_whole_response_is_read_with_its_refusals_and_calls() -> None:
    output: list[dict[str, Any]] = [
        {"type": "reasoning", "summary": []},
        {
            "type": "message",
            "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "No."}],
        },
        {"type": "function_call", "call_id": "c", "name": "now", "arguments": "{}"},
        {"type": "web_search_call"},
    ]
    body = {"id": "r", "model": "m", "status": "completed", "output": output}
    told = answered("responses", json.dumps(body).encode())
    assert told is not None
    assert [type(part) for part in told.parts] == [Thinking, Text, ToolCall, Aside]
    assert (told.refusal, told.finish) == ("No.", "tool_calls")
