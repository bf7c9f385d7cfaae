"""The official OpenAI SDK, through Weir, to a real vLLM: answers, errors, aborts, bookings and GPU time."""

import itertools
import json
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.integration.engines import RealVllm
from tests.integration.tiny import POLICY, QUESTION, counter, settled
from tests.integration.waiting import until
from tests.integration.weirs import RunningWeir

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(420)]
TRIES = (
    20  # a tiny model is done within a second, in which a client on a starved machine may not have its turn
)
LONG: Any = [{"role": "user", "content": "Count from 1 to 200."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def weir(vllm: RealVllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    running = RunningWeir(tmp_path_factory.mktemp("weir"), POLICY.format(url=vllm.url))
    yield running
    running.stop()


def last(weir: RunningWeir, table: str) -> dict[str, Any]:
    return weir.rows(table)[-1]


def test_an_answer_reaches_the_sdk_and_the_ledger(client: openai.OpenAI, weir: RunningWeir) -> None:
    answer = client.chat.completions.with_raw_response.create(model="auto", messages=QUESTION, max_tokens=32)
    parsed = answer.parse()
    assert parsed.choices[0].message.content
    assert answer.headers["x-weir-model"] == "tiny"
    assert answer.headers["x-weir-zone"] == "lab"
    assert parsed.usage is not None
    row = last(weir, "requests")
    assert row["outcome"] == "ok"
    assert (row["input_tokens"] + row["cache_read_tokens"], row["output_tokens"]) == (
        parsed.usage.prompt_tokens,
        parsed.usage.completion_tokens,
    )
    assert row["usage_source"] == "reported"


def test_a_stream_arrives_event_by_event_without_usage_unless_asked(
    client: openai.OpenAI, weir: RunningWeir
) -> None:
    plain = list(client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=32, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in plain)
    assert plain[-1].choices[0].finish_reason in {"stop", "length"}
    row = last(weir, "requests")
    assert (row["outcome"], row["usage_source"]) == ("ok", "reported")
    assert row["output_tokens"] > 0
    asked = list(
        client.chat.completions.create(
            model="auto",
            messages=QUESTION,
            max_tokens=32,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert asked[-1].choices == []
    assert asked[-1].usage.completion_tokens == row["output_tokens"]


def test_tools_and_schemas_work_as_without_weir(client: openai.OpenAI) -> None:
    call = client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": "What is the weather in Oslo?"}],
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=120,
    )
    tool_calls = call.choices[0].message.tool_calls
    assert tool_calls
    assert tool_calls[0].function.name == "get_weather"  # type: ignore[union-attr]  # it is a function
    shaped = client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": "Name a colour."}],
        max_tokens=60,
        response_format={  # no room for whitespace, which the tiny model would fill without end
            "type": "json_schema",
            "json_schema": {"name": "colour", "schema": {"type": "string", "enum": ["red", "blue"]}},
        },
    )
    assert json.loads(shaped.choices[0].message.content or "") in {"red", "blue"}


def test_errors_are_raised_as_the_sdk_raises_them(client: openai.OpenAI, weir: RunningWeir) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nope", messages=QUESTION)
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="auto", messages=QUESTION, temperature=-3)
    assert "temperature" in str(bad.value)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "word " * 3000}], max_tokens=16
        )
    with (
        openai.OpenAI(base_url=f"{weir.url}/v1", api_key="sk-weir-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="auto", messages=QUESTION)
    assert client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=4).choices


def test_a_client_that_leaves_a_stream_frees_the_engine_and_is_booked(
    client: openai.OpenAI, weir: RunningWeir, vllm: RealVllm
) -> None:
    for _ in range(TRIES):  # an engine that had said all of it by then was not left
        with counting(client) as stream:
            name = stream.response.headers["x-weir-request-id"]
            list(itertools.islice(stream, 4))
        settled(vllm)
        row = wait_for_row(weir, name)
        if row["outcome"] != "ok":
            break
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "estimated")
    assert 0 < row["output_tokens"] < 1900
    assert counter(vllm.metrics(), "vllm:num_requests_running") == 0


def counting(client: openai.OpenAI) -> Any:
    """A stream of as many tokens as the engine takes."""
    return client.chat.completions.create(
        model="auto", messages=LONG, max_tokens=1900, stream=True, extra_body={"ignore_eos": True}
    )


def test_a_client_that_leaves_before_an_unstreamed_answer_frees_the_engine_and_is_booked(
    weir: RunningWeir, vllm: RealVllm
) -> None:
    body = json.dumps({"model": "auto", "messages": LONG, "max_tokens": 1900, "ignore_eos": True}).encode()
    host, port = weir.url.removeprefix("http://").split(":")
    for _ in range(TRIES):  # as above
        before = {row["id"] for row in weir.rows("requests")}
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\ncontent-type: application/json\r\n"
                + f"authorization: Bearer {weir.key}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            until(
                lambda known=before: (
                    counter(vllm.metrics(), "vllm:num_requests_running") > 0
                    or len(weir.rows("requests")) > len(known)
                )
            )
        settled(vllm)
        until(lambda known=before: len(weir.rows("requests")) > len(known))
        (row,) = [row for row in weir.rows("requests") if row["id"] not in before]
        if row["outcome"] != "ok":
            break
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "estimated")
    assert row["input_tokens"] > 0


def wait_for_row(weir: RunningWeir, name: str) -> dict[str, Any]:
    """The row of a request, once it is booked."""
    found: list[dict[str, Any]] = []

    def booked() -> list[dict[str, Any]]:
        found[:] = [row for row in weir.rows("requests") if row["id"] == name]
        return found

    until(booked)
    return found[0]


COUNTED = {
    "vllm:prompt_tokens_total": ("input_tokens", "cache_read_tokens"),
    "vllm:generation_tokens_total": ("output_tokens",),
}


def counted(vllm: RealVllm) -> list[float]:
    """What the engine has counted until now."""
    page = vllm.metrics()
    return [counter(page, name) for name in COUNTED]


def counted_at_rest(vllm: RealVllm) -> list[float]:
    """The same once it holds still: vLLM publishes its counters with a delay."""
    settled(vllm)
    found = [counted(vllm)]

    def still() -> bool:
        time.sleep(1.5)
        found.append(counted(vllm))
        return found[-1] == found[-2]

    until(still)
    return found[-1]


def test_bookings_equal_the_engines_own_counters(weir: RunningWeir, vllm: RealVllm) -> None:
    before, rows = counted_at_rest(vllm), weir.rows("attempts")
    for i in range(6):
        body = {
            "model": "auto",
            "messages": [{"role": "user", "content": f"Count from {i} to {i + 9}."}],
            "max_tokens": 24,
            "stream": bool(i % 2),
        }
        assert weir.post(body)[0] == 200
    after, booked = counted_at_rest(vllm), weir.rows("attempts")[len(rows) :]
    moved = [now - then for now, then in zip(after, before, strict=True)]
    assert moved == [sum(row[field] for row in booked for field in fields) for fields in COUNTED.values()]


def ends_in_an_error(stream: Iterable[Any]) -> bool:
    """Whether what is left of a stream ends so."""
    try:
        for _ in stream:
            pass
    except openai.APIError:
        return True
    return False


def test_kill_9_mid_stream_ends_in_an_error_and_the_engines_return_is_noticed(
    client: openai.OpenAI, weir: RunningWeir, vllm: RealVllm, tmp_path: Path
) -> None:
    for _ in range(5):  # an engine that had said all of it by then was not killed mid-stream
        with counting(client) as stream:
            name = stream.response.headers["x-weir-request-id"]
            list(itertools.islice(stream, 4))
            vllm.kill()
            broken = ends_in_an_error(stream)
        if broken:
            break
        vllm.start()
    row = wait_for_row(weir, name)
    assert (row["outcome"], row["usage_source"]) == ("cut", "estimated")
    assert row["output_tokens"] > 0
    with pytest.raises(openai.APIStatusError) as down:
        client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=4)
    assert down.value.status_code == 502
    vllm.start()
    answer = client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=8)
    assert answer.choices[0].message.content
