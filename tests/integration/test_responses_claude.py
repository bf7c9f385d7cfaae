"""OpenAI's library speaks responses with a stand-in Anthropic through Weir: text, streams, a tool loop, refusals."""

from typing import Any

import openai
import pytest

from tests.integration.sandboxed import Sandboxed

_WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def test_a_whole_answer(client: openai.OpenAI, weir: Sandboxed) -> None:
    response = client.responses.create(model="claude", input="Say hello.", instructions="Be kind.")
    assert (response.status, response.id[:5]) == ("completed", "resp_")
    assert response.output_text
    assert response.instructions == "Be kind."
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["outcome"], row["usage_source"]) == ("responses", "ok", "reported")
    assert response.usage is not None
    assert row["output_tokens"] == response.usage.output_tokens


def test_a_stream(client: openai.OpenAI) -> None:
    with client.responses.stream(model="claude", input="Say hello.") as stream:
        events = list(stream)
        response = stream.get_final_response()
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == response.output_text


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_loop(client: openai.OpenAI, streamed: bool) -> None:
    history: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
    asked: Any = {"model": "claude", "tools": [_WEATHER], "tool_choice": "required"}
    if streamed:
        with client.responses.stream(input=history, **asked) as stream:
            response: Any = stream.get_final_response()
    else:
        response = client.responses.create(input=history, **asked)
    call = next(item for item in response.output if item.type == "function_call")
    assert call.name == "get_weather"
    history += [item.model_dump(exclude_none=True) for item in response.output]
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 4 degrees."})
    answer = client.responses.create(model="claude", input=history, tools=[_WEATHER])
    assert answer.status == "completed"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"store": True}, "store"),
        ({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}, "tools[0].type"),
        ({"temperature": 1.7}, "temperature"),
    ],
)
def test_what_claude_cannot_is_named(client: openai.OpenAI, asked: Any, field: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="claude", input="Say hello.", **asked)
    assert refused.value.param == field


def test_what_the_tenant_did_not_make_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="resp_1"):
        client.responses.create(model="claude", input="And now?", previous_response_id="resp_1")
