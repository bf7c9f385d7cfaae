"""The openai library for Python, through Weir: chat, completions, embeddings, errors."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from material import ASK, NOTES, TIME, WEATHER, Colour, Pick, assert_city, png
from reporting import NO_FILES, Backend, Site, cannot, feature, needs_sense


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=site.v1, api_key=site.key, max_retries=0, timeout=40) as made:
        yield made


@feature("plain")
def test_an_answer(client: openai.OpenAI, backend: Backend) -> None:
    answer = client.chat.completions.create(model=backend.model, messages=ASK, max_tokens=64)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer.model


@feature("streaming")
def test_a_stream(client: openai.OpenAI, backend: Backend) -> None:
    chunks = list(
        client.chat.completions.create(model=backend.model, messages=ASK, max_tokens=32, stream=True)
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert len({chunk.id for chunk in chunks}) == 1


@feature("streaming")
async def test_an_asynchronous_stream(site: Site, backend: Backend) -> None:
    async with openai.AsyncOpenAI(base_url=site.v1, api_key=site.key, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model=backend.model, messages=ASK, max_tokens=32, stream=True
        )
        said = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(said)


@feature("usage in stream")
def test_usage_in_a_stream(client: openai.OpenAI, backend: Backend) -> None:
    whole = client.chat.completions.create(model=backend.model, messages=ASK, max_tokens=32, temperature=0)
    chunks = list(
        client.chat.completions.create(
            model=backend.model,
            messages=ASK,
            max_tokens=32,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])


@feature("conversation")
def test_many_turns(client: openai.OpenAI, backend: Backend) -> None:
    turns: Any = [{"role": "system", "content": "Be brief."}]
    for question in ("ping", "Say hello.", "Who are you?"):
        turns.append({"role": "user", "content": question})
        answer = client.chat.completions.create(model=backend.model, messages=turns, max_tokens=24)
        turns.append(answer.choices[0].message.model_dump(exclude_none=True))
    assert len(turns) == 7
    assert all(turn["content"] for turn in turns)


@feature("tool")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool(client: openai.OpenAI, backend: Backend, streamed: bool) -> None:
    asked: Any = {
        "model": backend.model, "messages": ASK, "tools": [WEATHER], "max_tokens": 80, "temperature": 0,
    }  # fmt: skip
    if streamed:
        with client.chat.completions.stream(**asked) as stream:
            list(stream)
            choice = stream.current_completion_snapshot.choices[0]
    else:
        choice = client.chat.completions.create(**asked).choices[0]
    call = choice.message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert choice.finish_reason == "tool_calls"
    assert_city(json.loads(call.function.arguments), backend)


@feature("forced tool")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_forced_tool(client: openai.OpenAI, backend: Backend, streamed: bool) -> None:
    choice: Any = {"type": "function", "function": {"name": "get_weather"}}
    asked: Any = {
        "model": backend.model, "messages": ASK, "tools": [WEATHER, TIME], "tool_choice": choice, "max_tokens": 120,
        "temperature": 0,
    }  # fmt: skip
    if streamed:
        with client.chat.completions.stream(**asked) as stream:
            list(stream)
            message = stream.current_completion_snapshot.choices[0].message
    else:
        message = client.chat.completions.create(**asked).choices[0].message
    call = message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert call.id
    assert_city(json.loads(call.function.arguments), backend)


@feature("parallel tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools(client: openai.OpenAI, backend: Backend, streamed: bool) -> None:
    asked: Any = {
        "model": backend.model,
        "messages": [{"role": "user", "content": "What is the weather and the time in Oslo?"}],
        "tools": [WEATHER, TIME],
        "max_tokens": 120,
    }
    if streamed:
        with client.chat.completions.stream(**asked) as stream:
            list(stream)
            choice = stream.current_completion_snapshot.choices[0]
    else:
        choice = client.chat.completions.create(**asked).choices[0]
    needs_sense(backend)
    calls = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert len({call.id for call in calls}) == 2
    assert all(json.loads(call.function.arguments) == {"city": "Oslo"} for call in calls)


@feature("tool loop")
def test_a_tool_loop(client: openai.OpenAI, backend: Backend) -> None:
    call = {
        "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
    }  # fmt: skip
    turns: Any = [
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "4 degrees and rain"},
    ]
    answer = client.chat.completions.create(
        model=backend.model, messages=turns, tools=[WEATHER], max_tokens=64
    )
    message = answer.choices[0].message
    assert message.content or message.tool_calls
    needs_sense(backend)
    assert "4 degrees and rain" in (message.content or "")


@feature("structured output")
def test_a_parsed_answer(client: openai.OpenAI, backend: Backend) -> None:
    form = Colour if backend.sensible else Pick  # no room for the endless text of an untrained model
    answer: Any = client.chat.completions.parse(
        model=backend.model,
        messages=[{"role": "user", "content": "Name the colour of a ripe tomato."}],
        response_format=form,
        max_tokens=64,
        extra_body={} if backend.sensible else {"response_format": _tight()},
    )
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, form)


def _tight() -> dict[str, Any]:
    """A schema of which a model that fills with white space can make only one thing."""
    return {"type": "json_schema", "json_schema": {"name": "pick", "schema": {"const": {"right": True}}}}


@feature("structured output")
def test_a_json_object(client: openai.OpenAI, backend: Backend) -> None:
    needs_sense(backend)
    answer = client.chat.completions.create(
        model=backend.model,
        messages=[{"role": "user", "content": "Name a colour, as JSON."}],
        response_format={"type": "json_object"},
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


@feature("reasoning")
def test_reasoning(client: openai.OpenAI, backend: Backend) -> None:
    if not backend.thinker:
        cannot("the engine runs without a reasoning parser")
    answer: Any = client.chat.completions.create(
        model=backend.thinker, messages=ASK, max_completion_tokens=4096, reasoning_effort="low"
    )
    thought = getattr(answer.choices[0].message, "reasoning_content", None)
    details = answer.usage.completion_tokens_details
    assert thought or details.reasoning_tokens


@feature("reasoning over tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_over_a_tool_loop(client: openai.OpenAI, backend: Backend, streamed: bool) -> None:
    """The thoughts that a chat client sends back reach the provider that made them, signatures and all."""
    if not backend.thinker:
        cannot("the engine runs without a reasoning parser")
    asked: Any = {
        "model": backend.thinker, "tools": [WEATHER], "reasoning_effort": "low", "max_completion_tokens": 4096,
    }  # fmt: skip
    message = _message(client, asked | {"messages": ASK}, streamed=streamed)
    call = message["tool_calls"][0]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"}
    if "Anthropic" in backend.name:
        assert message["thinking_blocks"][0]["signature"]
    after = _message(client, asked | {"messages": [*ASK, message, result]}, streamed=streamed)
    assert "4 degrees" in after["content"]
    if "Anthropic" in backend.name:
        assert after["reasoning_content"]  # it thinks on, which it may only where its thoughts came back


def _message(client: openai.OpenAI, asked: Any, *, streamed: bool) -> dict[str, Any]:
    """The assistant's message, whatever is in it."""
    if streamed:
        with client.chat.completions.stream(**asked) as stream:
            list(stream)
            message: Any = stream.current_completion_snapshot.choices[0].message
    else:
        message = client.chat.completions.create(**asked).choices[0].message
    told: dict[str, Any] = message.model_dump(exclude_none=True, exclude={"parsed"})
    for each in told.get("tool_calls", ()):
        each["function"].pop("parsed_arguments", None)
        each.pop("index", None)
    return told


@feature("images")
def test_an_image(client: openai.OpenAI, backend: Backend) -> None:
    turns: Any = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is in this picture?"},
                {"type": "image_url", "image_url": {"url": png()}},
            ],
        }
    ]
    if not backend.sees:
        with pytest.raises(openai.BadRequestError, match=r"(?i)image|vision"):
            client.chat.completions.create(model=backend.model, messages=turns, max_tokens=16)
        cannot("the model sees no images: a 400 that says so")
    answer = client.chat.completions.create(model=backend.model, messages=turns, max_tokens=64)
    assert answer.choices[0].message.content


@feature("files")
def test_a_file(client: openai.OpenAI, backend: Backend) -> None:
    where = {"model": backend.model}
    if not backend.keeps:
        with pytest.raises(openai.BadRequestError, match="files"):
            client.files.create(file=NOTES, purpose="user_data", extra_body=where)
        cannot(NO_FILES)
    file = client.files.create(file=NOTES, purpose="user_data", extra_body=where)
    assert (file.filename, file.bytes) == ("notes.txt", len(NOTES[1]))
    shown: Any = [{"type": "file", "file": {"file_id": file.id}}, {"type": "text", "text": "When?"}]
    named: Any = [{"role": "user", "content": shown}]
    assert client.chat.completions.create(model=backend.model, messages=named, max_tokens=16).choices
    part: Any = {"role": "user", "content": [{"type": "input_file", "file_id": file.id}]}
    assert client.responses.create(model=backend.model, input=[part], store=False).output_text
    assert client.files.retrieve(file.id).id == file.id
    assert file.id in [each.id for each in client.files.list()]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=backend.model, messages=named, max_tokens=16)


@feature("embeddings")
def test_embeddings(client: openai.OpenAI, backend: Backend) -> None:
    if not backend.embedder:
        with pytest.raises(openai.BadRequestError, match="embed"):
            client.embeddings.create(model=backend.model, input="a", encoding_format="float")
        cannot("the model does not embed: a 400 that says so")
    texts = ["a weir in a river", "a river"]
    floats = client.embeddings.create(model=backend.embedder, input=texts, encoding_format="float")
    packed = client.embeddings.create(model=backend.embedder, input=texts)  # base64 by default
    assert len(floats.data) == len(packed.data) == 2
    for one, other in zip(floats.data, packed.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert floats.usage.prompt_tokens > 0


@feature("completions")
def test_a_completion(client: openai.OpenAI, backend: Backend) -> None:
    if not backend.completer:
        with pytest.raises(openai.BadRequestError, match="completions"):
            client.completions.create(model=backend.model, prompt="Once upon", max_tokens=8)
        cannot("the provider continues no text: a 400 that says so")
    answer = client.completions.create(model=backend.completer, prompt="Once upon", max_tokens=8)
    assert answer.choices[0].text
    chunks = list(
        client.completions.create(model=backend.completer, prompt="Once upon", max_tokens=8, stream=True)
    )
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)


@feature("bad key")
def test_a_bad_key(site: Site, backend: Backend) -> None:
    with (
        openai.OpenAI(base_url=site.v1, api_key="sk-weir-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model=backend.model, messages=ASK)


@feature("unknown model")
def test_an_unknown_model(client: openai.OpenAI, backend: Backend) -> None:
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model=f"{backend.model}-of-tomorrow", messages=ASK)


@feature("bad request")
def test_a_bad_request(client: openai.OpenAI, backend: Backend) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=backend.model, messages=[])
    if "vLLM" in backend.name:
        with pytest.raises(openai.BadRequestError, match="temperature"):
            client.chat.completions.create(model=backend.model, messages=ASK, temperature=-3)


@feature("over-long")
def test_an_over_long_prompt(client: openai.OpenAI, backend: Backend) -> None:
    with pytest.raises(openai.BadRequestError, match=r"(?i)context|token|long"):
        client.chat.completions.create(
            model=backend.model, messages=[{"role": "user", "content": "word " * 900_000}], max_tokens=16
        )


@feature("rate limit")
def test_a_rate_limit(client: openai.OpenAI, backend: Backend) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model=backend.busy, messages=ASK)
    assert limited.value.response.headers["x-weir-request-id"]
    if "vLLM" not in backend.name:
        assert float(limited.value.response.headers["retry-after"]) >= 1


@feature("broken stream")
def test_a_broken_stream(client: openai.OpenAI, backend: Backend) -> None:
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model=backend.broken, messages=ASK, stream=True))


@feature("cancel")
def test_a_client_that_leaves(client: openai.OpenAI, backend: Backend) -> None:
    stream = client.chat.completions.create(
        model=backend.slow,
        messages=[{"role": "user", "content": "Count to ten thousand."}],
        max_tokens=400,
        stream=True,
    )
    next(iter(stream))
    stream.close()
    assert client.chat.completions.create(model=backend.model, messages=ASK, max_tokens=8).choices


@feature("list of models")
def test_the_list_of_models(client: openai.OpenAI, backend: Backend) -> None:
    assert backend.model in {model.id for model in client.models.list()}


@feature("several choices")
def test_several_choices(client: openai.OpenAI, backend: Backend) -> None:
    if "chat" not in backend.native:
        with pytest.raises(openai.BadRequestError, match=r"\bn\b"):
            client.chat.completions.create(model=backend.model, messages=ASK, n=2)
        cannot("messages have one choice: a 400 that names `n`")
    answer = client.chat.completions.create(
        model=backend.model, messages=ASK, n=2, max_tokens=8, temperature=1
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
