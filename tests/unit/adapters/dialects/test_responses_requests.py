"""Responses requests: what is let in, what is asked of models, what is named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects import responses
from adapters.document import parse
from adapters.openai import OpenAI
from tests.unit.adapters.dialects.responses_asked import WEATHER, responses_call


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, None),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"stream": "yes"}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": ["weather"]}, "tools[0]"),
        ({"text": "json"}, "text"),
        ({"reasoning": "high"}, "reasoning"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"metadata": {"workflow": 5}}, "metadata.workflow"),
        ({"background": True, "store": False}, "background"),
        ({"background": "yes"}, "background"),
    ],
)
def test_what_is_not_let_in(body: dict[str, Any], param: str | None) -> None:
    with pytest.raises(responses.InvalidRequest) as refused:
        responses_call(**body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "instead", [{"prompt": {"id": "pmpt_1"}}, {"conversation": "conv_1"}, {"previous_response_id": "resp_1"}]
)
def test_stored_state_may_stand_for_input(instead: dict[str, Any]) -> None:
    assert responses_call(input=None, **instead).dialect == "responses"


def test_what_a_model_must_be_able_to_do() -> None:
    values = responses_call(
        tools=[WEATHER],
        text={"format": {"type": "json_schema", "name": "a", "schema": {}}},
        reasoning={"effort": "low"},
        max_output_tokens=64,
        include=["message.output_text.logprobs"],
        metadata={"workflow": "w", "theirs": "x"},
        input=[
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "u"}],
            },
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [{"type": "input_file", "file_id": "file-1"}],
            },
        ],
    ).document.values
    assert responses.needs(values) == {"tools", "json_schema", "reasoning", "logprobs", "vision", "file"}
    assert responses.modality(values) == {"text", "image", "file"}
    assert responses.max_output_tokens(values) == 64
    assert responses.own_metadata(values) == {"workflow": "w"}
    assert responses.needs(responses_call().document.values) == set()


def test_own_bytes_but_for_the_model_and_weirs_metadata() -> None:
    body = b'{ "model":"auto", "input":"hi" , "metadata":{"workflow":"w","theirs":"x"},"new_field":[1, 2]}'
    sent = OpenAI().outgoing(responses.read(parse(body)), "gpt-5")
    assert sent.path == b"/v1/responses"
    assert sent.body == b'{ "model":"gpt-5", "input":"hi" , "metadata":{"theirs": "x"},"new_field":[1, 2]}'


def test_names_of_what_a_provider_keeps() -> None:
    values = responses_call(
        previous_response_id="resp_1",
        conversation={"id": "conv_1"},
        prompt={"id": "pmpt_1", "variables": {"doc": {"type": "input_file", "file_id": "file-1"}}},
        metadata={"file_id": "file-of-their-own"},
        tools=[
            {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]},
            {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-2"]}},
            {"type": "code_interpreter", "container": "cntr_1"},
            {
                "type": "function",
                "name": "f",
                "parameters": {"properties": {"file_id": {"default": "no-file"}}},
            },
        ],
        input=[
            {"type": "item_reference", "id": "msg_1"},
            {"id": "msg_2"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
            {"type": "message", "id": "msg_3", "role": "assistant", "content": "hi"},
            {"role": "user", "content": [{"type": "input_image", "file_id": "file-3"}]},
        ],
    ).document.values
    assert set(responses.references(values)) == {
        "resp_1", "conv_1", "pmpt_1", "file-1", "vs_1", "vs_2", "file-2", "cntr_1", "msg_1", "msg_2", "rs_1", "file-3",
    }  # fmt: skip
    assert responses.references(responses_call().document.values) == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "file_id", "input", "prompt", "container", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(values=st.dictionaries(st.sampled_from(["input", "tools", "prompt", "conversation"]), _JSON))
def test_names_are_found_in_any_json(values: dict[str, Any]) -> None:
    assert all(isinstance(name, str) for name in responses.references(values))


def test_ids_an_answer_leaves_behind() -> None:
    note = {"type": "container_file_citation", "file_id": "cfile_1", "container_id": "cntr_2"}
    output = [
        {"id": "ci_1", "type": "code_interpreter_call", "container_id": "cntr_1"},
        {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "annotations": [note]}]},
    ]
    answer = {"id": "resp_1", "output": output}
    assert set(responses.made(answer)) == {"resp_1", "ci_1", "cntr_1", "msg_1", "cfile_1", "cntr_2"}
    assert set(responses.made({**answer, "store": False})) == {"cntr_1", "cfile_1", "cntr_2"}
