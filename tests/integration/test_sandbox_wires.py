"""The stand-ins through real sockets: the official SDKs read them, and vLLM's recorded answers have their shape."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from gateway.sandbox.sandbox import Sandbox
from gateway.sandbox.vllm import VllmStandIn
from gateway.sandbox.vllm_flags import VllmSettings

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "vllm" / "recorded"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
FRANCE: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
OSLO: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "description": "x", "parameters": SCHEMA}}
]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=5000, first_token=0.0) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture
async def tiny() -> AsyncIterator[VllmStandIn]:
    stand_in = VllmStandIn(VllmSettings(models=("tiny",), max_model_len=512))
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


def shape(value: Any) -> Any:
    """A JSON value's keys and types; lists by their first member, null and numbers alike whatever they are."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__ if isinstance(value, str) else "plain"


def whole_text(name: str) -> str:
    path = RECORDED / f"{name}.txt"
    if not path.exists():
        pytest.skip("shared/vllm/recorded is missing: recorded answers of a real vLLM")
    return path.read_text()


def recorded(name: str) -> tuple[int, dict[str, str], str, Any]:
    """Status, headers, body and request of a recorded exchange with a real vLLM."""
    text = whole_text(name)
    asked = re.match(r"# request (.*)\n", text)
    head, _, body = text[asked.end() if asked else 0 :].partition("\n\n")
    status, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return int(status.split()[1]), headers, body.rstrip("\n"), json.loads(asked[1]) if asked else None


RECORDED_ERRORS = [
    "err_404",
    "err_405",
    "err_bad_temp",
    "err_bad_type",
    "err_context_maxtok",
    "err_missing",
    "err_unknown_model",
]


@pytest.mark.parametrize("name", ["flags_chat_ids", "flags_cache2", "flags_tools_auto"])
async def test_an_answer_has_the_fields_of_a_real_one(
    tiny: VllmStandIn, http: httpx.AsyncClient, name: str
) -> None:
    status, headers, body, _ = recorded(name)
    tools = {"tools": TOOLS, "messages": OSLO} if "tools" in name else {"messages": FRANCE}
    answer = await http.post(
        f"{tiny.url}/v1/chat/completions", json={"model": "tiny", "temperature": 0, **tools}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == headers["content-type"]
    assert shape(answer.json()) == shape(json.loads(body))
    assert list(answer.json()) == list(json.loads(body)), "the fields stand in another order"


@pytest.mark.parametrize("name", RECORDED_ERRORS)
async def test_an_error_is_worded_as_a_real_one(
    tiny: VllmStandIn, http: httpx.AsyncClient, name: str
) -> None:
    status, headers, body, request = recorded(name)
    if request.get("body") is None:
        answer = await http.get(f"{tiny.url}{request['path']}")
    else:
        answer = await http.post(f"{tiny.url}{request['path']}", json=request["body"])
    assert answer.status_code == status
    assert answer.headers["content-type"] == headers["content-type"]
    real = json.loads(body)
    assert shape(answer.json()) == shape(real)
    if "error" in real:
        theirs, ours = real["error"], answer.json()["error"]
        assert {k: ours[k] for k in ("type", "param", "code")} == {
            k: theirs[k] for k in ("type", "param", "code")
        }
        assert ours["message"].split("'input'")[0].rstrip(", }") in theirs["message"].replace("-3.0", "-3")


@pytest.mark.parametrize(
    "name", ["chat_stream_nousage", "chat_stream_usage", "flags_chat_stream_force_usage"]
)
async def test_a_stream_has_the_chunks_of_a_real_one(
    tiny: VllmStandIn, http: httpx.AsyncClient, name: str
) -> None:
    _, headers, body, _ = recorded(name)
    options = {"include_usage": True, "continuous_usage_stats": "force" in name}
    request = {"model": "tiny", "messages": FRANCE, "stream": True}
    if name != "chat_stream_nousage":
        request["stream_options"] = options
    answer = await http.post(f"{tiny.url}/v1/chat/completions", json=request)
    assert answer.headers["content-type"] == headers["content-type"]
    ours, theirs = (
        [line.removeprefix("data: ") for line in text.splitlines() if line] for text in (answer.text, body)
    )
    assert ours[-1] == theirs[-1] == "[DONE]"
    first, second = json.loads(ours[0]), json.loads(theirs[0])
    assert shape(first) == shape(second)
    assert shape(json.loads(ours[1])) == shape(json.loads(theirs[1]))
    if name == "flags_chat_stream_force_usage":
        assert json.loads(ours[-2])["choices"] == []
        usage = json.loads(ours[-2])["usage"]
        assert usage.keys() >= json.loads(theirs[-2])["usage"].keys()
        assert usage["completion_tokens"] + usage["prompt_tokens"] == usage["total_tokens"]


async def test_the_metrics_page_has_the_series_of_a_real_one(
    tiny: VllmStandIn, http: httpx.AsyncClient
) -> None:
    body = whole_text("metrics_after")
    page = (await http.get(f"{tiny.url}/metrics")).text
    ours, theirs = (set(re.findall(r"^# TYPE (vllm:\S+ \S+)", text, re.M)) for text in (page, body))
    assert ours <= theirs, f"a real engine has no {ours - theirs}"
    labels = re.compile(r'^(vllm:(?:num_requests_running|iteration_tokens_total_sum)\{[a-z_,="0-9]*)', re.M)
    assert {m.split('"')[0] for m in labels.findall(page)} == {m.split('"')[0] for m in labels.findall(body)}


async def test_counters_move_with_the_traffic(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    client = openai.AsyncOpenAI(base_url=f"{sandbox.vllm.url}/v1", api_key="x", max_retries=0)
    async with client:
        answer = await client.chat.completions.create(model=LLAMA, messages=FRANCE)
    usage = answer.usage
    assert usage is not None
    page = (await http.get(f"{sandbox.vllm.url}/metrics")).text

    def value(name: str) -> float:
        return sum(
            float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name + "{")
        )

    assert value("vllm:prompt_tokens_total") == usage.prompt_tokens
    assert value("vllm:generation_tokens_total") == usage.completion_tokens
    assert value("vllm:iteration_tokens_total_sum") == usage.total_tokens
    assert value("vllm:iteration_tokens_total_count") == usage.completion_tokens
    assert value("vllm:request_success_total") == 1
    assert value("vllm:num_requests_running") == 0


@pytest.mark.parametrize("provider", ["vllm", "openai"])
async def test_the_openai_sdk_reads_answers_streams_tools_and_schemas(
    sandbox: Sandbox, provider: str
) -> None:
    url, model = {"vllm": (sandbox.vllm.url, LLAMA), "openai": (sandbox.openai.url, "gpt-5")}[provider]
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        create = client.chat.completions.create
        whole = await create(model=model, messages=FRANCE)
        chunks = [
            chunk
            async for chunk in await create(
                model=model, messages=FRANCE, stream=True, stream_options={"include_usage": True}
            )
        ]
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert streamed == whole.choices[0].message.content
        assert chunks[-1].usage is not None
        assert whole.usage is not None
        assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
        called = await create(model=model, messages=OSLO, tools=TOOLS)
        assert called.choices[0].finish_reason == "tool_calls"
        assert called.choices[0].message.tool_calls is not None
        assert json.loads(called.choices[0].message.tool_calls[0].function.arguments) == {"city": "Oslo"}
        formed = await create(
            model=model,
            messages=OSLO,
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
        )
        assert json.loads(formed.choices[0].message.content or "") == {"city": "Oslo"}
        assert [m.id async for m in await client.models.list()] == list(
            sandbox.vllm.models if provider == "vllm" else sandbox.openai.models
        )


async def test_the_anthropic_sdk_reads_answers_streams_and_tools(sandbox: Sandbox) -> None:
    async with anthropic.AsyncAnthropic(base_url=sandbox.anthropic.url, api_key="x", max_retries=0) as client:
        ask: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 200}
        whole = await client.messages.create(messages=FRANCE, **ask)
        async with client.messages.stream(messages=FRANCE, **ask) as stream:
            streamed = await stream.get_final_message()
        assert streamed.content[0].type == whole.content[0].type == "text"
        assert streamed.content[0].text == whole.content[0].text
        assert streamed.usage.output_tokens == whole.usage.output_tokens
        tools: list[Any] = [{"name": "get_weather", "input_schema": SCHEMA}]
        async with client.messages.stream(messages=OSLO, tools=tools, **ask) as stream:
            called = await stream.get_final_message()
        assert called.stop_reason == "tool_use"
        assert called.content[0].type == "tool_use"
        assert called.content[0].input == {"city": "Oslo"}
        short = await client.messages.create(messages=FRANCE, model="claude-sonnet-5", max_tokens=3)
        assert short.stop_reason == "max_tokens"
        counted = await client.messages.count_tokens(messages=FRANCE, model="claude-sonnet-5")
        assert counted.input_tokens == whole.usage.input_tokens


async def test_prompts_are_cached_as_each_provider_does(sandbox: Sandbox) -> None:
    long = "The quick brown fox jumps over the lazy dog. " * 200
    async with (
        openai.AsyncOpenAI(base_url=f"{sandbox.openai.url}/v1", api_key="x") as chat,
        anthropic.AsyncAnthropic(base_url=sandbox.anthropic.url, api_key="x") as messages,
    ):
        usages = [
            (
                await chat.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": long}]
                )
            ).usage
            for _ in range(2)
        ]
        assert usages[0] is not None
        assert usages[1] is not None
        assert usages[0].prompt_tokens_details is not None
        assert usages[1].prompt_tokens_details is not None
        assert usages[0].prompt_tokens_details.cached_tokens == 0
        assert (usages[1].prompt_tokens_details.cached_tokens or 0) >= 1024
        block: list[Any] = [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]
        first, again = [
            (
                await messages.messages.create(
                    model="claude-sonnet-5", max_tokens=5, messages=[{"role": "user", "content": block}]
                )
            ).usage
            for _ in range(2)
        ]
    assert first.cache_creation_input_tokens
    assert first.cache_creation_input_tokens == again.cache_read_input_tokens
    assert first.input_tokens == again.input_tokens
    assert again.cache_creation_input_tokens == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "gpt-0", "messages": FRANCE}, 404, "model_not_found"),
        ({"model": "gpt-5"}, 400, "missing_required_parameter"),
        ({}, 400, None),
    ],
)
async def test_openai_refuses_as_openai_does(
    sandbox: Sandbox, http: httpx.AsyncClient, body: dict[str, Any], status: int, code: str | None
) -> None:
    url, key = f"{sandbox.openai.url}/v1/chat/completions", {"authorization": "Bearer x"}
    answer = await http.post(url, json=body, headers=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-request-id"].startswith("req_")
    assert (await http.post(url, json=body)).status_code == 401


async def test_anthropic_refuses_as_anthropic_does(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    url = f"{sandbox.anthropic.url}/v1/messages"
    key, dated = {"x-api-key": "x"}, {"x-api-key": "x", "anthropic-version": "2023-06-01"}
    body = {"model": "claude-sonnet-5", "max_tokens": 5, "messages": FRANCE}
    cases = [
        (body, {}, 401, "authentication_error"),
        (body, key, 400, "invalid_request_error"),
        ({**body, "model": "claude-0"}, dated, 404, "not_found_error"),
        ({"model": "claude-sonnet-5", "messages": FRANCE}, dated, 400, "invalid_request_error"),
        ({**body, "messages": [{"role": "system", "content": "x"}]}, dated, 400, "invalid_request_error"),
    ]
    for sent, headers, status, kind in cases:
        answer = await http.post(url, json=sent, headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
        assert answer.headers["request-id"] == answer.json()["request_id"]
