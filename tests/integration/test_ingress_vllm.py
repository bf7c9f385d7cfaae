"""What a real vLLM speaks beside chat, through Weir: messages, completions, tokens; and what this model cannot do."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.integration.engines import RealVllm
from tests.integration.tiny import POLICY, QUESTION
from tests.integration.weirs import RunningWeir

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(420)]

CAPABLE = POLICY.replace(
    "context: 2048, can: [tools, json_schema]",
    "context: 512, can: [tools, json_schema, completions, embeddings, rerank]",
)


@pytest.fixture(scope="module")
def weir(vllm: RealVllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    running = RunningWeir(tmp_path_factory.mktemp("weir"), CAPABLE.format(url=vllm.url))
    yield running
    running.stop()


@pytest.fixture
def claude(weir: RunningWeir) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=weir.url, api_key=weir.key, max_retries=0) as made:
        yield made


def newest(weir: RunningWeir) -> dict[str, Any]:
    row: dict[str, Any] = weir.rows("requests")[-1]
    return row


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_message(claude: anthropic.Anthropic, weir: RunningWeir, streamed: bool) -> None:
    asked: Any = {"model": "auto", "max_tokens": 16, "messages": QUESTION}
    if streamed:
        with claude.messages.stream(**asked) as stream:
            said = "".join(stream.text_stream)
            message = stream.get_final_message()
    else:
        message = claude.messages.create(**asked)
        said = message.content[0].text  # type: ignore[union-attr]  # the tiny model writes text
    assert said.startswith("The capital of")
    assert message.stop_reason in {"end_turn", "max_tokens"}
    row = newest(weir)
    assert (row["dialect"], row["outcome"], row["usage_source"]) == ("messages", "ok", "reported")
    prompt = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    assert row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"] == prompt == 19
    assert row["output_tokens"] == message.usage.output_tokens


def test_a_message_is_held_to_its_tools(claude: anthropic.Anthropic) -> None:
    tool: Any = {
        "name": "get_weather",
        "description": "x",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    oslo: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
    message = claude.messages.create(model="auto", max_tokens=60, messages=oslo, tools=[tool])
    call = next(block for block in message.content if block.type == "tool_use")
    assert (message.stop_reason, call.name) == ("tool_use", "get_weather")


def test_a_messages_error_is_the_engines_own(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        claude.messages.create(model="auto", max_tokens=16, messages=QUESTION, extra_body={"temperature": -3})
    assert refused.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]  # a JSON object
    assert "temperature" in str(refused.value)


def test_tokens_are_counted_for_nothing(claude: anthropic.Anthropic, weir: RunningWeir) -> None:
    assert claude.messages.count_tokens(model="auto", messages=QUESTION).input_tokens == 19
    row = newest(weir)
    assert (row["dialect"], row["input_tokens"], row["gpu_ns"] or 0) == ("count_tokens", 0, 0)
    status, _, body = weir.post({"model": "tiny", "messages": QUESTION}, path="/tokenize")
    tokens = json.loads(body)["tokens"]
    assert (status, len(tokens)) == (200, 19)
    status, _, body = weir.post({"model": "tiny", "tokens": tokens}, path="/detokenize")
    assert (status, "capital of France" in json.loads(body)["prompt"]) == (200, True)


@pytest.mark.parametrize("prompt", ["This License applies to", [88, 702, 202], ["This", "License"]])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_prompt_is_continued(client: openai.OpenAI, weir: RunningWeir, prompt: Any, streamed: bool) -> None:
    asked: Any = {"model": "auto", "prompt": prompt, "max_tokens": 6, "n": 2, "echo": True, "temperature": 1}
    if streamed:
        chunks = list(client.completions.create(**asked, stream=True))
        assert all(chunk.usage is None for chunk in chunks)
        indices = {choice.index for chunk in chunks for choice in chunk.choices}
    else:
        indices = {choice.index for choice in client.completions.create(**asked).choices}
    several = isinstance(prompt, list) and isinstance(prompt[0], str)
    assert indices == set(range(4 if several else 2))
    row = newest(weir)
    assert (row["dialect"], row["outcome"], row["usage_source"]) == ("completions", "ok", "reported")
    assert 0 < row["output_tokens"] <= 6 * len(indices)
    assert row["input_tokens"] + row["cache_read_tokens"] > 0


def test_an_engine_that_embeds_nothing_is_our_fault_not_the_clients(
    client: openai.OpenAI, weir: RunningWeir
) -> None:
    """The configuration says that it can; vLLM has no such path for a model that generates."""
    with pytest.raises(openai.InternalServerError) as refused:
        client.embeddings.create(model="auto", input="hello")
    assert refused.value.status_code == 502
    assert newest(weir)["outcome"] == "failed"
    status, _, _ = weir.post({"model": "tiny", "query": "a", "documents": ["b"]}, path="/v1/rerank")
    assert status == 502
