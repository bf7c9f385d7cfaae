"""What the model would see of a responses request: whose words they are, and what stands elsewhere."""

from typing import Any

import pytest

from adapters.visible import Visible, visible


def _seen(**body: Any) -> Visible:
    return visible({"model": "m", **body}, "responses")


def test_items_are_told_by_whose_words_they_are() -> None:
    seen = _seen(
        instructions="Be brief.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "Ulm?"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Rain?"}],
             "content": [{"type": "reasoning_text", "text": "Hm."}], "encrypted_content": "gAAA"},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Ulm"}'},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "run_sql", "input": "SELECT 1"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "one"}]},
        ],
    )  # fmt: skip
    assert seen.turns == (("system", "Be brief."), ("user", "Ulm?"), ("tool", "rain"), ("tool", "one"))
    assert set(seen.texts) >= {
        ("assistant", "Rain?"),
        ("assistant", "Hm."),
        ("sealed", "gAAA"),
        ("tool_call", '{"city":"Ulm"}'),
        ("tool_call", "SELECT 1"),
        ("tool", "one"),
        ("name", "weather"),
    }
    assert seen.opaque == ()


@pytest.mark.parametrize(
    ("body", "opaque"),
    [
        ({"previous_response_id": "resp_1"}, "response_id"),
        ({"conversation": {"id": "conv_1"}}, "response_id"),
        ({"prompt": {"id": "pmpt_1"}}, "response_id"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "response_id"),
        ({"input": [{"id": "msg_1"}]}, "response_id"),
        ({"input": [{"type": "compaction", "encrypted_content": "gAAA"}]}, "response_id"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]}, "file_id"),
        ({"prompt": {"variables": {"x": {"type": "input_image", "file_id": "file-1"}}}}, "file_id"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "file_id"),
        ({"tools": [{"type": "code_interpreter", "container": {"file_ids": ["file-1"]}}]}, "file_id"),
        ({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "file_id"),
        ({"tools": [{"type": "mcp", "server_url": "https://x"}]}, "remote_url"),
        ({"tools": [{"type": "mcp", "connector_id": "connector_x"}]}, "remote_url"),
        (
            {
                "input": [
                    {
                        "type": "function_call_output",
                        "output": [{"type": "input_image", "image_url": "https://x"}],
                    }
                ]
            },
            "remote_url",
        ),
    ],
)
def test_what_stands_elsewhere_is_opaque(body: dict[str, Any], opaque: str) -> None:
    assert opaque in _seen(**body).opaque


def test_a_schema_may_name_a_property_as_it_likes() -> None:
    schema = {
        "type": "object",
        "properties": {"file_ids": {"type": "array"}, "server_url": {"type": "string"}},
    }
    assert _seen(input="x", tools=[{"type": "function", "name": "f", "parameters": schema}]).opaque == ()


def test_a_call_may_name_its_arguments_as_it_likes() -> None:
    used = {"type": "tool_use", "id": "t", "name": "f", "input": {"server_url": "x", "container": "y"}}
    body = {"model": "m", "messages": [{"role": "assistant", "content": [used]}]}
    assert visible(body, "messages").opaque == ()


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ({"format": {"type": "json_schema", "name": "a", "schema": {}}}, True),
        ({"format": {"type": "json_object"}}, True),
        ({"format": {"type": "text"}}, False),
        ({"verbosity": "low"}, False),
    ],
)
def test_a_schema_is_what_the_format_holds(text: dict[str, Any], declared: bool) -> None:
    assert _seen(input="x", text=text).schema is declared
