"""What the stand-ins can be made to do wrong, and the record of what reached them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.sandbox.sandbox import Ports, Sandbox

BODY: dict[str, Any] = {
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "messages": [{"role": "user", "content": "Tell me about the sea, please, and about the ships on it."}],
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens_per_second=2000, first_token=0.0) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


async def ask(sandbox: Sandbox, http: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await http.post(f"{sandbox.vllm.url}/v1/chat/completions", json={**BODY, **more})


@pytest.mark.parametrize("status", [401, 404, 408, 409, 429, 500, 503, 529])
async def test_a_status_is_answered_as_often_as_told(
    sandbox: Sandbox, http: httpx.AsyncClient, status: int
) -> None:
    await sandbox.vllm.fault(str(status), count=2)
    statuses = [(await ask(sandbox, http)).status_code for _ in range(3)]
    assert statuses == [status, status, 200]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_can_be_cut(sandbox: Sandbox, http: httpx.AsyncClient, stream: bool) -> None:
    await sandbox.vllm.fault("cut", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await ask(sandbox, http, stream=stream)
    assert (await ask(sandbox, http, stream=stream)).status_code == 200
    assert sandbox.vllm.engine.running == 0


async def test_a_stream_can_carry_an_error(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    await sandbox.vllm.fault("error_event", count=1)
    answer = await ask(sandbox, http, stream=True)
    assert answer.status_code == 200
    assert '"error"' in answer.text
    assert '"finish_reason":"stop"' not in answer.text


@pytest.mark.parametrize("mode", ["hang", "stall", "slow"])
async def test_an_answer_can_keep_a_client_waiting(
    sandbox: Sandbox, http: httpx.AsyncClient, mode: str
) -> None:
    await sandbox.vllm.fault(mode, count=1, seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        await http.post(
            f"{sandbox.vllm.url}/v1/chat/completions",
            json={**BODY, "stream": True},
            timeout=httpx.Timeout(5, read=0.2),
        )
    assert (await ask(sandbox, http)).status_code == 200


async def test_what_comes_may_not_be_http_or_not_the_dialect(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    await sandbox.vllm.fault("garbage", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(sandbox, http)
    await sandbox.vllm.fault("nonsense", count=1)
    assert isinstance((await ask(sandbox, http)).json(), list)


async def test_a_dead_engine_refuses_connections_and_comes_back_on_its_port(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    url = sandbox.vllm.url
    streaming = asyncio.create_task(ask(sandbox, http, stream=True, max_tokens=5000, ignore_eos=True))
    await sandbox.vllm.received.wait_for(1)
    control = f"{sandbox.control_url}/_sandbox/vllm/faults"
    assert (await http.post(control, json={"mode": "refuse"})).status_code == 200
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await streaming
    with pytest.raises(httpx.ConnectError):
        await ask(sandbox, http)
    await http.post(control, json={"mode": "none"})
    assert sandbox.vllm.url == url
    assert (await ask(sandbox, http)).status_code == 200


async def test_a_client_that_leaves_frees_the_engine(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient() as http:
        request = {**BODY, "stream": True, "max_tokens": 100_000, "ignore_eos": True}
        async with http.stream("POST", f"{sandbox.vllm.url}/v1/chat/completions", json=request) as answer:
            await anext(answer.aiter_bytes())
            assert sandbox.vllm.engine.running == 1
    async with asyncio.timeout(60):
        while sandbox.vllm.engine.running:  # noqa: ASYNC110  # the engine tells nobody when a job leaves
            await asyncio.sleep(0.01)


async def test_what_reached_a_stand_in_is_remembered_and_forgotten(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    await http.get(f"{sandbox.openai.url}/v1/models")
    await ask(sandbox, http, user="u-1")
    listed = (await http.get(f"{sandbox.control_url}/_sandbox/vllm/requests")).json()
    assert [each["path"] for each in listed] == ["/v1/chat/completions"]
    assert '"u-1"' in listed[0]["body"]
    assert listed[0]["headers"]["content-type"] == "application/json"
    assert (await http.get(f"{sandbox.openai.url}/_sandbox/requests")).json() == []
    await http.delete(f"{sandbox.vllm.url}/_sandbox/requests")
    assert len(sandbox.vllm.received) == 0


@pytest.mark.parametrize("order", [{"mode": "explode"}, {"mode": "999"}, {"mode": "500", "count": 0}, {}, []])
async def test_a_fault_nobody_knows_is_refused(sandbox: Sandbox, http: httpx.AsyncClient, order: Any) -> None:
    answer = await http.post(f"{sandbox.openai.url}/_sandbox/faults", json=order)
    assert answer.status_code == 400
    assert sandbox.openai.faults.take() is None


async def test_a_taken_port_starts_nothing() -> None:
    async with Sandbox() as first:
        taken = int(first.openai.url.rpartition(":")[2])
        second = Sandbox(ports=Ports(openai=taken))
        with pytest.raises(OSError, match="in use"):
            await second.start()
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(f"{second.vllm.url}/health")


async def test_answers_say_where_they_come_from(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    answer = await ask(sandbox, http)
    assert answer.headers["server"] == "weir-sandbox"
    assert "stand-in" in answer.json()["choices"][0]["message"]["content"]
