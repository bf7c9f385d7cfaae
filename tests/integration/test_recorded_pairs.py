"""Recorded answers through a whole Weir to clients of other dialects; and recorded streams cut at any byte there: no
clean stop, no lost error, no lost booking."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract import messages_oracle, responses_oracle
from tests.integration.replaying import Recording, Replay, bookings, load, through
from tests.integration.waiting import until
from tests.integration.weirs import RunningWeir

pytestmark = [pytest.mark.recordings, pytest.mark.timeout(300)]

POLICY = """
site: lab
zones: {{lab: {{inside: true}}, away: {{inside: false}}}}
backends:
  openai: {{kind: openai, zone: away, replicas: ["{url}"], api_key: sk-ours}}
  anthropic: {{kind: anthropic, zone: away, replicas: ["{url}"], api_key: sk-ant-ours}}
  engine: {{kind: vllm, zone: lab, replicas: ["{url}"], gpu: H100, gpus: 1, usd_per_gpu_hour: 2}}
models:
  gpt: {{backend: openai, upstream: gpt-5, can: [tools, json_schema, completions, reasoning]}}
  claude: {{backend: anthropic, upstream: claude-sonnet-4-5, can: [tools, json_schema, reasoning]}}
  open: {{backend: engine, upstream: llama, can: [tools, json_schema]}}
routes: [{{name: all, use: [gpt]}}]
"""
_TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
_TOOLS = {  # vLLM knows no choice among some of the tools, so that this goes to it as chat
    "tools": [_TOOL],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A client's dialect before a backend's recordings."""

    path: str
    model: str
    wire: tuple[str, str]
    end: bytes  # of an answer that ended well, as the client sees it

    def asked(self, *, stream: bool) -> dict[str, Any]:
        """A request of the client's."""
        said = [{"role": "user", "content": "hi"}]
        body: dict[str, Any] = {"model": self.model, "stream": stream}
        if self.path == "/v1/responses":
            return body | {"input": "hi"} | (_TOOLS if self.model == "open" else {})
        if self.path == "/v1/messages":
            return body | {"messages": said, "max_tokens": 9}
        if self.path == "/v1/completions":
            return body | {"prompt": "hi"}
        return body | {"messages": said} | ({"stream_options": {"include_usage": True}} if stream else {})


_CHAT, _MESSAGES = ("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages")
_DONE, _STOP, _ENDED = b"data: [DONE]", b"event: message_stop", b"event: response.completed"
PAIRS = {
    "chat from chat": Pair("/v1/chat/completions", "gpt", _CHAT, _DONE),
    "chat from messages": Pair("/v1/chat/completions", "claude", _MESSAGES, _DONE),
    "messages from chat": Pair("/v1/messages", "gpt", _CHAT, _STOP),
    "messages from messages": Pair("/v1/messages", "claude", _MESSAGES, _STOP),
    "responses from responses": Pair("/v1/responses", "gpt", ("openai", "/v1/responses"), _ENDED),
    "responses from chat": Pair("/v1/responses", "open", _CHAT, _ENDED),
    "responses from messages": Pair("/v1/responses", "claude", _MESSAGES, _ENDED),
    "completions from completions": Pair("/v1/completions", "gpt", ("openai", "/v1/completions"), _DONE),
}


@pytest.fixture(scope="module")
def weir(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    running = RunningWeir(tmp_path_factory.mktemp("weir"), POLICY.format(url=replay.url))
    yield running
    running.stop()


def _answered(wire: tuple[str, str]) -> list[Recording]:
    """The recorded answers of one choice."""
    rows = [row for row in load(*wire) if row["response"]["status"] == 200]
    return [row for row in rows if (row["request"]["body"].get("n") or 1) == 1]


@pytest.mark.parametrize("name", ["messages from chat", "responses from chat", "responses from messages"])
def test_recorded_answers_arrive_in_another_dialect(
    weir: RunningWeir, replay: Replay, share: Any, name: str
) -> None:
    pair = PAIRS[name]
    rows = _answered(pair.wire)
    ask = {stream: pair.asked(stream=stream) for stream in (False, True)}
    answers = through(weir, replay, rows, lambda r: ask["sse" in r["response"]], pair.path)
    booked = bookings(weir)
    for recording in rows:
        status, _, body = answers[recording["id"]]
        assert status == 200, (recording["id"], body[:300])
        _check(name, recording, body)
        assert booked[recording["id"]]["outcome"] == "ok", recording["id"]
    share(f"recorded answers through Weir arrive right: {name}", len(rows), len(rows))
    assert len(rows) == (415 if pair.wire == _MESSAGES else 581)


def _check(name: str, recording: Recording, body: bytes) -> None:
    stream = "sse" in recording["response"]
    if name == "messages from chat":
        message = (
            messages_oracle.message_of({"response": {"sse": body.decode()}}) if stream else json.loads(body)
        )
        messages_oracle.check_message(recording, message)
        return
    response = responses_oracle.assembled(body) if stream else json.loads(body)
    if name == "responses from chat":
        responses_oracle.check_chat(recording, response)
    else:
        responses_oracle.check_message(recording, response)


@pytest.mark.parametrize("name", PAIRS)
def test_a_stream_cut_at_any_byte_is_no_clean_stop_and_is_booked(
    weir: RunningWeir, replay: Replay, share: Any, name: str
) -> None:
    pair = PAIRS[name]
    rows = [row for row in _answered(pair.wire) if "sse" in row["response"]]
    numbers, clean = itertools.count(1), {}

    @settings(max_examples=40, deadline=None, database=None)
    @given(st.sampled_from(range(len(rows))), st.floats(0, 1), st.booleans())
    def cut(index: int, where: float, dropped: bool) -> None:
        sent = rows[index]["response"]["sse"].encode()
        label = f"{name.replace(' ', '-')}-{next(numbers)}"
        replay.recordings[label] = rows[index]
        replay.cuts[label] = (int(where * len(sent)), dropped)
        _, headers, body = weir.post(pair.asked(stream=True), path=pair.path, x_request_id=label)
        assert headers["x-weir-request-id"]
        clean[label] = pair.end in body
        assert clean[label] or b"error" in body, (label, body[-300:])

    cut()
    assert not all(clean.values())
    attempts = _attempts(weir, set(clean))
    for label, ended in clean.items():
        row = attempts[label]
        assert (row["outcome"] == "ok") is ended, (label, row["outcome"], replay.cuts[label])
        assert row["usage_source"] in ("reported", "estimated"), label
    share(f"streams cut at any byte, told and booked: {name}", len(clean), len(clean))


def _attempts(weir: RunningWeir, labels: set[str]) -> dict[str, Any]:
    """Each label's attempt, exactly one, once all are booked."""

    def booked() -> list[dict[str, Any]]:
        return [row for row in weir.rows("attempts") if row["upstream_id"] in labels]

    until(lambda: len(booked()) >= len(labels))
    rows = booked()
    found = {row["upstream_id"]: row for row in rows}
    assert found.keys() == labels
    assert len(rows) == len(labels)
    return found
