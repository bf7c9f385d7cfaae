"""Presets as data: each row says what Weir needs, and requests are fitted to a provider as its row says."""

import json
from typing import Any

import pytest

from adapters.call import Call
from adapters.deviations import Deviations
from adapters.dialects import chat
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
