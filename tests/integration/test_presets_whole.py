"""Each preset through a whole Weir, before a stand-in that refuses what the provider documents that it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import strict_providers
from tests.integration.providers import Asked, StandIn
from tests.integration.weirs import RunningWeir

STRICT = ("cerebras", "fireworks", "moonshot", "together", "xai")
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
USER = {"role": "user", "content": "Hello"}
ECHOED: list[dict[str, Any]] = [  # an answer as OpenAI's library and Weir's own additions send it back
    USER,
    {"role": "assistant", "content": "Hi", "refusal": None, "annotations": [], "audio": None,
     "reasoning_content": "Hm.", "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]},
    {"role": "user", "content": "Hello", "name": "ada"},
]  # fmt: skip


class Strict(RunningWeir):
    """A Weir whose backends are strict stand-ins, each named by its preset."""

    def __init__(self, folder: Path) -> None:
        self.parts = {name: StandIn(getattr(strict_providers, name)) for name in STRICT}
        backends = "".join(
            f"  {name}: {{kind: openai, preset: {name}, zone: cloud, api_key: sk-{name}, replicas: [{part.url}/v1]}}\n"
            for name, part in self.parts.items()
        )
        can = "can: [tools, json_schema, reasoning]"
        models = "".join(f"  {name}: {{backend: {name}, upstream: org/{name}, {can}}}\n" for name in STRICT)
        policy = f"""
zones: {{cloud: {{inside: false}}}}
backends:
{backends}
models:
{models}
  cerebras-gone: {{backend: cerebras, upstream: gone}}
  together-gone: {{backend: together, upstream: gpt-4o}}
  xai-gone: {{backend: xai, upstream: grok-1}}
  xai-reasoning: {{backend: xai, upstream: grok-4.20-reasoning}}
boundaries: []
routes: [{{name: only, use: [cerebras], on_failure: [fireworks]}}]
aliases: {{auto: routed}}
"""
        super().__init__(folder, policy)

    def stop(self) -> None:
        super().stop()
        for part in self.parts.values():
            part.stop()

    def sent(self, name: str) -> Any:
        asked: Asked = self.parts[name].asked[-1]
        return asked.json()

    def chat(self, model: str, **more: Any) -> tuple[int, Any]:
        status, _, body = self.post({"model": model, "messages": [USER], **more})
        return status, body if more.get("stream") and status == 200 else json.loads(body)


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    running = Strict(tmp_path_factory.mktemp("strict"))
    yield running
    running.stop()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens", "both"])
@pytest.mark.parametrize("name", STRICT)
def test_what_any_client_sends_is_taken_and_counted(
    weir: Strict, name: str, limit: str, stream: bool
) -> None:
    limits = {"max_tokens": 9, "max_completion_tokens": 9} if limit == "both" else {limit: 9}
    status, body = weir.chat(
        name, **limits, user="u", store=False, safety_identifier="s", temperature=0.5, stream=stream
    )
    assert status == 200, body
    attempt = weir.rows("attempts")[-1]
    assert (attempt["usage_source"], attempt["input_tokens"] + attempt["cache_read_tokens"]) == (
        "reported",
        7,
    )
    assert attempt["output_tokens"] == 3
    assert 9 in (weir.sent(name).get("max_tokens"), weir.sent(name).get("max_completion_tokens"))


@pytest.mark.parametrize("name", STRICT)
def test_an_answer_can_be_sent_back(weir: Strict, name: str) -> None:
    status, body = weir.chat(name, messages=ECHOED)
    assert status == 200, body
    assert [each["content"] for each in weir.sent(name)["messages"]] == ["Hello", "Hi", "Hello"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", STRICT)
def test_clients_of_other_dialects_are_served(weir: Strict, name: str, path: str, stream: bool) -> None:
    if path == "/v1/responses" and name in ("fireworks", "xai"):
        pytest.skip("it has responses of its own")
    given = (
        {"messages": [USER], "max_tokens": 9}
        if path == "/v1/messages"
        else {"input": "Hello", "store": False}
    )
    status, _, body = weir.post({"model": name, "stream": stream, "temperature": 0.5, **given}, path=path)
    assert status == 200, body
    assert b"Hel" in body


REFUSED = [
    ("cerebras", {"tools": [TOOL], "response_format": SCHEMA}, "response_format"),
    ("moonshot", {"logprobs": True}, "logprobs"),
    ("moonshot", {"logit_bias": {"1": 5}}, "logit_bias"),
    ("together", {"logprobs": True, "top_logprobs": 2}, None),
    ("xai", {"presence_penalty": 0.5}, "presence_penalty"),
    ("xai", {"frequency_penalty": 0.5}, "frequency_penalty"),
    ("xai", {"logit_bias": {"1": 5}}, "logit_bias"),
]


@pytest.mark.parametrize(("name", "more", "field"), REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name_before_it_is_sent(
    weir: Strict, name: str, more: dict[str, Any], field: str | None
) -> None:
    before = len(weir.parts[name].asked)
    status, body = weir.chat(name, **more)
    assert (status, body["error"]["code"]) == (400, "unsupported_parameter")
    assert field in (None, body["error"]["param"])
    assert len(weir.parts[name].asked) == before


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("xai", {"presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}}),
        ("moonshot", {"logprobs": False, "logit_bias": {}, "service_tier": "auto"}),
        ("together", {"logprobs": False}),
        ("cerebras", {"tools": [TOOL]}),
        ("cerebras", {"response_format": SCHEMA}),
        ("fireworks", {"logprobs": True, "top_logprobs": 5, "n": 2, "logit_bias": {"1": 5}, "seed": 4}),
    ],
)
def test_what_asks_nothing_odd_is_taken(weir: Strict, name: str, more: dict[str, Any]) -> None:
    status, body = weir.chat(name, **more)
    assert status == 200, body


def test_a_model_that_cannot_is_passed_over_for_one_that_can(weir: Strict) -> None:
    status, body = weir.chat("auto", tools=[TOOL], response_format=SCHEMA)
    assert status == 200, body
    assert weir.rows("requests")[-1]["model"] == "fireworks"


@pytest.mark.parametrize("name", ["cerebras", "together", "xai"])
def test_a_model_that_is_gone_is_a_404(weir: Strict, name: str) -> None:
    status, body = weir.chat(f"{name}-gone")
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")


def test_what_only_some_models_refuse_is_told_in_the_providers_words(weir: Strict) -> None:
    assert weir.chat("xai", stop=["x"])[0] == 200
    status, body = weir.chat("xai-reasoning", stop=["x"])
    assert (status, body["error"]["message"]) == (400, "Argument not supported on this model: stop")
    status, body = weir.chat("moonshot", temperature=0, n=2)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    status, body = weir.chat("fireworks", odd_field=1)
    assert (status, body["error"]["message"]) == (400, "Extra inputs are not permitted, field: 'odd_field'")


def test_thinking_that_is_counted_apart_is_booked(weir: Strict) -> None:
    assert weir.chat("xai")[0] == 200
    attempt = weir.rows("attempts")[-1]
    assert (attempt["output_tokens"], attempt["reasoning_tokens"]) == (3, 40)


def test_cached_tokens_are_not_counted_twice(weir: Strict) -> None:
    assert weir.chat("moonshot")[0] == 200
    attempt = weir.rows("attempts")[-1]
    assert (attempt["input_tokens"], attempt["cache_read_tokens"]) == (2, 5)
