"""What of a request is rewritten, and what is left exactly as it came."""

import json
from typing import Any

import pytest

from adapters.call import Call, Dialect
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.redacting import CannotRewrite, rewritten


def call_of(dialect: Dialect, **body: Any) -> Call:
    return INGRESS[dialect].read(parse(json.dumps({"model": "auto", "max_tokens": 9, **body}).encode()), ())


def changed(dialect: Dialect, **body: Any) -> Any:
    return rewritten(call_of(dialect, **body), lambda text: text.replace("jane@x.de", "[M_1]")).values


def test_what_was_said_is_rewritten_in_every_dialect() -> None:
    said = "to jane@x.de"
    calls = [
        {
            "id": "jane@x.de",
            "type": "function",
            "function": {"name": "jane@x.de", "arguments": '{"a":"jane@x.de"}'},
        }
    ]
    values = changed(
        "chat",
        messages=[
            {"role": "system", "content": said},
            {
                "role": "user",
                "name": "jane@x.de",
                "content": [{"type": "text", "text": said}, {"type": "refusal", "refusal": said}],
            },
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "jane@x.de", "content": said},
        ],
    )["messages"]
    system, user, assistant, tool = values
    assert system["content"] == tool["content"] == "to [M_1]"
    assert user["content"] == [
        {"type": "text", "text": "to [M_1]"},
        {"type": "refusal", "refusal": "to [M_1]"},
    ]
    assert user["name"] == tool["tool_call_id"] == "jane@x.de"
    assert assistant["tool_calls"][0]["function"] == {"name": "jane@x.de", "arguments": '{"a":"[M_1]"}'}
    values = changed(
        "messages",
        system=[{"type": "text", "text": said}],
        messages=[
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"jane@x.de": [said]}}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": said}]}
                ],
            },
        ],
    )
    assert values["system"][0]["text"] == "to [M_1]"
    assert values["messages"][0]["content"][0]["input"] == {"jane@x.de": ["to [M_1]"]}
    assert values["messages"][1]["content"][0]["content"][0]["text"] == "to [M_1]"
    values = changed(
        "responses",
        instructions=said,
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": said}]},
            {"type": "function_call", "call_id": "c", "name": "n", "arguments": '{"a":"jane@x.de"}'},
            {"type": "function_call_output", "call_id": "c", "output": said},
            {"type": "custom_tool_call", "call_id": "d", "name": "n", "input": said},
        ],
    )
    assert values["instructions"] == values["input"][2]["output"] == values["input"][3]["input"] == "to [M_1]"
    assert values["input"][0]["content"][0]["text"] == "to [M_1]"
    assert values["input"][1]["arguments"] == '{"a":"[M_1]"}'
    assert changed("completions", prompt=[said, "b"], suffix=said)["prompt"] == ["to [M_1]", "b"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "jane@x.de", "signature": "s"},
        {"type": "text", "text": "jane@x.de", "signature": "s"},
        {"type": "image", "source": {"type": "url", "url": "https://x/jane@x.de"}},
        {
            "type": "document",
            "title": "jane@x.de",
            "source": {"type": "text", "media_type": "text/plain", "data": "jane@x.de"},
        },
    ],
)
def test_what_is_signed_encoded_or_kept_elsewhere_stays(part: dict[str, Any]) -> None:
    assert changed("messages", messages=[{"role": "user", "content": [part]}])["messages"][0]["content"] == [
        part
    ]


def test_fields_outside_the_conversation_keep_their_bytes() -> None:
    call = call_of(
        "chat", messages=[{"role": "user", "content": "hi"}], user="jane@x.de", seed=1.50, tools=[]
    )
    assert rewritten(call, lambda text: text.replace("jane@x.de", "[M_1]")).body == call.document.body


@pytest.mark.parametrize(
    "arguments", ['{"n": 536228741}', '{"536228741": 1}', '{"a": ["x", 536228741]}', "[536228741]"]
)
def test_json_text_stays_json_with_the_same_keys_and_numbers_or_is_refused(arguments: str) -> None:
    call = call_of("chat", messages=[{"role": "user", "content": arguments}])
    with pytest.raises(CannotRewrite) as refused:
        rewritten(call, lambda text: text.replace("536228741", "[US_SSN_1]"))
    assert "536" not in str(refused.value)
    fine = call_of("chat", messages=[{"role": "user", "content": '{"n": "536228741", "m": 7}'}])
    changed = rewritten(fine, lambda text: text.replace("536228741", "[US_SSN_1]"))
    assert json.loads(changed.values["messages"][0]["content"]) == {"n": "[US_SSN_1]", "m": 7}
