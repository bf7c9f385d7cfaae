"""The openai library for Python over the responses API, through Weir."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from material import WEATHER, Colour, assert_city
from reporting import Backend, Site, cannot, feature, needs_sense

FLAT: Any = {"type": "function", **WEATHER["function"]}


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=site.v1, api_key=site.key, max_retries=0, timeout=40) as made:
        yield made


@feature("responses")
def test_a_response(client: openai.OpenAI, backend: Backend) -> None:
    answer = client.responses.create(
        model=backend.model, input="Say hello.", max_output_tokens=64, store=False
    )
    assert answer.output_text
    assert answer.usage
    assert answer.usage.total_tokens > 0
    with client.responses.stream(
        model=backend.model, input="Say hello.", max_output_tokens=64, store=False
    ) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")] == sorted(
        {event.sequence_number for event in events if hasattr(event, "sequence_number")}
    )
    assert events[0].type == "response.created"
    assert events[-1].type in ("response.completed", "response.incomplete")
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta")


@feature("responses tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_with_tools(client: openai.OpenAI, backend: Backend, streamed: bool) -> None:
    asked: Any = {
        "model": backend.model,
        "input": "What is the weather in Oslo?",
        "tools": [FLAT],
        "tool_choice": {"type": "function", "name": "get_weather"},
        "store": False,
        "temperature": 0,
        "max_output_tokens": 200,
    }
    if streamed:
        with client.responses.stream(**asked) as stream:
            response: Any = list(stream)[-1].response
    else:
        response = client.responses.create(**asked)
    call = next(item for item in response.output if item.type == "function_call")
    assert call.name == "get_weather"
    assert_city(json.loads(call.arguments), backend)
    after: Any = client.responses.create(
        model=backend.model,
        input=[
            {"role": "user", "content": asked["input"]},
            {
                "type": "function_call",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
            },
            {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees and rain"},
        ],
        tools=[FLAT],
        store=False,
        max_output_tokens=64,
    )
    assert after.output
    needs_sense(backend)
    assert "4 degrees and rain" in after.output_text


@feature("responses schema")
def test_a_parsed_response(client: openai.OpenAI, backend: Backend) -> None:
    needs_sense(backend)
    response = client.responses.parse(
        model=backend.model, input="Name the colour of a ripe tomato.", text_format=Colour, store=False
    )
    assert isinstance(response.output_parsed, Colour)


@feature("responses state")
def test_a_kept_response(client: openai.OpenAI, backend: Backend) -> None:
    if "OpenAI" not in backend.name:
        with pytest.raises(openai.APIStatusError) as refused:
            client.responses.create(
                model=backend.model, input="And then?", previous_response_id="resp_of_nobody"
            )
        assert refused.value.status_code in (400, 404)
        cannot("nothing is kept between requests: an error that says so")
    first = client.responses.create(model=backend.model, input="My word is heron.")
    second = client.responses.create(model=backend.model, input="What was it?", previous_response_id=first.id)
    assert second.output_text
    assert client.responses.retrieve(second.id).output_text == second.output_text
    with client.responses.retrieve(first.id, stream=True, starting_after=1) as events:
        assert next(event.sequence_number for event in events) == 2
    assert [item.type for item in client.responses.input_items.list(first.id)] == ["message"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    _works_in_the_background(client, backend)


def _works_in_the_background(client: openai.OpenAI, backend: Backend) -> None:
    made = client.responses.create(model=backend.model, input="Say hello.", background=True)
    assert made.status in ("queued", "in_progress", "completed")
    while made.status in ("queued", "in_progress"):
        made = client.responses.retrieve(made.id)
    assert made.output_text
    assert client.responses.cancel(made.id).status == "completed", "it is too late for that"
    with client.responses.create(model=backend.model, input="Hm?", background=True, stream=True) as events:
        assert list(events)[-1].type == "response.completed"
