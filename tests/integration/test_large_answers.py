"""Answers of a megabyte and events as long, through a whole Weir: every byte of them arrives, and they are booked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.document import AT_ONCE
from tests.integration.providers import Asked, Reply, StandIn, chunk, completion, sse
from tests.integration.weirs import RunningWeir

LONG = "Weirs hold water back, and let it go. \U0001f600 " * (4 * AT_ONCE // 40)
MANY = [f"word {number} " for number in range(4_000)]
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
POLICY = """
zones: {{cloud: {{inside: false}}}}
backends: {{far: {{kind: openai, zone: cloud, api_key: sk-far, replicas: ["{url}/v1"]}}}}
models: {{m: {{backend: far, upstream: m-1}}}}
boundaries: []
routes: [{{name: all, use: [m]}}]
"""


def answer(asked: Asked) -> Reply:
    body = asked.json()
    what = body["messages"][-1]["content"]
    if not body.get("stream"):
        return completion(LONG, USAGE)
    told = [LONG] if what == "long" else MANY
    end = chunk({}, "stop"), {**chunk({}), "choices": [], "usage": USAGE}
    return sse(*[chunk({"content": each}) for each in told], *end)


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    far = StandIn(answer)
    running = RunningWeir(tmp_path_factory.mktemp("weir"), POLICY.format(url=far.url))
    yield running
    running.stop()
    far.stop()


def asking(what: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": what}], **more}


def booked(weir: RunningWeir) -> tuple[str, int, int]:
    row = weir.rows("requests")[-1]
    return row["outcome"], row["input_tokens"], row["output_tokens"]


def events(body: bytes) -> list[Any]:
    lines = [line[6:] for line in body.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def test_whole_in_its_own_dialect(weir: RunningWeir) -> None:
    status, headers, body = weir.post(asking("long"))
    assert (status, body) == (200, completion(LONG, USAGE)[2])
    assert headers["content-length"] == str(len(body))
    assert booked(weir) == ("ok", 5, 7)


def test_whole_in_another_dialect(weir: RunningWeir) -> None:
    status, _, body = weir.post(asking("long"), path="/v1/messages")
    assert status == 200
    assert [part["text"] for part in json.loads(body)["content"]] == [LONG]
    assert booked(weir) == ("ok", 5, 7)


@pytest.mark.parametrize("what", ["long", "many"])
def test_streamed_in_its_own_dialect(weir: RunningWeir, what: str) -> None:
    status, _, body = weir.post(asking(what, stream=True))
    assert status == 200
    assert body.endswith(b"data: [DONE]\n\n")
    said = [event["choices"][0]["delta"].get("content", "") for event in events(body)]
    assert said == [*([LONG] if what == "long" else MANY), ""]
    assert booked(weir) == ("ok", 5, 7)


@pytest.mark.parametrize("what", ["long", "many"])
def test_streamed_in_another_dialect(weir: RunningWeir, what: str) -> None:
    status, _, body = weir.post(asking(what, stream=True), path="/v1/messages")
    assert status == 200
    told = events(body)
    assert told[-1]["type"] == "message_stop"
    said = [event["delta"]["text"] for event in told if event["type"] == "content_block_delta"]
    assert "".join(said) == (LONG if what == "long" else "".join(MANY))
    assert (len(said) == len(MANY)) == (what == "many")
    assert booked(weir) == ("ok", 5, 7)
