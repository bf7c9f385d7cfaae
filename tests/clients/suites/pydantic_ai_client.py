"""pydantic-ai's agents, through Weir: over chat, over responses and over messages."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic
from material import png
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from reporting import Backend, Site, cannot, feature, needs_sense

ASK = "What is the weather in Oslo?"


class Colour(BaseModel):
    """What a structured answer holds."""

    colour: str


def model(site: Site, name: str, wire: str = "chat") -> Any:
    """A model of pydantic-ai's behind Weir, over one of three wires."""
    if wire == "messages":
        client = AsyncAnthropic(base_url=site.url, api_key=site.key, max_retries=0)
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=site.v1, api_key=site.key, max_retries=0))
    return (OpenAIChatModel if wire == "chat" else OpenAIResponsesModel)(name, provider=provider)


@feature("plain")
async def test_an_answer(site: Site, backend: Backend) -> None:
    answer = await Agent(model(site, backend.model)).run(ASK, model_settings={"max_tokens": 48})
    assert answer.output
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


@feature("streaming")
async def test_a_stream(site: Site, backend: Backend) -> None:
    async with Agent(model(site, backend.model)).run_stream(ASK, model_settings={"max_tokens": 48}) as answer:
        pieces = [piece async for piece in answer.stream_text(delta=True)]
    assert "".join(pieces)


@feature("usage in stream")
async def test_usage_in_a_stream(site: Site, backend: Backend) -> None:
    async with Agent(model(site, backend.model)).run_stream(ASK, model_settings={"max_tokens": 48}) as answer:
        await answer.get_output()
    assert answer.usage.output_tokens > 0


@feature("tool loop")
@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
async def test_a_tool_loop(site: Site, backend: Backend, wire: str) -> None:
    called: list[str] = []
    agent = Agent(model(site, backend.model, wire))

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        called.append(city)
        return f"4 degrees in {city}"

    needs_sense(backend)
    answer = await agent.run(ASK, model_settings={"max_tokens": 64, "temperature": 0})
    assert called == ["Oslo"]
    assert "4 degrees in Oslo" in answer.output


@feature("structured output")
@pytest.mark.parametrize("how", [ToolOutput, NativeOutput])
async def test_a_structure(site: Site, backend: Backend, how: Any) -> None:
    needs_sense(backend)
    agent: Any = Agent(model(site, backend.model), output_type=how(Colour))
    assert isinstance((await agent.run("Name the colour of a ripe tomato.")).output, Colour)


@feature("conversation")
async def test_many_turns(site: Site, backend: Backend) -> None:
    agent = Agent(model(site, backend.model), instructions="Be brief.")
    settings: Any = {"max_tokens": 24}
    first = await agent.run("ping", model_settings=settings)
    second = await agent.run("Say hello.", message_history=first.all_messages(), model_settings=settings)
    assert second.output
    assert len(second.all_messages()) == 4


@feature("images")
async def test_an_image(site: Site, backend: Backend) -> None:
    agent = Agent(model(site, backend.model))
    parts = ["What is this?", BinaryContent.from_data_uri(png())]
    if not backend.sees:
        with pytest.raises(ModelHTTPError, match=r"(?i)image|vision"):
            await agent.run(parts)
        cannot("the model sees no images: a 400 that says so")
    assert (await agent.run(parts, model_settings={"max_tokens": 48})).output


@feature("reasoning")
async def test_reasoning(site: Site, backend: Backend) -> None:
    """Thoughts go back to Claude as they came: over messages, and over the tool loop that demands them."""
    if "Anthropic" not in backend.name:
        cannot("the backend shows no thoughts")
    agent = Agent(model(site, backend.model, "messages"))
    called: list[str] = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        called.append(city)
        return "4 degrees"

    settings: Any = {"max_tokens": 4096, "anthropic_thinking": {"type": "enabled", "budget_tokens": 2000}}
    answer = await agent.run(ASK, model_settings=settings)
    assert called == ["Oslo"]
    kinds = [part.part_kind for message in answer.all_messages() for part in message.parts]
    assert kinds.count("thinking") == 2


@feature("responses")
async def test_the_responses_api(site: Site, backend: Backend) -> None:
    agent = Agent(model(site, backend.model, "responses"))
    assert (await agent.run(ASK, model_settings={"max_tokens": 48})).output


@feature("messages")
async def test_the_messages_api(site: Site, backend: Backend) -> None:
    agent = Agent(model(site, backend.model, "messages"))
    assert (await agent.run(ASK, model_settings={"max_tokens": 48})).output
    async with agent.run_stream(ASK, model_settings={"max_tokens": 48}) as answer:
        assert "".join([piece async for piece in answer.stream_text(delta=True)])


@feature("bad key")
async def test_a_bad_key(site: Site, backend: Backend) -> None:
    stranger = Site(site.url, "sk-weir-wrong", [])
    with pytest.raises(ModelHTTPError) as refused:
        await Agent(model(stranger, backend.model)).run(ASK)
    assert refused.value.status_code == 401


@feature("unknown model")
async def test_an_unknown_model(site: Site, backend: Backend) -> None:
    with pytest.raises(ModelHTTPError) as refused:
        await Agent(model(site, f"{backend.model}-of-tomorrow")).run(ASK)
    assert refused.value.status_code == 404


@feature("over-long")
async def test_an_over_long_prompt(site: Site, backend: Backend) -> None:
    with pytest.raises(ModelHTTPError) as refused:
        await Agent(model(site, backend.model)).run("word " * 900_000)
    assert refused.value.status_code == 400


@feature("rate limit")
async def test_a_rate_limit(site: Site, backend: Backend) -> None:
    with pytest.raises(ModelHTTPError) as refused:
        await Agent(model(site, backend.busy)).run(ASK)
    assert refused.value.status_code == 429
