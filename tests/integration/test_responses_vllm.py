"""OpenAI's library speaks responses with a real vLLM through Weir: natively, and through the engine's chat."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.integration.engines import RealVllm
from tests.integration.test_ingress_vllm import CAPABLE
from tests.integration.weirs import RunningWeir

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(420)]

_QUESTION = "What is the capital of France?"
_WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "x",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def weir(vllm: RealVllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    running = RunningWeir(tmp_path_factory.mktemp("weir"), CAPABLE.format(url=vllm.url))
    yield running
    running.stop()


def _answer(client: openai.OpenAI, *, streamed: bool, **asked: Any) -> Any:
    """The final response, whichever way it came."""
    if not streamed:
        return client.responses.create(model="auto", **asked)
    with client.responses.stream(model="auto", **asked) as events:
        last: Any = list(events)[-1]
        return last.response


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("through_chat", [False, True], ids=["native", "through chat"])
def test_a_response(client: openai.OpenAI, weir: RunningWeir, streamed: bool, through_chat: bool) -> None:
    parts = [{"type": "output_text", "text": "Hm."}, {"type": "output_text", "text": "Well."}]
    before: Any = [{"role": "assistant", "content": parts}] if through_chat else []
    asked: Any = [*before, {"role": "user", "content": _QUESTION}]
    response = _answer(client, streamed=streamed, input=asked, max_output_tokens=24)
    assert response.object == "response"
    assert response.output_text
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["outcome"], row["usage_source"]) == ("responses", "ok", "reported")
    prompt = row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"]
    assert (prompt, row["output_tokens"]) == (response.usage.input_tokens, response.usage.output_tokens)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("through_chat", [False, True], ids=["native", "through chat"])
def test_a_call_of_a_tool(client: openai.OpenAI, streamed: bool, through_chat: bool) -> None:
    names = [{"type": "function", "name": "get_weather"}]
    choice: Any = {"type": "allowed_tools", "mode": "auto", "tools": names} if through_chat else "auto"
    oslo = "What is the weather in Oslo?"
    response = _answer(
        client, streamed=streamed, input=oslo, max_output_tokens=60, tools=[_WEATHER], tool_choice=choice
    )
    call = next(item for item in response.output if item.type == "function_call")
    assert call.name == "get_weather"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"store": True}, "store"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ],
)
def test_what_an_engine_keeps_or_runs_for_nobody(client: openai.OpenAI, asked: Any, field: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="auto", input=_QUESTION, **asked)
    assert refused.value.param == field


def test_what_is_nobodys_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="resp_1"):
        client.responses.create(model="auto", input=_QUESTION, previous_response_id="resp_1")
