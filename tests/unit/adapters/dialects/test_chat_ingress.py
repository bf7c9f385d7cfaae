"""What is checked of a chat request, what is told of it, and what is changed in it."""

import json
from typing import Any

import pytest

from adapters.dialects import chat
from adapters.dialects.chat.ingress import outgoing_body
from adapters.document import parse

_TURNS = [{"role": "user", "content": "hi"}]


def _read(**body: Any) -> Any:
    return chat.read(parse(json.dumps({"model": "m", "messages": _TURNS, **body}).encode()))


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": None}, None, None),
        ({"model": ""}, None, None),
        ({"model": 5}, "model", "invalid_type"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": True}, "stream_options", "invalid_type"),
        ({"max_tokens": "9"}, "max_tokens", "invalid_type"),
        ({"max_tokens": True}, "max_tokens", "invalid_type"),
        ({"max_completion_tokens": 0}, "max_completion_tokens", "integer_below_min_value"),
        ({"n": 1.5}, "n", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"response_format": "json"}, "response_format", "invalid_type"),
        ({"deferred": True}, "deferred", "unsupported_parameter"),
        ({"metadata": []}, "metadata", "invalid_type"),
        ({"metadata": {"workflow": 5}}, "metadata.workflow", "invalid_type"),
        ({"metadata": {"workflow": "x" * 513}}, "metadata.workflow", "string_above_max_length"),
    ],
)
def test_refused_in_openais_words(body: dict[str, Any], param: str | None, code: str | None) -> None:
    with pytest.raises(chat.InvalidRequest) as refused:
        _read(**body)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert refused.value.message


def test_what_is_not_weirs_to_judge_passes() -> None:
    call = _read(
        temperature="hot", odd={"x": 1}, messages=[{"role": "x", "content": None}], tools=None, n=None
    )
    assert not call.stream


@pytest.mark.parametrize(
    ("body", "stream", "wants"),
    [
        ({}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream_options": {"include_usage": True}}, False, False),
        ({"stream": True, "stream_options": None}, True, False),
    ],
)
def test_streams_and_who_wants_the_usage(body: dict[str, Any], stream: bool, wants: bool) -> None:
    call = _read(**body)
    assert (call.stream, call.wants_usage) == (stream, wants)


def test_what_is_needed_of_a_model() -> None:
    parts = [
        {"type": "text", "text": "x"},
        {"type": "image_url", "image_url": {"url": "u"}},
        {"type": "input_audio", "input_audio": {}},
        {"type": "file", "file": {}},
        {"type": "hologram"},
        "bare",
    ]
    values = _read(
        messages=[{"role": "user", "content": parts}],
        tools=[{"type": "function"}],
        response_format={"type": "json_schema"},
        logprobs=True,
        n=2,
        reasoning_effort="low",
        modalities=["text", "audio"],
    ).document.values
    assert chat.modality(values) == {"text", "image", "audio", "file", "hologram"}
    assert chat.needs(values) == {
        "tools", "json_schema", "logprobs", "n", "reasoning", "vision", "audio", "file", "hologram",
    }  # fmt: skip
    assert chat.needs(_read(n=1, logprobs=False, tools=[], reasoning_effort="none").document.values) == set()


@pytest.mark.parametrize(
    ("body", "limit"),
    [({}, None), ({"max_tokens": 5}, 5), ({"max_tokens": 5, "max_completion_tokens": 7}, 7)],
)
def test_the_limit_of_the_answer(body: dict[str, Any], limit: int | None) -> None:
    assert chat.max_output_tokens(_read(**body).document.values) == limit


def test_weirs_own_metadata_is_told_and_taken_out() -> None:
    own = {"action_id": "a", "workflow": "w", "conversation": None, "sensitivity": "public"}
    call = _read(metadata={**own, "theirs": "x"})
    assert chat.own_metadata(call.document.values) == {
        "action_id": "a",
        "workflow": "w",
        "sensitivity": "public",
    }
    assert json.loads(outgoing_body(call, "up"))["metadata"] == {"theirs": "x"}
    assert "metadata" not in json.loads(outgoing_body(_read(metadata=own), "up"))
    assert json.loads(outgoing_body(_read(metadata={"theirs": "x"}), "up"))["metadata"] == {"theirs": "x"}


def test_only_what_must_change_changes() -> None:
    body = b'{"messages": [{"role":"user","content":"\\u00e9 1.0"}], "model" : "auto", "seed":1.50}'
    assert outgoing_body(chat.read(parse(body)), 'up"1') == body.replace(b'"auto"', b'"up\\"1"')


def test_the_usage_is_asked_for_without_losing_options() -> None:
    call = _read(
        stream=True, stream_options={"include_usage": False, "odd": 1, "continuous_usage_stats": True}
    )
    assert json.loads(outgoing_body(call, "up"))["stream_options"] == {"include_usage": True, "odd": 1}
