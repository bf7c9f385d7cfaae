"""Presets as data: each row says what Weir needs, and requests are fitted to a provider as its row says."""

import json
import re
from typing import Any

import pytest

from adapters.call import Call
from adapters.deviations import Deviations
from adapters.dialects import chat, signing
from adapters.dialects.endpoint import endpoint
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.presets import PRESETS, Preset

_ADDRESSES = {  # as the providers' documentation gives them to users of OpenAI's libraries
    "cerebras": "https://api.cerebras.ai/v1/chat/completions",
    "deepseek": "https://api.deepseek.com/v1/chat/completions",
    "fireworks": "https://api.fireworks.ai/inference/v1/chat/completions",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
    "groq": "https://api.groq.com/openai/v1/chat/completions",
    "mistral": "https://api.mistral.ai/v1/chat/completions",
    "moonshot": "https://api.moonshot.ai/v1/chat/completions",
    "openrouter": "https://openrouter.ai/api/v1/chat/completions",
    "together": "https://api.together.ai/v1/chat/completions",
    "xai": "https://api.x.ai/v1/chat/completions",
}


def _call(**body: Any) -> Call:
    return chat.read(
        parse(json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], **body}).encode())
    )


def _sent(deviations: Deviations, **body: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(OpenAI(deviations=deviations).outgoing(_call(**body), "up").body)
    return sent


def test_every_preset_is_where_its_documentation_says() -> None:
    found = {
        name: preset.address + endpoint("/" + preset.address.split("/", 3)[-1] if preset.address.count("/") > 2 else "",
                                        "chat").decode()
        for name, preset in PRESETS.items()
    }  # fmt: skip
    assert found == _ADDRESSES


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_row_is_whole(preset: Preset) -> None:
    assert preset.key.endswith("_API_KEY")
    assert preset.source.startswith("https://")
    assert not preset.deviations.renamed.keys() & preset.deviations.refused


def test_a_field_is_renamed_and_the_right_name_wins() -> None:
    renaming = Deviations(renamed={"max_completion_tokens": "max_tokens"})
    assert _sent(renaming, max_completion_tokens=5)["max_tokens"] == 5
    both = _sent(renaming, max_completion_tokens=5, max_tokens=7)
    assert both["max_tokens"] == 7
    assert "max_completion_tokens" not in both


def test_what_weir_itself_would_add_is_left_out_too() -> None:
    assert "stream_options" not in _sent(Deviations(left_out=frozenset({"stream_options"})), stream=True)


@pytest.mark.parametrize(
    ("key", "value"), [("logprobs", True), ("logit_bias", {"1": 2}), ("top_logprobs", 3)]
)
def test_what_cannot_be_honoured_is_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        _sent(Deviations(refused=frozenset({key})), **{key: value})
    assert refused.value.field == key


def test_several_answers_are_refused_where_there_is_one() -> None:
    with pytest.raises(Unsupported, match="one answer"):
        _sent(Deviations(one_answer=True), n=2)
    assert _sent(Deviations(one_answer=True), n=1)["n"] == 1


def test_a_request_that_asks_nothing_odd_keeps_its_bytes() -> None:
    call = _call(temperature=0.5)
    plain, fitted = OpenAI(), OpenAI(deviations=PRESETS["groq"].deviations)
    assert fitted.outgoing(call, "up").body == plain.outgoing(call, "up").body


def test_what_cannot_be_had_beside_tools_is_refused_only_there() -> None:
    apart = Deviations(without_tools=frozenset({"response_format"}))
    tool, form = {"type": "function", "function": {"name": "f"}}, {"type": "json_object"}
    assert _sent(apart, response_format=form)["response_format"] == form
    with pytest.raises(Unsupported, match="at once"):
        _sent(apart, response_format=form, tools=[tool])


def test_members_of_earlier_answers_that_it_does_not_know_stay_behind() -> None:
    strict = Deviations(not_taken_back=frozenset({"refusal"}))
    said = {"role": "assistant", "content": "x", "refusal": None}
    assert _sent(strict, messages=[said])["messages"] == [{"role": "assistant", "content": "x"}]
    call = _call()
    assert OpenAI(deviations=strict).outgoing(call, "up").body == OpenAI().outgoing(call, "up").body


def test_a_call_of_a_function_that_it_would_miss_is_refused() -> None:
    strict = Deviations(not_taken_back=frozenset({"function_call"}))
    called = {
        "role": "assistant",
        "content": "Let me look.",
        "function_call": {"name": "f", "arguments": "{}"},
    }
    with pytest.raises(Unsupported, match="function_call"):
        _sent(strict, messages=[called])
    echoed = {**called, "function_call": None}
    assert _sent(strict, messages=[echoed])["messages"] == [{"role": "assistant", "content": "Let me look."}]


def test_a_turn_of_thinking_alone_is_no_empty_message() -> None:
    asked = {"role": "user", "content": "x"}
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": ""}]}
    document = parse(
        json.dumps({"model": "m", "max_tokens": 9, "messages": [asked, thought, asked]}).encode()
    )
    call = Call("messages", document, stream=False, wants_usage=True)
    assert json.loads(OpenAI().outgoing(call, "up").body)["messages"] == [asked, asked]


def _tool_loop(name: str) -> list[dict[str, Any]]:
    call = {"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": name, "content": "y"},
    ]


def test_a_schema_is_refused_where_only_json_is_promised() -> None:
    plain = Deviations(no_schema=True)
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    with pytest.raises(Unsupported) as refused:
        _sent(plain, response_format=schema)
    assert refused.value.field == "response_format"
    for form in ({"type": "json_object"}, {"type": "text"}):
        assert _sent(plain, response_format=form)["response_format"] == form


def test_instructions_go_by_the_role_there_is() -> None:
    turns = [
        {"role": "developer", "content": "a"},
        {"role": "system", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    sent = _sent(Deviations(no_developer=True), messages=turns)
    assert [each["role"] for each in sent["messages"]] == ["system", "system", "user"]
    assert _sent(Deviations(one_answer=True), messages=turns)["messages"] == turns


@pytest.mark.parametrize("name", ["call_PTLP8xhu3uwZk4l3nlnrrJha", "turn1_0", "äöüäöüäöü", "\ud800"])
def test_calls_get_names_that_are_short_enough_and_the_same_each_time(name: str) -> None:
    short = Deviations(short_ids=True)
    first, again = (_sent(short, messages=_tool_loop(name))["messages"] for _ in range(2))
    (call,) = first[1]["tool_calls"]
    assert first == again
    assert call["id"] == first[2]["tool_call_id"]
    assert re.fullmatch("[A-Za-z0-9]{9}", call["id"])
    assert call["function"] == {"name": "f", "arguments": "{}"}
    other = _sent(short, messages=_tool_loop(name + "x"))["messages"]
    assert other[2]["tool_call_id"] != call["id"]


def test_names_that_are_short_already_stay_and_so_do_the_bytes() -> None:
    call = _call(messages=_tool_loop("D681PevKs"))
    short = OpenAI(deviations=Deviations(short_ids=True))
    assert short.outgoing(call, "up").body == OpenAI().outgoing(call, "up").body


@pytest.mark.parametrize("calls", [5, "x", [5], [{"id": 5}], [{}]])
def test_calls_of_the_wrong_kind_are_the_providers_to_judge(calls: Any) -> None:
    turns = [{"role": "assistant", "content": "x", "tool_calls": calls}]
    assert _sent(Deviations(short_ids=True, turns=True), messages=turns)["messages"] == turns


def test_an_assistant_speaks_between_a_tools_result_and_the_user() -> None:
    spoken = Deviations(turns=True)
    user = {"role": "user", "content": "So?"}
    sent = _sent(spoken, messages=[*_tool_loop("a"), user])["messages"]
    assert [each["role"] for each in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent[3]["content"]
    in_turn = [*_tool_loop("a"), {"role": "assistant", "content": "z"}, user]
    assert _sent(spoken, messages=in_turn)["messages"] == in_turn


def test_what_a_provider_lacks_is_not_spoken_with_it() -> None:
    asked = Call("responses", parse(b'{"model":"m","input":"x"}'), stream=False, wants_usage=True)
    assert OpenAI().speaks(asked)
    without = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
    assert not without.speaks(asked)
    assert without.outgoing(asked, "up").path == b"/v1/chat/completions"


@pytest.mark.parametrize("keeps", [False, True])
def test_thinking_goes_back_with_calls_to_who_wants_it(keeps: bool) -> None:
    blocks = [{"type": "thinking", "thinking": "Hm.", "signature": ""},
              {"type": "tool_use", "id": "t", "name": "f", "input": {}}]  # fmt: skip
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}]
    document = parse(json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode())
    asked = Call("messages", document, stream=False, wants_usage=True)
    sent = json.loads(OpenAI(deviations=Deviations(thinks_on=keeps)).outgoing(asked, "up").body)
    assert sent["messages"][1].get("reasoning_content") == ("Hm." if keeps else None)


@pytest.mark.parametrize("signs", [False, True])
def test_signatures_go_back_on_calls_to_who_signs(signs: bool) -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "sig"}}}  # fmt: skip
    thought = signing.sealed(call)
    assert thought is not None
    blocks = [
        {"type": "redacted_thinking", "data": thought.redacted},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ]
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}]
    document = parse(json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode())
    asked = Call("messages", document, stream=False, wants_usage=True)
    sent = json.loads(OpenAI(deviations=Deviations(signs=signs)).outgoing(asked, "up").body)
    assert ("extra_content" in sent["messages"][1]["tool_calls"][0]) is signs
