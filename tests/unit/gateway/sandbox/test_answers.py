"""Canned answers: the same for the same question, honest about what they are, and of the form asked for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.answers import compose, pieces, token_ids
from gateway.sandbox.asks import Ask, Tool, from_chat, from_messages
from gateway.sandbox.examples import example

WEATHER = Tool(
    "get_weather",
    "Weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}}},
)
CLOCK = Tool("tell_time", "", {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}}})


def question(text: str, **settings: object) -> Ask:
    return Ask("tiny", (("user", text),), **settings)  # type: ignore[arg-type]  # settings of every type


@given(st.text(max_size=300))
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert len(token_ids(text)) == len(pieces(text))


@given(st.text(max_size=200), st.integers(0, 5))
def test_any_question_gets_the_same_honest_answer_every_time(text: str, seed: int) -> None:
    answer = compose(question(text), seed=seed)
    assert answer == compose(question(text), seed=seed)
    assert "stand-in" in answer.text
    assert not answer.cut_short


def test_an_answer_follows_the_question_and_echoes_no_number() -> None:
    answer = compose(question("What is the premium for policy 536-22-1846 in Norway?"))
    assert "Norway" in answer.text
    assert not any(piece.strip().isdigit() for piece in answer.pieces)


def test_max_tokens_cuts_and_ignore_eos_fills() -> None:
    assert compose(question("Hello there", max_tokens=5)).cut_short
    assert len(compose(question("Hello there", max_tokens=5)).pieces) == 5
    filled = compose(question("Hello there", max_tokens=500, to_the_limit=True))
    assert (len(filled.pieces), filled.cut_short) == (500, True)


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("What is the weather in Oslo?", "auto", ["get_weather"]),
        ("Weather in Oslo, and the time?", "auto", ["get_weather", "tell_time"]),
        ("Sing a song.", "auto", []),
        ("What is the weather in Oslo?", "none", []),
        ("Sing a song.", "required", ["get_weather"]),
        ("Sing a song.", "tell_time", ["tell_time"]),
    ],
)
def test_tools_are_called_when_the_prompt_asks(text: str, choice: str, called: list[str]) -> None:
    answer = compose(question(text, tools=(WEATHER, CLOCK), tool_choice=choice))
    assert [call.name for call in answer.calls] == called


def test_one_call_at_a_time_where_parallel_calls_are_off() -> None:
    ask = question("Weather in Oslo, and the time?", tools=(WEATHER, CLOCK), parallel=False)
    assert len(compose(ask).calls) == 1


def test_arguments_come_from_the_prompt_and_satisfy_the_schema() -> None:
    call = compose(question("What is the weather in Oslo?", tools=(WEATHER,))).calls[0]
    assert json.loads(call.arguments) == {"city": "Oslo", "days": 2}


def test_a_tools_result_ends_the_calling() -> None:
    ask = Ask("tiny", (("user", "Weather in Oslo?"), ("tool", "Rain, 4 degrees")), tools=(WEATHER,))
    assert "Rain, 4 degrees" in compose(ask).text


def test_a_schema_is_satisfied() -> None:
    schema = {
        "type": "object",
        "properties": {
            "colour": {"enum": ["red", "blue"]},
            "count": {"type": "integer", "minimum": 3, "maximum": 9},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 4}, "minItems": 2},
            "owner": {"$ref": "#/$defs/person"},
            "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "kind": {"const": "x"},
            "day": {"type": "string", "format": "date"},
        },
        "$defs": {"person": {"type": "object", "properties": {"ok": {"type": "boolean"}}}},
    }
    value = example(schema, "Paint 700 boats blue")
    assert value["colour"] == "blue"
    assert value["count"] == 9
    assert len(value["tags"]) == 2
    assert all(len(tag) <= 4 for tag in value["tags"])
    assert (value["owner"], value["note"], value["kind"], value["day"]) == (
        {"ok": True},
        None,
        "x",
        "2026-01-31",
    )


def test_both_dialects_ask_the_same() -> None:
    chat = from_chat(
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi Oslo"}],
            "max_tokens": 9,
        }
    )
    messages = from_messages(
        {
            "model": "m",
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [{"role": "user", "content": "Hi Oslo"}],
            "max_tokens": 9,
        }
    )
    assert chat == messages
