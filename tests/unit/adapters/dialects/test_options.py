"""Each option of a request in its own dialect reaches the provider as the application wrote it, and in another dialect
is carried, is left out as the hint it is, or is refused by name."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Backend, Dialect, Outgoing
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

_TURNS: list[Any] = [{"role": "user", "content": "hi"}]
_ASKED: dict[Dialect, dict[str, Any]] = {
    "chat": {"messages": _TURNS},
    "messages": {"messages": _TURNS, "max_tokens": 9},
    "responses": {"input": "hi"},
}
_OPTIONS: list[tuple[Dialect, dict[str, Any]]] = [
    ("chat", {"seed": 7}),
    ("chat", {"logprobs": True, "top_logprobs": 2}),
    ("chat", {"service_tier": "flex"}),
    ("chat", {"user": "u", "safety_identifier": "s", "metadata": {"a": "b"}, "store": True}),
    ("chat", {"stop": ["\n\n", "END"]}),
    ("chat", {"stop": "END"}),
    ("chat", {"reasoning_effort": "high"}),
    ("chat", {"parallel_tool_calls": False}),
    ("chat", {"an_option_of_tomorrow": {"x": [1]}}),
    ("messages", {"service_tier": "standard_only"}),
    ("messages", {"stop_sequences": ["END"]}),
    ("messages", {"metadata": {"user_id": "u"}}),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ("messages", {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]}),
    ("messages", {"an_option_of_tomorrow": {"x": [1]}}),
    ("responses", {"top_logprobs": 2, "include": ["message.output_text.logprobs"]}),
    ("responses", {"service_tier": "flex"}),
    ("responses", {"user": "u", "safety_identifier": "s", "metadata": {"a": "b"}}),
    ("responses", {"reasoning": {"effort": "high", "summary": "auto"}}),
    ("responses", {"an_option_of_tomorrow": {"x": [1]}}),
]


def _sent(backend: Backend, dialect: Dialect, options: dict[str, Any]) -> Outgoing:
    body = json.dumps({"model": "m", **_ASKED[dialect], **options}).encode()
    return backend.outgoing(INGRESS[dialect].read(parse(body), ()), "claude-sonnet-4-5")


@pytest.mark.parametrize(
    ("backend", "dialect", "options"),
    [
        (backend, *each)
        for backend in (OpenAI(), VLLM(), Anthropic())
        for each in _OPTIONS
        if each[0] in backend.dialects
    ],
)
def test_in_its_own_dialect_it_is_sent_as_it_was_written(
    backend: Backend, dialect: Dialect, options: dict[str, Any]
) -> None:
    sent = json.loads(_sent(backend, dialect, options).body)
    assert sent == {"model": "claude-sonnet-4-5", **_ASKED[dialect], **options}


@pytest.mark.parametrize(
    ("dialect", "backend", "options", "fate"),
    [
        ("chat", Anthropic(), {"stop": ["END"]}, {"stop_sequences": ["END"]}),
        ("chat", Anthropic(), {"user": "u"}, {"metadata": {"user_id": "u"}}),
        ("chat", Anthropic(), {"service_tier": "default"}, {"service_tier": "standard_only"}),
        ("chat", Anthropic(), {"seed": 7}, {}),
        ("chat", Anthropic(), {"logprobs": True}, "logprobs"),
        ("chat", Anthropic(), {"service_tier": "flex"}, "service_tier"),
        ("chat", Anthropic(), {"store": True}, "store"),
        ("chat", Anthropic(), {"an_option_of_tomorrow": 1}, "an_option_of_tomorrow"),
        ("messages", OpenAI(), {"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ("messages", OpenAI(), {"metadata": {"user_id": "u"}}, {"user": "u"}),
        ("messages", OpenAI(), {"an_option_of_tomorrow": 1}, "an_option_of_tomorrow"),
        ("responses", Anthropic(), {"user": "u"}, {"metadata": {"user_id": "u"}}),
        ("responses", Anthropic(), {"top_logprobs": 2}, "top_logprobs"),
        ("responses", Anthropic(), {"service_tier": "flex"}, "service_tier"),
        ("responses", Anthropic(), {"store": True}, "store"),
        ("responses", Anthropic(), {"an_option_of_tomorrow": 1}, "an_option_of_tomorrow"),
    ],
)
def test_in_another_it_is_carried_left_out_as_a_hint_or_refused_by_name(
    dialect: Dialect, backend: Backend, options: dict[str, Any], fate: dict[str, Any] | str
) -> None:
    if isinstance(fate, str):
        with pytest.raises(Unsupported) as refused:
            _sent(backend, dialect, options)
        assert refused.value.field == fate
        return
    plain = json.loads(_sent(backend, dialect, {}).body)
    assert json.loads(_sent(backend, dialect, options).body) == {**plain, **fate}
