"""A whole Weir before stand-ins of the providers whose wires depart from OpenAI's and Anthropic's."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import providers, strict_providers
from tests.integration.providers import StandIn
from tests.integration.weirs import RunningWeir

_HELLO = [{"role": "user", "content": "Hello"}]
_CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"


class Providers(RunningWeir):
    """A Weir whose backends are stand-ins; a model is named `<preset>` or `<preset>-<upstream>`."""

    def __init__(self, folder: Path) -> None:
        wires = ("groq", "deepseek", "gemini", "openrouter", "azure", "bedrock")
        self.parts = {name: StandIn(getattr(providers, name)) for name in wires}
        self.parts["mistral"] = StandIn(strict_providers.mistral)
        at = {name: part.url for name, part in self.parts.items()}
        policy = f"""
zones: {{cloud: {{inside: false}}}}
sensitivity: {{unscanned: {{default: internal}}}}
backends:
  mistral: {{kind: openai, preset: mistral, zone: cloud, replicas: ["{at["mistral"]}/v1"]}}
  groq: {{kind: openai, preset: groq, zone: cloud, replicas: ["{at["groq"]}/openai/v1"], api_key: q-key}}
  deepseek: {{kind: openai, preset: deepseek, zone: cloud, replicas: ["{at["deepseek"]}"], api_key: d-key}}
  gemini: {{kind: openai, preset: gemini, zone: cloud, replicas: ["{at["gemini"]}/v1beta/openai"]}}
  openrouter: {{kind: openai, preset: openrouter, zone: cloud, replicas: ["{at["openrouter"]}/api/v1"]}}
  azure: {{kind: azure, zone: cloud, replicas: ["{at["azure"]}"], api_key: az-key, priced_as: {{my gpt: gpt-5}}}}
  azure-dated: {{kind: azure, zone: cloud, replicas: ["{at["azure"]}"], api_key: az-key, api_version: "2024-10-21"}}
  bedrock: {{kind: bedrock, region: eu-central-1, zone: cloud, replicas: ["{at["bedrock"]}"]}}
models:
  mistral: {{backend: mistral, upstream: mistral-small-latest, can: [tools, json_schema]}}
  mistral-gone: {{backend: mistral}}
  groq: {{backend: groq, upstream: llama-3.1-8b-instant, can: [tools]}}
  groq-gone: {{backend: groq, upstream: mixtral-8x7b-32768}}
  deepseek: {{backend: deepseek, upstream: deepseek-chat, can: [tools, reasoning]}}
  deepseek-gone: {{backend: deepseek}}
  gemini: {{backend: gemini, upstream: gemini-2.5-flash, can: [tools, reasoning]}}
  gemini-gone: {{backend: gemini, upstream: gemini-1.0-pro}}
  openrouter: {{backend: openrouter, upstream: some/model}}
  openrouter-gone: {{backend: openrouter, upstream: no/such}}
  azure: {{backend: azure, upstream: "my gpt", can: [tools]}}
  azure-dated: {{backend: azure-dated, upstream: "my gpt"}}
  azure-gone: {{backend: azure-dated, upstream: gone}}
  bedrock: {{backend: bedrock, upstream: "{_CLAUDE}", can: [tools, reasoning]}}
  bedrock-throttled: {{backend: bedrock, upstream: throttled}}
  bedrock-invalid: {{backend: bedrock, upstream: invalid}}
  bedrock-retired: {{backend: bedrock, upstream: retired}}
  bedrock-forbidden: {{backend: bedrock, upstream: forbidden}}
  bedrock-slow: {{backend: bedrock, upstream: slow}}
aliases: {{auto: routed}}
boundaries: []
routes:
  - {{name: after-gone, when: {{workflow: after-gone}}, use: [groq-gone], on_failure: [mistral]}}
  - {{name: only, use: [mistral]}}
"""
        environ = {
            "MISTRAL_API_KEY": "m-key", "GEMINI_API_KEY": "g-key", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "aws-secret", "AWS_SESSION_TOKEN": "aws-session",
        }  # fmt: skip
        super().__init__(folder, policy, environ)

    def stop(self) -> None:
        super().stop()
        for part in self.parts.values():
            part.stop()

    def chat(self, model: str, text: str = "Hello", **more: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.post(body)

    def sent(self, name: str) -> providers.Asked:
        return self.parts[name].asked[-1]

    def booked(self) -> dict[str, Any]:
        return self.rows("attempts")[-1]


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    running = Providers(tmp_path_factory.mktemp("providers"))
    yield running
    running.stop()


def _message(body: bytes) -> str:
    said: str = json.loads(body)["error"]["message"]
    return said


def test_mistral_is_sent_only_what_it_knows(weir: Providers) -> None:
    status, _, body = weir.chat(
        "mistral", max_completion_tokens=9, seed=4, user="u", store=False, stream=True
    )
    assert status == 200, body
    sent = weir.sent("mistral")
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == "Bearer m-key"
    asked = sent.json()
    assert (asked["max_tokens"], asked["random_seed"]) == (9, 4)
    assert not {"max_completion_tokens", "seed", "user", "store", "stream_options"} & asked.keys()


def test_mistral_counts_a_stream_unasked(weir: Providers) -> None:
    _, _, body = weir.chat("mistral", stream=True)
    assert b"lo" in body
    booked = weir.booked()
    assert (booked["input_tokens"], booked["output_tokens"], booked["usage_source"]) == (7, 3, "reported")


def test_mistral_for_a_messages_client(weir: Providers) -> None:
    status, _, body = weir.post(
        {"model": "mistral", "max_tokens": 3, "messages": _HELLO}, path="/v1/messages"
    )
    assert status == 200, body
    answer = json.loads(body)
    assert answer["content"] == [{"type": "text", "text": "Hello"}]
    assert answer["stop_reason"] == "max_tokens"  # of `model_length`
    assert weir.sent("mistral").json()["max_tokens"] == 3


def test_mistral_tells_which_field_it_does_not_know(weir: Providers) -> None:
    status, _, body = weir.chat("mistral", odd_field=1)
    assert status == 422
    assert _message(body) == "odd_field: Extra inputs are not permitted"


def test_mistral_cannot_give_logprobs(weir: Providers) -> None:
    before = len(weir.parts["mistral"].asked)
    status, _, body = weir.chat("mistral", logprobs=True)
    assert status == 400
    assert json.loads(body)["error"]["param"] == "logprobs"
    assert len(weir.parts["mistral"].asked) == before


def test_groq_counts_a_stream_in_a_place_of_its_own(weir: Providers) -> None:
    _, _, body = weir.chat("groq", stream=True)
    assert b'"x_groq"' in body
    booked = weir.booked()
    assert (booked["input_tokens"], booked["output_tokens"], booked["usage_source"]) == (11, 2, "reported")
    assert weir.sent("groq").path == "/openai/v1/chat/completions"


def test_groq_through_messages_counts_the_same(weir: Providers) -> None:
    _, _, body = weir.post(
        {"model": "groq", "max_tokens": 9, "stream": True, "messages": _HELLO}, path="/v1/messages"
    )
    assert b'"output_tokens":2' in body


@pytest.mark.parametrize("more", [{"logprobs": True}, {"logit_bias": {"1": 1}}, {"n": 2}])
def test_groq_is_not_asked_for_what_it_refuses(weir: Providers, more: dict[str, Any]) -> None:
    status, _, body = weir.chat("groq", **more)
    assert status == 400
    assert json.loads(body)["error"]["param"] == next(iter(more))


def test_a_field_set_to_nothing_is_no_reason_to_refuse(weir: Providers) -> None:
    status, _, body = weir.chat("groq", logprobs=False, n=1)
    assert status == 200, body
    assert "logprobs" not in weir.sent("groq").json()


def test_groq_out_of_flex_capacity_is_busy(weir: Providers) -> None:
    status, _, body = weir.chat("groq", service_tier="flex")
    assert status >= 429
    assert json.loads(body)["error"]["code"] == "provider_busy"


def test_deepseeks_cached_tokens_and_thinking_are_booked(weir: Providers) -> None:
    status, _, body = weir.chat("deepseek", max_completion_tokens=50)
    assert status == 200, body
    assert json.loads(body)["choices"][0]["message"]["reasoning_content"] == "Hm."
    booked = weir.booked()
    assert (booked["input_tokens"], booked["cache_read_tokens"]) == (36, 64)
    assert (booked["output_tokens"], booked["reasoning_tokens"]) == (3, 6)
    assert weir.sent("deepseek").json()["max_tokens"] == 50


def test_deepseeks_thinking_reaches_a_messages_client(weir: Providers) -> None:
    _, _, body = weir.post(
        {"model": "deepseek", "max_tokens": 9, "stream": True, "messages": _HELLO}, path="/v1/messages"
    )
    assert b'"thinking_delta","thinking":"Hm."' in body
    assert b'"text":"42"' in body


def test_deepseek_out_of_resources_is_no_clean_stop(weir: Providers) -> None:
    _, _, body = weir.chat("deepseek", "break off", stream=True)
    assert b"[DONE]" not in body
    _, _, body = weir.post(
        {
            "model": "deepseek",
            "max_tokens": 9,
            "stream": True,
            "messages": [{"role": "user", "content": "break off"}],
        },
        path="/v1/messages",
    )
    assert b'"type":"error"' in body
    assert b"message_stop" not in body


def test_a_provider_without_responses_is_served_through_chat(weir: Providers) -> None:
    status, _, body = weir.post({"model": "deepseek", "input": "Hello"}, path="/v1/responses")
    assert status == 200, body
    assert json.loads(body)["object"] == "response"
    assert weir.sent("deepseek").path == "/v1/chat/completions"
    status, _, body = weir.post({"model": "deepseek", "prompt": "x"}, path="/v1/completions")
    assert status in (400, 403)


def test_geminis_thinking_is_counted_though_only_the_total_has_it(weir: Providers) -> None:
    status, _, body = weir.chat("gemini", store=True, metadata={"a": "b"}, user="u")
    assert status == 200, body
    booked = weir.booked()
    assert (booked["input_tokens"], booked["output_tokens"], booked["reasoning_tokens"]) == (20, 198, 405)
    assert weir.sent("gemini").path == "/v1beta/openai/chat/completions"


def test_geminis_calls_keep_their_indices_and_signatures(weir: Providers) -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    _, _, body = weir.chat("gemini", stream=True, tools=tools)
    assert body.count(b"thought_signature") == 2
    asked = {"model": "gemini", "max_tokens": 9, "stream": True, "messages": _HELLO,
             "tools": [{"name": "look", "input_schema": {"type": "object"}}]}  # fmt: skip
    _, _, body = weir.post(asked, path="/v1/messages")
    assert body.count(b'"type":"tool_use"') == 2
    assert b'"stop_reason":"tool_use"' in body


@pytest.mark.parametrize(
    "model",
    ["mistral-gone", "groq-gone", "deepseek-gone", "gemini-gone", "openrouter-gone", "azure-gone", "bedrock-invalid",
     "bedrock-retired"],
)  # fmt: skip
def test_a_model_that_is_gone_is_a_404_wherever_it_was(weir: Providers, model: str) -> None:
    status, _, body = weir.chat(model)
    assert status == 404, body
    assert isinstance(json.loads(body), dict)
    assert weir.booked()["error"] == "gone"


def test_a_model_that_is_gone_is_a_reason_to_try_the_next(weir: Providers) -> None:
    status, headers, answer = weir.post({"model": "auto", "messages": _HELLO}, x_weir_workflow="after-gone")
    assert (status, headers.get("x-weir-model")) == (200, "mistral"), answer


def test_openrouters_error_in_a_stream_is_no_clean_stop(weir: Providers) -> None:
    _, _, body = weir.chat("openrouter", stream=True)
    assert b"error" in body
    assert b"[DONE]" not in body
    assert weir.booked()["outcome"] != "ok"


@pytest.mark.parametrize("model", ["openrouter", "azure"])
def test_a_prompt_that_was_filtered_is_the_clients_to_know(weir: Providers, model: str) -> None:
    status, _, body = weir.chat(model, "flag me")
    assert status in (400, 403)
    assert json.loads(body)["error"]["code"] in ("content_filter", 403)


def test_azure_stands_behind_a_path_and_a_header_of_its_own(weir: Providers) -> None:
    status, _, body = weir.chat("azure")
    assert status == 200, body
    sent = weir.sent("azure")
    assert (sent.path, sent.query) == ("/openai/v1/chat/completions", {})
    assert sent.json()["model"] == "my gpt"
    assert "authorization" not in sent.headers
    status, _, body = weir.chat("azure-dated")
    assert status == 200, body
    sent = weir.sent("azure")
    assert (sent.path, sent.query) == (
        "/openai/deployments/my%20gpt/chat/completions",
        {"api-version": ["2024-10-21"]},
    )


def test_azures_notes_reach_a_chat_client_and_trouble_no_other(weir: Providers) -> None:
    _, _, body = weir.chat("azure", stream=True)
    assert b"prompt_filter_results" in body
    assert b"content_filter_results" in body
    _, _, body = weir.post(
        {"model": "azure", "max_tokens": 9, "stream": True, "messages": _HELLO}, path="/v1/messages"
    )
    assert b'"id":"c-1"' in body  # and not the empty one of the chunk that speaks of the prompt
    assert body.count(b"message_start") == 2  # once as the event's name, once inside


def test_an_answer_azure_filtered_ends_as_a_refusal(weir: Providers) -> None:
    asked = {"model": "azure", "max_tokens": 9, "stream": True,
             "messages": [{"role": "user", "content": "filter the answer"}]}  # fmt: skip
    _, _, body = weir.post(asked, path="/v1/messages")
    assert b'"stop_reason":"refusal"' in body


def test_bedrock_takes_messages_with_the_model_in_the_path(weir: Providers) -> None:
    asked = {"model": "bedrock", "max_tokens": 9, "messages": _HELLO, "system": "Be brief."}
    status, _, body = weir.post(asked, path="/v1/messages", anthropic_beta="context-1m-2025-08-07")
    assert status == 200, body
    assert json.loads(body)["content"][0]["text"] == "Hello"
    sent = weir.sent("bedrock")
    assert sent.path == "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
    assert sent.json() == {
        "max_tokens": 9, "messages": _HELLO, "system": "Be brief.", "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["context-1m-2025-08-07"],
    }  # fmt: skip
    assert sent.headers["x-amz-security-token"] == "aws-session"
    assert "/eu-central-1/bedrock/aws4_request" in sent.headers["authorization"]
    assert "aws-secret" not in str(sent.headers)
    booked = weir.booked()
    assert (booked["input_tokens"], booked["cache_read_tokens"], booked["output_tokens"]) == (12, 30, 4)
    assert booked["usd"] is not None  # the price list knows it as AWS's


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/responses"])
def test_bedrocks_frames_become_every_clients_stream(weir: Providers, path: str) -> None:
    asked: dict[str, Any] = {"model": "bedrock", "stream": True, "messages": _HELLO, "max_tokens": 9}
    if path.endswith("responses"):
        asked = {"model": "bedrock", "stream": True, "input": "Hello"}
    status, headers, body = weir.post(asked, path=path)
    assert status == 200, body
    assert headers["content-type"].startswith("text/event-stream")
    assert b'"Hel"' in body
    assert (b"message_stop" in body) or (b"[DONE]" in body) or (b"response.completed" in body)
    assert weir.sent("bedrock").path.endswith("/invoke-with-response-stream")
    booked = weir.booked()
    assert (booked["input_tokens"], booked["cache_read_tokens"], booked["output_tokens"]) == (12, 30, 4)


@pytest.mark.parametrize("words", ["break off", "be cut"])
def test_bedrocks_broken_streams_are_no_clean_stop(weir: Providers, words: str) -> None:
    for path in ("/v1/messages", "/v1/chat/completions"):
        asked = {
            "model": "bedrock",
            "stream": True,
            "max_tokens": 9,
            "messages": [{"role": "user", "content": words}],
        }
        _, _, body = weir.post(asked, path=path)
        assert b"error" in body
        assert b"[DONE]" not in body
        assert b"message_stop" not in body
        assert weir.booked()["outcome"] in ("cut", "failed")


@pytest.mark.parametrize(
    ("model", "fault", "least"),
    [("bedrock-throttled", "busy", 429), ("bedrock-forbidden", "ours", 502), ("bedrock-slow", "broken", 502)],
)
def test_bedrocks_errors_are_judged_by_their_type(
    weir: Providers, model: str, fault: str, least: int
) -> None:
    status, _, body = weir.chat(model)
    assert status >= least, body
    assert weir.booked()["error"] == fault


def test_bedrock_counts_tokens_ahead(weir: Providers) -> None:
    status, _, body = weir.post(
        {"model": "bedrock", "messages": _HELLO, "system": "Be brief."}, path="/v1/messages/count_tokens"
    )
    assert (status, json.loads(body)) == (200, {"input_tokens": 12})
    sent = weir.sent("bedrock")
    assert sent.path == "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"
    held = json.loads(base64.b64decode(sent.json()["input"]["invokeModel"]["body"]))
    assert (held["system"], held["messages"]) == ("Be brief.", _HELLO)
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["usd"], row["input_tokens"]) == ("count_tokens", "0", 0)
    status, _, body = weir.post(
        {"model": "bedrock-slow", "messages": _HELLO}, path="/v1/messages/count_tokens"
    )
    assert status != 200


def test_a_deployment_is_priced_as_the_model_it_is(weir: Providers) -> None:
    assert weir.chat("azure")[0] == 200
    priced = weir.booked()
    assert priced["upstream"] == "my gpt"
    assert float(priced["usd"]) > 0, priced
    assert weir.chat("azure-dated")[0] == 200  # of which nobody said what it is
    assert weir.booked()["usd"] is None


def test_clients_of_messages_and_responses_keep_geminis_signature_over_a_tool_loop(weir: Providers) -> None:
    tool = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
    asked = {"model": "gemini", "max_tokens": 99, "tools": [tool]}
    _, _, stream = weir.post({**asked, "messages": _HELLO, "stream": True}, path="/v1/messages")
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b"data: {")]
    blocks = [each["content_block"] for each in events if each["type"] == "content_block_start"]
    calls = [{**each, "input": {"at": "sky"}} if each["type"] == "tool_use" else each for each in blocks]
    results = [
        {"type": "tool_result", "tool_use_id": each["id"], "content": "stars"}
        for each in calls
        if each["type"] == "tool_use"
    ]
    turns = [*_HELLO, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    status, _, body = weir.post({**asked, "messages": turns}, path="/v1/messages")
    assert status == 200, body
    sent = weir.sent("gemini").json()["messages"][1]["tool_calls"]
    assert [each["extra_content"]["google"]["thought_signature"] for each in sent] == ["c2lnbmVk", "c2lnbmVk"]
