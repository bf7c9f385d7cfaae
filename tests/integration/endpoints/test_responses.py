"""OpenAI's own library through Weir to responses, from each kind of backend."""

import json
from typing import Any

import openai
import pytest

from tests.integration.endpoints.pooled import SSN, Pooled, post

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_response(client: openai.OpenAI, weir: Pooled, model: str, streamed: bool) -> None:
    if streamed:
        with client.responses.stream(model=model, input="Say hello.", store=False) as stream:
            numbers = [event.sequence_number for event in stream]
            answer: Any = stream.get_final_response()
        assert numbers == list(range(len(numbers)))
    else:
        answer = client.responses.create(model=model, input="Say hello.", store=False)
    assert answer.status == "completed"
    assert answer.output_text
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["model"], row["outcome"], row["usage_source"]) == (
        "responses",
        model,
        "ok",
        "reported",
    )
    assert answer.usage.output_tokens == row["output_tokens"] + row["reasoning_tokens"]


@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
def test_a_response_calls_a_tool_and_reads_its_result(client: openai.OpenAI, model: str) -> None:
    question: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    answer: Any = client.responses.create(model=model, input=question, tools=[TOOL], store=False)
    call = next(item for item in answer.output if item.type == "function_call")
    assert (call.name, list(json.loads(call.arguments))) == ("get_weather", ["city"])
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}
    told = [*question, *[item.to_dict() for item in answer.output], result]
    answer = client.responses.create(model=model, input=told, tools=[TOOL], store=False)
    assert "4 degrees" in answer.output_text


def test_a_secret_in_a_response_stays_home(client: openai.OpenAI, weir: Pooled) -> None:
    asked: Any = {"input": SSN, "store": False}
    raw = client.responses.with_raw_response.create(model="auto", **asked)
    assert (raw.headers["x-weir-model"], raw.headers["x-weir-sensitivity"]) == ("llama", "restricted")
    with pytest.raises(openai.PermissionDeniedError, match="stays-home"):
        client.responses.create(model="gpt", **asked)
    assert not len(weir.sandbox.openai.received)


@pytest.mark.parametrize("mode", ["cut", "error_event"])
@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
def test_a_broken_response_is_never_complete(weir: Pooled, model: str, mode: str) -> None:
    part = {"gpt": "openai", "llama": "vllm", "claude": "anthropic"}[model]
    weir.run(getattr(weir.sandbox, part).fault(mode))
    body = {"model": model, "input": "Say hello.", "stream": True, "store": False}
    _, _, out = weir.post(body, path="/v1/responses")
    assert b"response.completed" not in out
    assert b'"error"' in out or b"response.failed" in out
    assert weir.rows("requests")[-1]["outcome"] == "cut"


def test_a_conversation_goes_on_where_it_is_kept_and_for_its_own_tenant_alone(
    client: openai.OpenAI, stranger: openai.OpenAI, weir: Pooled
) -> None:
    first = client.responses.create(model="gpt", input="My favourite word is weir.")
    asked: Any = {"input": "Say it again.", "previous_response_id": first.id}
    raw = client.responses.with_raw_response.create(
        model="auto", **asked, extra_headers={"x-weir-debug": "1"}
    )
    assert raw.headers["x-weir-model"] == "gpt"  # although `auto` prefers the model at home
    assert "openai keeps what the request names" in json.dumps(raw.parse().to_dict()["weir"])
    item = {"type": "item_reference", "id": first.output[-1].id}
    assert client.responses.create(model="gpt", input=[item, {"role": "user", "content": "?"}]).output_text  # type: ignore[list-item]  # a dict will do
    weir.sandbox.openai.received.clear()
    for body in (asked, {"input": [item]}, {**asked, "previous_response_id": "resp_unheard_of"}):
        with pytest.raises(openai.NotFoundError, match="No such object"):
            stranger.responses.create(model="gpt", **body)
    assert not len(weir.sandbox.openai.received)
    with pytest.raises(openai.BadRequestError, match="keeps what this request names"):
        client.responses.create(model="llama", **asked)
    with pytest.raises(openai.BadRequestError, match="store"):
        client.responses.create(model="llama", input="hi", store=True)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/responses", {"input": "Take your time.", "background": True, "store": False}, "background"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "Take your time."}], "deferred": True},
            "deferred",
        ),
    ],
)
@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
def test_what_would_be_answered_later_is_refused_by_name(
    weir: Pooled, path: str, body: dict[str, Any], field: str, model: str
) -> None:
    status, _, answer = post(weir, path, model=model, **body)
    assert (status, answer["error"]["param"], answer["error"]["code"]) == (
        400,
        field,
        "unsupported_parameter",
    )
    assert not any(part.received for part in weir.sandbox.stand_ins)
    row = weir.rows("requests")[-1]
    assert (row["outcome"], row["attempts"], row["usd"]) == ("refused", 0, "0")
