"""The anthropic library for Python, through Weir: messages, events, thinking, caching, counts, errors."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from material import NOTES, assert_city, png
from reporting import NO_FILES, NO_THOUGHT, Backend, Site, cannot, feature, needs_sense

ASK: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
COUNT: Any = [{"role": "user", "content": "Count to ten."}]
SCHEMA: Any = {  # the enum: a tiny model under guided decoding would never end a free string
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo", "Cairo"]}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER: Any = {"name": "get_weather", "description": "The weather of a city", "input_schema": SCHEMA}
TIME: Any = {"name": "get_time", "description": "The time in a city", "input_schema": SCHEMA}


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=site.url, api_key=site.key, max_retries=0, timeout=40) as made:
        yield made


def said(message: Any) -> str:
    """The text of a message."""
    return "".join(block.text for block in message.content if block.type == "text")


@feature("plain")
def test_a_message(client: anthropic.Anthropic, backend: Backend) -> None:
    message = client.messages.create(model=backend.model, messages=COUNT, max_tokens=64)
    assert said(message)
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message.model


@feature("streaming")
def test_the_events_of_a_stream(client: anthropic.Anthropic, backend: Backend) -> None:
    with client.messages.stream(model=backend.model, messages=COUNT, max_tokens=48) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == len(message.content)
    assert said(message)


@feature("streaming")
async def test_an_asynchronous_stream(site: Site, backend: Backend) -> None:
    async with (
        anthropic.AsyncAnthropic(base_url=site.url, api_key=site.key, max_retries=0) as client,
        client.messages.stream(model=backend.model, messages=COUNT, max_tokens=48) as stream,
    ):
        assert "".join([text async for text in stream.text_stream])


@feature("usage in stream")
def test_usage_in_a_stream(client: anthropic.Anthropic, backend: Backend) -> None:
    asked: Any = {
        "model": backend.model,
        "messages": COUNT,
        "max_tokens": 32,
        "extra_body": {"temperature": 0},
    }
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()

    def prompt(usage: Any) -> int:
        cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
        return int(usage.input_tokens + cached)

    assert prompt(streamed.usage) == prompt(whole.usage) > 0
    assert streamed.usage.output_tokens == whole.usage.output_tokens


@feature("conversation")
def test_many_turns(client: anthropic.Anthropic, backend: Backend) -> None:
    turns: Any = []
    for question in ("ping", "Say hello.", "Who are you?"):
        turns.append({"role": "user", "content": question})
        message = client.messages.create(
            model=backend.model, system="Be brief.", messages=turns, max_tokens=24
        )
        turns.append({"role": "assistant", "content": message.content})
    assert all(
        said(client.messages.create(model=backend.model, messages=turns[:n], max_tokens=8)) for n in (1, 3)
    )


@feature("tool")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool(client: anthropic.Anthropic, backend: Backend, streamed: bool) -> None:
    asked: Any = {
        "model": backend.model, "messages": ASK, "tools": [WEATHER], "max_tokens": 80,
        "extra_body": {"temperature": 0},
    }  # fmt: skip
    if streamed:
        with client.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**asked)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.name for call in calls] == ["get_weather"]
    assert_city(calls[0].input, backend)
    assert message.stop_reason == "tool_use"


@feature("forced tool")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_forced_tool(client: anthropic.Anthropic, backend: Backend, streamed: bool) -> None:
    asked: Any = {
        "model": backend.model,
        "messages": ASK,
        "tools": [WEATHER, TIME],
        "tool_choice": {"type": "tool", "name": "get_weather"},
        "max_tokens": 120,
        "extra_body": {"temperature": 0},
    }
    if streamed:
        with client.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**asked)
    call = next(block for block in message.content if block.type == "tool_use")
    assert call.name == "get_weather"
    assert_city(call.input, backend)
    assert message.stop_reason == "tool_use"


@feature("parallel tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools(client: anthropic.Anthropic, backend: Backend, streamed: bool) -> None:
    needs_sense(backend)
    asked: Any = {
        "model": backend.model,
        "messages": [{"role": "user", "content": "What is the weather and the time in Oslo?"}],
        "tools": [WEATHER, TIME],
        "max_tokens": 120,
    }
    if streamed:
        with client.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**asked)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [
        ("get_weather", {"city": "Oslo"}), ("get_time", {"city": "Oslo"}),
    ]  # fmt: skip
    assert message.stop_reason == "tool_use"


@feature("tool loop")
def test_a_tool_loop(client: anthropic.Anthropic, backend: Backend) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [{"type": "text", "text": "4 degrees"}],
    }
    turns: Any = [*ASK, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    message = client.messages.create(model=backend.model, messages=turns, tools=[WEATHER], max_tokens=64)
    assert message.content
    needs_sense(backend)
    assert "4 degrees" in said(message)


@feature("reasoning")
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking(client: anthropic.Anthropic, backend: Backend, streamed: bool) -> None:
    asked: Any = {
        "model": backend.thinker or backend.model,
        "messages": ASK,
        "tools": [WEATHER],
        "max_tokens": 4000 if backend.thinker else 200,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    if not backend.thinker:
        with pytest.raises(anthropic.BadRequestError, match="reasoning"):
            client.messages.create(**asked)
        cannot(NO_THOUGHT)
    if streamed:
        with client.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**asked)
    assert message.content
    if "Anthropic" not in backend.name:
        cannot("OpenAI shows no thoughts; asking for them does no harm")
    thought = message.content[0]
    assert thought.type == "thinking"
    assert thought.thinking
    assert thought.signature
    call = next(block for block in message.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees"}
    turns = [*ASK, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    after = client.messages.create(**(asked | {"messages": turns}))  # the provider checks the signature
    assert "4 degrees" in said(after)


@feature("prompt caching")
def test_prompt_caching(client: anthropic.Anthropic, backend: Backend) -> None:
    words = 1500 if backend.sensible else 60
    system: Any = [
        {"type": "text", "text": f"{backend.name} " * words, "cache_control": {"type": "ephemeral"}},
    ]
    asked: Any = {"model": backend.model, "system": system, "messages": ASK, "max_tokens": 16}
    client.messages.create(**asked)
    again = client.messages.create(**asked)
    assert (again.usage.cache_read_input_tokens or 0) > 0
    if "Anthropic" in backend.name:
        assert again.usage.cache_creation is not None


@feature("token count")
def test_a_count(client: anthropic.Anthropic, backend: Backend) -> None:
    asked: Any = {"model": backend.model, "messages": ASK, "tools": [WEATHER]}
    if "messages" not in backend.native:
        with pytest.raises((anthropic.BadRequestError, anthropic.NotFoundError)):
            client.messages.count_tokens(**asked)
        cannot("Weir has no way to ask this provider for a count beforehand: an error that says so")
    assert client.messages.count_tokens(**asked).input_tokens > 0


@feature("images")
def test_an_image(client: anthropic.Anthropic, backend: Backend) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": png().partition(",")[2]}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is in this picture?"}]
    turns: Any = [{"role": "user", "content": content}]
    if not backend.sees:
        with pytest.raises(anthropic.BadRequestError, match=r"(?i)image|vision"):
            client.messages.create(model=backend.model, messages=turns, max_tokens=16)
        cannot("the model sees no images: a 400 that says so")
    assert said(client.messages.create(model=backend.model, messages=turns, max_tokens=64))


@feature("files")
def test_a_file(client: anthropic.Anthropic, backend: Backend) -> None:
    where = {"model": backend.model}
    if not backend.keeps:
        with pytest.raises(anthropic.BadRequestError, match="files"):
            client.beta.files.upload(file=NOTES, extra_body=where)
        cannot(NO_FILES)
    file = client.beta.files.upload(file=NOTES, extra_body=where)
    assert (file.filename, file.size_bytes) == ("notes.txt", len(NOTES[1]))
    block: Any = {"type": "document", "source": {"type": "file", "file_id": file.id}}
    named: Any = [{"role": "user", "content": [block, {"type": "text", "text": "When?"}]}]
    asked: Any = {
        "model": backend.model,
        "max_tokens": 16,
        "messages": named,
        "betas": ["files-api-2025-04-14"],
    }
    assert said(client.beta.messages.create(**asked))
    assert client.beta.files.retrieve_metadata(file.id).id == file.id
    assert file.id in [each.id for each in client.beta.files.list()]
    assert client.beta.files.delete(file.id).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.beta.messages.create(**asked)


@feature("structured output")
def test_a_schema(client: anthropic.Anthropic, backend: Backend) -> None:
    needs_sense(backend)
    message = client.messages.create(
        model=backend.model,
        messages=[{"role": "user", "content": "Which city is this weather of?"}],
        max_tokens=200,
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    assert list(json.loads(said(message))) == ["city"]


@feature("bad key")
def test_a_bad_key(site: Site, backend: Backend) -> None:
    with (
        anthropic.Anthropic(base_url=site.url, api_key="sk-weir-wrong", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model=backend.model, messages=ASK, max_tokens=8)


@feature("unknown model")
def test_an_unknown_model(client: anthropic.Anthropic, backend: Backend) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model=f"{backend.model}-of-tomorrow", messages=ASK, max_tokens=8)


@feature("bad request")
def test_a_bad_request(client: anthropic.Anthropic, backend: Backend) -> None:
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=backend.model, messages=[], max_tokens=8)


@feature("over-long")
def test_an_over_long_prompt(client: anthropic.Anthropic, backend: Backend) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"(?i)context|token|long"):
        client.messages.create(
            model=backend.model, messages=[{"role": "user", "content": "word " * 900_000}], max_tokens=16
        )


@feature("rate limit")
def test_a_rate_limit(client: anthropic.Anthropic, backend: Backend) -> None:
    with pytest.raises(anthropic.RateLimitError) as limited:
        client.messages.create(model=backend.busy, messages=ASK, max_tokens=8)
    assert limited.value.response.headers["x-weir-request-id"]


@feature("broken stream")
def test_a_broken_stream(client: anthropic.Anthropic, backend: Backend) -> None:
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(model=backend.broken, messages=ASK, max_tokens=64) as stream,
    ):
        stream.get_final_message()


@feature("cancel")
def test_a_client_that_leaves(client: anthropic.Anthropic, backend: Backend) -> None:
    turns: Any = [{"role": "user", "content": "Count to ten thousand."}]
    with client.messages.stream(model=backend.slow, messages=turns, max_tokens=400) as stream:
        next(stream.text_stream)
    assert client.messages.create(model=backend.model, messages=ASK, max_tokens=8).content


@feature("list of models")
def test_the_list_of_models(client: anthropic.Anthropic, backend: Backend) -> None:
    assert backend.model in {model.id for model in client.models.list()}
