"""What providers of OpenAI's dialect do otherwise, through a whole Weir: fields, figures, thinking, errors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.providers_site import HELLO, Providers


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
    status, _, body = weir.post({"model": "mistral", "max_tokens": 3, "messages": HELLO}, path="/v1/messages")
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
        {"model": "groq", "max_tokens": 9, "stream": True, "messages": HELLO}, path="/v1/messages"
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
        {"model": "deepseek", "max_tokens": 9, "stream": True, "messages": HELLO}, path="/v1/messages"
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
    asked = {"model": "gemini", "max_tokens": 9, "stream": True, "messages": HELLO,
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
    status, headers, answer = weir.post({"model": "auto", "messages": HELLO}, x_weir_workflow="after-gone")
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


def test_clients_of_messages_and_responses_keep_geminis_signature_over_a_tool_loop(weir: Providers) -> None:
    tool = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
    asked = {"model": "gemini", "max_tokens": 99, "tools": [tool]}
    _, _, stream = weir.post({**asked, "messages": HELLO, "stream": True}, path="/v1/messages")
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b"data: {")]
    blocks = [each["content_block"] for each in events if each["type"] == "content_block_start"]
    calls = [{**each, "input": {"at": "sky"}} if each["type"] == "tool_use" else each for each in blocks]
    results = [
        {"type": "tool_result", "tool_use_id": each["id"], "content": "stars"}
        for each in calls
        if each["type"] == "tool_use"
    ]
    turns = [*HELLO, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    status, _, body = weir.post({**asked, "messages": turns}, path="/v1/messages")
    assert status == 200, body
    sent = weir.sent("gemini").json()["messages"][1]["tool_calls"]
    assert [each["extra_content"]["google"]["thought_signature"] for each in sent] == ["c2lnbmVk", "c2lnbmVk"]
