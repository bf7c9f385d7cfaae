"""llama-index's OpenAI-like model and embeddings, through Weir."""

from typing import Any

import openai
import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai_like import OpenAILike
from material import png
from pydantic import BaseModel
from reporting import Backend, Site, cannot, feature, needs_sense

ASK = "What is the weather in Oslo?"


class Colour(BaseModel):
    """A colour that was named."""

    colour: str


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"4 degrees in {city}"


def get_time(city: str) -> str:
    """The time in a city."""
    return f"noon in {city}"


TOOLS = [FunctionTool.from_defaults(get_weather), FunctionTool.from_defaults(get_time)]


def llm(site: Site, model: str, tokens: int = 48, **more: Any) -> OpenAILike:
    """A model of llama-index's behind Weir."""
    return OpenAILike(
        model=model,
        api_base=site.v1,
        api_key=site.key,
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=100_000,
        max_tokens=tokens,
        max_retries=0,
        timeout=40,
        **more,
    )


@feature("plain")
def test_an_answer(site: Site, backend: Backend) -> None:
    assert llm(site, backend.model).complete(ASK).text


@feature("conversation")
def test_many_turns(site: Site, backend: Backend) -> None:
    turns = [ChatMessage(role="system", content="Be brief.")]
    for question in ("ping", "Say hello."):
        turns.append(ChatMessage(role="user", content=question))
        turns.append(llm(site, backend.model, 24).chat(turns).message)
    assert all(turn.content for turn in turns)


@feature("streaming")
def test_a_stream(site: Site, backend: Backend) -> None:
    pieces = list(llm(site, backend.model).stream_chat([ChatMessage(role="user", content=ASK)]))
    assert pieces[-1].message.content == "".join(piece.delta or "" for piece in pieces)
    assert pieces[-1].message.content


@feature("streaming")
async def test_an_asynchronous_stream(site: Site, backend: Backend) -> None:
    stream = await llm(site, backend.model).astream_chat([ChatMessage(role="user", content=ASK)])
    assert "".join([piece.delta or "" async for piece in stream])


@feature("usage in stream")
def test_usage_in_a_stream(site: Site, backend: Backend) -> None:
    more: Any = {"additional_kwargs": {"stream_options": {"include_usage": True}}}
    *_, last = llm(site, backend.model, **more).stream_chat([ChatMessage(role="user", content=ASK)])
    usage = last.raw.usage if hasattr(last.raw, "usage") else last.raw["usage"]
    assert usage.completion_tokens > 0


@feature("forced tool")
def test_a_forced_tool(site: Site, backend: Backend) -> None:
    model = llm(site, backend.model, 120)
    answer = model.chat_with_tools(TOOLS[:1], user_msg=ASK, tool_choice="get_weather")
    needs_sense(backend)
    calls = model.get_tool_calls_from_response(answer)
    assert [(call.tool_name, call.tool_kwargs) for call in calls] == [("get_weather", {"city": "Oslo"})]


@feature("parallel tools")
def test_parallel_tools(site: Site, backend: Backend) -> None:
    needs_sense(backend)
    model = llm(site, backend.model, 120)
    asked = "What is the weather and the time in Oslo?"
    answer = model.chat_with_tools(TOOLS, user_msg=asked, allow_parallel_tool_calls=True)
    assert [call.tool_name for call in model.get_tool_calls_from_response(answer)] == [
        "get_weather",
        "get_time",
    ]


@feature("tool loop")
def test_a_tool_loop(site: Site, backend: Backend) -> None:
    needs_sense(backend)
    answer = llm(site, backend.model).predict_and_call(TOOLS[:1], user_msg=ASK)
    assert str(answer) == "4 degrees in Oslo"


@feature("structured output")
def test_a_structure(site: Site, backend: Backend) -> None:
    needs_sense(backend)
    structured = llm(site, backend.model).as_structured_llm(Colour)
    answer = structured.complete("Name the colour of a ripe tomato.")
    assert isinstance(answer.raw, Colour)


@feature("images")
def test_an_image(site: Site, backend: Backend) -> None:
    turn = ChatMessage(role="user", blocks=[TextBlock(text="What is this?"), ImageBlock(url=png())])
    if not backend.sees:
        with pytest.raises(openai.BadRequestError, match=r"(?i)image|vision"):
            llm(site, backend.model).chat([turn])
        cannot("the model sees no images: a 400 that says so")
    assert llm(site, backend.model).chat([turn]).message.content


@feature("embeddings")
def test_embeddings(site: Site, backend: Backend) -> None:
    def made(model: str) -> OpenAIEmbedding:
        return OpenAIEmbedding(model_name=model, api_base=site.v1, api_key=site.key, max_retries=0)

    if not backend.embedder:
        with pytest.raises(openai.BadRequestError, match="embed"):
            made(backend.model).get_text_embedding("a")
        cannot("the model does not embed: a 400 that says so")
    assert len(made(backend.embedder).get_text_embedding_batch(["a weir", "a river"])) == 2


@feature("bad key")
def test_a_bad_key(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.AuthenticationError):
        llm(Site(site.url, "sk-weir-wrong", []), backend.model).complete(ASK)


@feature("unknown model")
def test_an_unknown_model(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.NotFoundError):
        llm(site, f"{backend.model}-of-tomorrow").complete(ASK)


@feature("over-long")
def test_an_over_long_prompt(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.BadRequestError):
        llm(site, backend.model).complete("word " * 900_000)


@feature("rate limit")
def test_a_rate_limit(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.RateLimitError):
        llm(site, backend.busy).complete(ASK)


@feature("broken stream")
def test_a_broken_stream(site: Site, backend: Backend) -> None:
    with pytest.raises(openai.APIError):
        list(llm(site, backend.broken).stream_complete(ASK))
