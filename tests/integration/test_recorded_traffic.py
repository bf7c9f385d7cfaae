"""Every recorded chat and messages exchange, replayed by a stand-in provider, through a whole Weir.

OpenAI's answers must reach the client unchanged, Anthropic's as the right chat answer, and each is booked
with the usage it reported. The shares are printed at the end of the run.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.messages_oracle import assembled, check, read_whole
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
  gpt: {{backend: openai, upstream: gpt-5, can: [tools, json_schema, vision, audio, files, reasoning]}}
  claude: {{backend: anthropic, upstream: claude-sonnet-4-5, can: [tools, json_schema, vision, files, reasoning]}}
routes: [{{name: all, use: [gpt]}}]
"""


@pytest.fixture(scope="module")
def weir(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    owns = 'anthropic: "*", openai: "*"'  # who recorded them made what they name
    running = RunningWeir(tmp_path_factory.mktemp("weir"), POLICY.format(url=replay.url), owns=owns)
    yield running
    running.stop()


def test_openai_answers_reach_the_client_unchanged(weir: RunningWeir, replay: Replay, share: Any) -> None:
    recordings = [r for r in load("openai", "/v1/chat/completions") if r["response"]["status"] == 200]
    answers = through(weir, replay, recordings, lambda r: {**r["request"]["body"], "model": "gpt"})
    rows = bookings(weir)
    unchanged = right = 0
    for recording in recordings:
        name, sent = recording["id"], body_of(recording)
        status, headers, body = answers[name]
        assert status == 200, (name, body[:300])
        assert headers["x-request-id"] == name
        asked = (recording["request"]["body"].get("stream_options") or {}).get("include_usage")
        if body != sent:  # only the usage may be missing, and only where nobody asked for it
            assert "sse" in recording["response"], name
            assert not asked, name
            assert b'"usage":{' not in body.replace(b" ", b""), name
            assert b'"usage"' in sent, name
        unchanged += body == sent
        usage = reported(sent)
        row = rows[name]
        if usage is None:
            assert row["usage_source"] == "estimated", name
        else:
            assert row["usage_source"] == "reported", name
            assert booked(row) == (usage["prompt_tokens"], usage.get("completion_tokens", 0)), name
            right += 1
    share("chat answers through Weir unchanged, to the byte", unchanged, len(recordings))
    share("chat answers that report usage booked with that usage", right, right)
    assert len(recordings) == 588
    assert unchanged >= 585  # three streams report usage that their client did not ask for


def reported(body: bytes) -> dict[str, Any] | None:
    """The usage in an answer, by its text alone."""
    text = body.decode()
    documents = (
        [line[5:] for line in text.splitlines() if line.startswith("data:")]
        if "data:" in text[:6]
        else [text]
    )
    usages = [json.loads(d).get("usage") for d in documents if d.strip() != "[DONE]"]
    return next((usage for usage in reversed(usages) if usage), None)


def test_anthropic_answers_arrive_as_chat(weir: RunningWeir, replay: Replay, share: Any) -> None:
    recordings = [r for r in load("anthropic", "/v1/messages") if r["response"]["status"] == 200]

    def ask(recording: Recording) -> dict[str, Any]:
        stream = "sse" in recording["response"]
        options = {"stream_options": {"include_usage": True}} if stream else {}
        return {
            "model": "claude",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": stream,
            **options,
        }

    answers = through(weir, replay, recordings, ask)
    rows = bookings(weir)
    for recording in recordings:
        name = recording["id"]
        status, _, body = answers[name]
        assert status == 200, (name, body[:300])
        answer = assembled(body) if "sse" in recording["response"] else read_whole(body)
        usage = check(recording, answer)
        assert booked(rows[name]) == usage, name
        assert rows[name]["usage_source"] == "reported", name
    share("messages answers through Weir arrive as the right chat answer", len(recordings), len(recordings))
    assert len(recordings) == 415


def test_errors_keep_their_meaning(weir: RunningWeir, replay: Replay, share: Any) -> None:
    recordings = [
        r
        for provider, path in (("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages"))
        for r in load(provider, path)
        if r["response"]["status"] >= 400
    ]

    def ask(recording: Recording) -> dict[str, Any]:
        model = "gpt" if recording["provider"] == "openai" else "claude"
        return {"model": model, "messages": [{"role": "user", "content": "hi"}]}

    answers = through(weir, replay, recordings, ask)
    expected = {400: 400, 401: 502, 404: 404}  # a model that is gone is gone; a refused key is our fault
    for recording in recordings:
        status, _, body = answers[recording["id"]]
        assert status == expected[recording["response"]["status"]], (recording["id"], body[:300])
        assert json.loads(body)["error"]["message"]
    share("recorded errors reach the client with their meaning", len(recordings), len(recordings))
