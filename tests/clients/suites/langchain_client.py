"""langchain-openai, through Weir, beyond what its standard suite asks: responses, errors, reasoning, embeddings."""

from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from material import Colour, assert_city, png
from reporting import Backend, Site, cannot, feature, needs_sense

ASK = "What is the weather in Oslo?"


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"4 degrees in {city}"


def chat(site: Site, model: str, **more: Any) -> ChatOpenAI:
    """A model of LangChain's behind Weir."""
    return ChatOpenAI(model=model, base_url=site.v1, api_key=site.key, max_retries=0, timeout=40, **more)


@feature("plain")
def test_an_answer(site: Site, backend: Backend) -> None:
    answer = chat(site, backend.model, max_tokens=48).invoke(ASK)
    assert answer.content
    assert answer.usage_metadata
    assert answer.usage_metadata["total_tokens"] > 0


@feature("streaming")
def test_a_stream(site: Site, backend: Backend) -> None:
    chunks = list(chat(site, backend.model, max_tokens=48).stream(ASK))
    assert "".join(chunk.text for chunk in chunks)


@feature("usage in stream")
def test_usage_in_a_stream(site: Site, backend: Backend) -> None:
    whole: Any = None
    for chunk in chat(site, backend.model, max_tokens=48, stream_usage=True).stream(ASK):
        whole = chunk if whole is None else whole + chunk
    assert whole.usage_metadata["input_tokens"] > 0
    assert whole.usage_metadata["output_tokens"] > 0


@feature("tool loop")
def test_a_tool_loop(site: Site, backend: Backend) -> None:
    model = chat(site, backend.model, max_tokens=64, temperature=0).bind_tools([get_weather])
    turns: list[Any] = [HumanMessage(ASK)]
    answer = model.invoke(turns)
    assert [call["name"] for call in answer.tool_calls] == ["get_weather"]
    assert_city(answer.tool_calls[0]["args"], backend)
    call = answer.tool_calls[0]
    turns += [answer, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])]
    after = model.invoke(turns)
    needs_sense(backend)
    assert "4 degrees in Oslo" in after.text


@feature("structured output")
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_structure(site: Site, backend: Backend, method: Any) -> None:
    needs_sense(backend)
    model = chat(site, backend.model, max_tokens=64).with_structured_output(Colour, method=method)
    assert isinstance(model.invoke("Name the colour of a ripe tomato."), Colour)


@feature("reasoning")
def test_reasoning(site: Site, backend: Backend) -> None:
    if not backend.thinker:
        cannot("the engine runs without a reasoning parser")
    answer = chat(site, backend.thinker, reasoning_effort="low", max_tokens=4096).invoke(ASK)
    assert answer.content
    if "OpenAI" in backend.name:
        assert answer.usage_metadata
        assert answer.usage_metadata["output_token_details"]["reasoning"] > 0


@feature("responses")
def test_the_responses_api(site: Site, backend: Backend) -> None:
    model = chat(site, backend.model, use_responses_api=True, store=False)
    answer = model.invoke(ASK, max_tokens=64)
    assert answer.text
    assert "".join(chunk.text for chunk in model.stream(ASK, max_tokens=64))


@feature("images")
def test_an_image(site: Site, backend: Backend) -> None:
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": png()}},
    ]
    model = chat(site, backend.model, max_tokens=48)
    if not backend.sees:
        with pytest.raises(openai.BadRequestError, match=r"(?i)image|vision"):
            model.invoke([HumanMessage(parts)])
        cannot("the model sees no images: a 400 that says so")
    assert model.invoke([HumanMessage(parts)]).content


@feature("conversation")
def test_many_turns(site: Site, backend: Backend) -> None:
    model, turns = chat(site, backend.model, max_tokens=24), []
    for question in ("ping", "Say hello."):
        turns.append(HumanMessage(question))
        turns.append(model.invoke(turns))
    assert all(turn.content for turn in turns)
    assert isinstance(turns[-1], AIMessage)


@feature("embeddings")
def test_embeddings(site: Site, backend: Backend) -> None:
    def made(model: str) -> OpenAIEmbeddings:
        return OpenAIEmbeddings(
            model=model, base_url=site.v1, api_key=site.key, max_retries=0, check_embedding_ctx_length=False
        )

    if not backend.embedder:
        with pytest.raises(openai.BadRequestError, match="embed"):
            made(backend.model).embed_query("a")
        cannot("the model does not embed: a 400 that says so")
    vectors = made(backend.embedder).embed_documents(["a weir", "a river"])
    assert len(vectors) == 2
    assert len(vectors[0]) > 8


@feature("bad key")
def test_a_bad_key(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.AuthenticationError):
        ChatOpenAI(model=backend.model, base_url=site.v1, api_key="sk-weir-wrong", max_retries=0).invoke(ASK)


@feature("unknown model")
def test_an_unknown_model(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.NotFoundError):
        chat(site, f"{backend.model}-of-tomorrow").invoke(ASK)


@feature("over-long")
def test_an_over_long_prompt(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.BadRequestError) as refused:  # LangChain makes a class of its own of it
        chat(site, backend.model, max_tokens=16).invoke("word " * 900_000)
    assert type(refused.value).__name__ == "OpenAIContextOverflowError"


@feature("rate limit")
def test_a_rate_limit(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.RateLimitError):
        chat(site, backend.busy).invoke(ASK)


@feature("broken stream")
def test_a_broken_stream(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.APIError):
        list(chat(site, backend.broken).stream(ASK))


@feature("cancel")
async def test_a_client_that_leaves(site: Site, backend: Backend) -> None:
    stream = chat(site, backend.slow, max_tokens=400).astream("Count to ten thousand.")
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]  # a generator
    assert (await chat(site, backend.model, max_tokens=8).ainvoke(ASK)).content
