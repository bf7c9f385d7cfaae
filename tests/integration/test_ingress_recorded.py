"""Every recorded messages, completions, embeddings and count_tokens exchange through a whole Weir, each in its own
dialect: the bytes that reach the client, the bytes that reach the provider, and what is booked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.replaying import Recording, Replay, body_of, booked, bookings, load, through
from tests.integration.weirs import RunningWeir

pytestmark = [pytest.mark.recordings, pytest.mark.timeout(300)]

POLICY = """
site: lab
zones: {{lab: {{inside: true}}, away: {{inside: false}}}}
backends:
  openai: {{kind: openai, zone: away, replicas: ["{url}"], api_key: sk-ours}}
  anthropic: {{kind: anthropic, zone: away, replicas: ["{url}"], api_key: sk-ant-ours}}
models:
  gpt: {{backend: openai, upstream: up, can: [completions, embeddings]}}
  claude: {{backend: anthropic, upstream: up, can: [tools, json_schema, vision, files, reasoning]}}
routes: [{{name: all, use: [gpt]}}]
"""
CASES = [
    ("anthropic", "/v1/messages", "claude", 418),
    ("anthropic", "/v1/messages/count_tokens", "claude", 8),
    ("openai", "/v1/completions", "gpt", 73),
    ("openai", "/v1/embeddings", "gpt", 47),
]
STATUSES = {
    200: 200,
    400: 400,
    401: 502,
    404: 404,
}  # a model that is gone is gone; our key refused is our fault


@pytest.fixture(scope="module")
def weir(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    owns = 'anthropic: "*", openai: "*"'  # who recorded them made what they name
    running = RunningWeir(tmp_path_factory.mktemp("weir"), POLICY.format(url=replay.url), owns=owns)
    yield running
    running.stop()


@pytest.mark.parametrize(("provider", "path", "model", "total"), CASES, ids=[case[1] for case in CASES])
def test_same_dialect_traffic_is_passed_on_byte_for_byte(
    weir: RunningWeir, replay: Replay, share: Any, provider: str, path: str, model: str, total: int
) -> None:
    rows = [r for r in load(provider, path) if not _refused_here(r)]
    answers = through(weir, replay, rows, lambda row: {**row["request"]["body"], "model": model}, path)
    attempts = bookings(weir)
    unchanged = 0
    for recording in rows:
        name = recording["id"]
        status, headers, body = answers[name]
        told = recording["response"]["status"]
        assert status == STATUSES[told], (name, body[:300])
        assert headers["request-id" if provider == "anthropic" else "x-request-id"]
        where, asked = replay.asked[name]
        assert where == path
        streams = path == "/v1/completions" and recording["request"]["body"].get("stream") is True
        wanted = {**recording["request"]["body"], "model": "up"}
        assert json.loads(asked) == (
            {**wanted, "stream_options": {"include_usage": True}} if streams else wanted
        )
        if told != 200:
            assert json.loads(body)["error"]["message"]
            assert (json.loads(body).get("type") == "error") is (provider == "anthropic")
            continue
        assert body == body_of(recording), name
        assert attempts[name]["outcome"] == "ok", name
        _check_booking(recording, attempts[name])
        unchanged += 1
    assert len(rows) == total
    share(
        f"{path} exchanges through Weir unchanged, to the byte",
        unchanged,
        len([r for r in rows if r["response"]["status"] == 200]),
    )


def _refused_here(recording: Recording) -> bool:
    """Whether Weir itself says what the provider said: a message that is no object."""
    messages = recording["request"]["body"].get("messages") or ()
    return recording["response"]["status"] == 400 and any(isinstance(each, str) for each in messages)


def _check_booking(recording: Recording, row: dict[str, Any]) -> None:
    name, path = recording["id"], recording["request"]["path"]
    if path.endswith("count_tokens"):
        assert booked(row) == (0, 0), name
        assert float(row["usd"]) == 0, name
    elif path in ("/v1/completions", "/v1/embeddings"):
        usage = _last_usage(body_of(recording).decode())
        if usage is None:
            assert row["usage_source"] == "estimated", name
        else:
            assert booked(row) == (usage["prompt_tokens"], usage.get("completion_tokens", 0)), name
    else:
        assert row["usage_source"] == "reported", name
        assert sum(booked(row)) > 0, name


def _last_usage(text: str) -> dict[str, Any] | None:
    lines = [line[5:] for line in text.splitlines() if line.startswith("data:")] or [text]
    found = [json.loads(line).get("usage") for line in lines if line.strip() != "[DONE]"]
    return next((usage for usage in reversed(found) if usage), None)


def test_a_second_message_behind_the_first_reaches_the_client_too(weir: RunningWeir, replay: Replay) -> None:
    started = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "up"}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**started, "usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so " * 99}},)
        * 99,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    message = "".join([f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in told])
    asked = {"max_tokens": 99, "stream": True, "messages": [{"role": "user", "content": "Twice, please."}]}
    twice: Recording = {
        "id": "twice",
        "request": {"path": "/v1/messages", "body": asked},
        "response": {"status": 200, "sse": message + message},
    }
    found = through(
        weir, replay, [twice], lambda row: {**row["request"]["body"], "model": "claude"}, "/v1/messages"
    )
    assert found["twice"][2] == body_of(twice)
