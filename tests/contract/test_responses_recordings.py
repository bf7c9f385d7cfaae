"""Every recorded responses exchange relayed to a responses client, and every recorded answer of another dialect as a
responses client gets it, told against the recording itself."""

import collections
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call
from adapters.deviations import Deviations
from adapters.dialects import responses
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from tests.contract import responses_oracle as oracle
from tests.contract.messages_oracle import booked

pytestmark = pytest.mark.recordings

_PATH = "/v1/responses"
_CLOCK = lambda: 1_700_000_000.9  # noqa: E731  # a clock that stands still
_CHAT_ONLY = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})), clock=_CLOCK)
_CLAUDE = Anthropic(clock=_CLOCK)
_ENGINES = Path(__file__).resolve().parents[2] / ".." / "shared" / "vllm" / "recorded"


def _body(recording: dict[str, Any]) -> bytes:
    response = recording["response"]
    return (response["sse"] if "sse" in response else json.dumps(response["body"])).encode()


def _call(*, stream: bool, **body: Any) -> Call:
    return responses.read(
        parse(json.dumps({"model": "auto", "input": "hi", "stream": stream, **body}).encode())
    )


def _final(recording: dict[str, Any]) -> dict[str, Any]:
    """The whole response in a recording, wherever it stands."""
    if "body" in recording["response"]:
        return recording["response"]["body"]
    lines = recording["response"]["sse"].splitlines()
    events = [json.loads(line[5:]) for line in lines if line.startswith("data:")]
    return next(event["response"] for event in reversed(events) if event["type"] == "response.completed")


@pytest.mark.parametrize("backend", [OpenAI(api_key="sk-ours"), VLLM()], ids=lambda backend: backend.kind)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_answers_reach_the_client_unchanged(
    recorded, share, pair, chunked, backend: Backend, seed: int
) -> None:
    rows = [r for r in recorded("openai", _PATH) if r["response"]["status"] == 200]
    for recording in rows:
        stream = "sse" in recording["response"]
        relay = backend.relay(_call(stream=stream), "gpt", ())
        body = _body(recording)
        out = b"".join(relay.feed(piece) for piece in chunked(body, seed)) + relay.finish()
        assert out == body, recording["id"]
        assert relay.complete, recording["id"]
        assert relay.error is None, recording["id"]
        if stream:
            deltas = [
                line for line in body.splitlines() if line.startswith(b"event:") and line.endswith(b".delta")
            ]
            assert relay.content_events == len(deltas), recording["id"]
        final = _final(recording)
        assert relay.made == () if final.get("store") is False else relay.made[0] == final["id"], recording[
            "id"
        ]
        _check_relayed(relay, final, recording["id"])
    if seed == 1:
        pair("responses", f"responses ({backend.kind})", "answers", len(rows), len(rows))
        share(f"responses answers relayed byte for byte ({backend.kind})", len(rows), len(rows))
    assert len(rows) == 378


def _check_relayed(relay: Any, final: dict[str, Any], name: str) -> None:
    if final["status"] == "queued":  # it will be answered in the background: nothing is known of it yet
        assert (relay.usage.source, relay.finish_reason) == ("unknown", None), name
        return
    usage = final["usage"]
    assert relay.usage.source == "reported", name
    assert relay.usage.prompt == usage["input_tokens"], name
    assert relay.usage.generated == usage["output_tokens"], name
    assert relay.usage.cache_read == usage["input_tokens_details"].get("cached_tokens", 0), name
    assert relay.usage.reasoning == usage["output_tokens_details"].get("reasoning_tokens", 0), name
    calls = {"function_call", "custom_tool_call"} & {item["type"] for item in final["output"]}
    assert relay.finish_reason == ("tool_calls" if calls else "stop"), name


_UNASKED = (
    31  # the request that stands beside the answer was made up by the recordings' own authors, as a chat body
)


def _asked(recorded: Any) -> list[dict[str, Any]]:
    """The exchanges whose request was recorded."""
    rows = recorded("openai", _PATH)
    asked = [row for row in rows if "no-request" not in row["tags"]]
    assert len(rows) - len(asked) == _UNASKED
    assert all({"input", "prompt"} & row["request"]["body"].keys() for row in asked)
    return asked


def test_requests_reach_the_provider_as_they_came(recorded, share, pair) -> None:
    rows, same, refused = _asked(recorded), 0, collections.Counter[str]()
    for recording in rows:
        body = recording["request"]["body"]
        try:
            call = responses.read(parse(json.dumps(body, indent=1).encode()))
        except responses.InvalidRequest as error:
            refused[str(error.param)] += 1
            continue
        assert json.loads(OpenAI().outgoing(call, "theirs").body) == {**body, "model": "theirs"}, recording[
            "id"
        ]
        same += 1
    pair("responses", "responses (openai)", "requests", same, len(rows), by_name=len(rows) - same)
    share(f"responses requests sent on as they came; refused by name: {dict(refused)}", same, len(rows))
    share("recorded responses answers of which no request was recorded", _UNASKED, 386)
    assert not refused


def test_requests_reach_an_engine_as_they_came_or_are_refused_by_name(recorded, pair) -> None:
    """vLLM gets what it can do unchanged, as chat what only its chat understands, and nothing it would overlook."""
    rows = [row["request"]["body"] for row in _asked(recorded)]
    same, as_chat, refused = 0, 0, collections.Counter[str]()
    for body in rows:
        try:
            sent = VLLM().outgoing(responses.read(parse(json.dumps(body).encode())), "llama")
        except Unsupported as error:
            refused[next(why for why, names in _BEYOND.items() if names(error.field))] += 1
            continue
        if sent.path.endswith(b"/responses"):
            assert json.loads(sent.body) == {**body, "model": "llama", "input": _unsealed(body["input"])}
            same += 1
        else:
            _check_carried(body, json.loads(sent.body), "as chat")
            as_chat += 1
    assert same + as_chat + refused.total() == len(rows) == 355
    assert as_chat > 30
    assert refused == {"a tool that OpenAI runs": 31, "stored state": 19}
    pair("responses", "responses (vllm)", "requests", same + as_chat, len(rows), by_name=refused.total())


def _unsealed(given: Any) -> Any:
    """The input without thoughts that only their maker can read."""
    if isinstance(given, str):
        return given
    return [item for item in given if not (item.get("type") == "reasoning" and item.get("encrypted_content"))]


def test_errors(recorded, share) -> None:
    rows = [r for r in recorded("openai", _PATH) if r["response"]["status"] != 200]
    for recording in rows:
        status, body = recording["response"]["status"], _body(recording)
        refusal = OpenAI(api_key="sk-fake-key").refusal(status, (), body)
        if status == 401:
            assert (refusal.kind, refusal.status) == ("ours", 502)
        else:
            assert refusal.kind in ("client", "gone"), recording["id"]
            assert (refusal.status, refusal.body) == (status, body), recording["id"]
    share("responses errors judged", len(rows), len(rows))
    assert len(rows) == 8


# What neither chat nor messages has a word for, and the field that Weir's refusal names.
_BEYOND = {
    "a tool that OpenAI runs": lambda field: field.startswith("tools[") and field.endswith("].type"),
    "a summary that OpenAI sealed": lambda field: field.startswith("input[") and field.endswith("].type"),
    "stored state": lambda field: field in ("previous_response_id", "conversation", "prompt", "background"),
    "a file by reference": lambda field: field == "input",
    "log probabilities": lambda field: field == "include",
    "an option of OpenAI's": lambda field: field in ("service_tier", "moderation"),
}
_REFUSED = {  # of 355, by the dialect they were to become
    "chat": {
        "a tool that OpenAI runs": 31, "stored state": 19, "a file by reference": 10,
        "a summary that OpenAI sealed": 5, "log probabilities": 2, "an option of OpenAI's": 1,
    },
    "messages": {
        "a tool that OpenAI runs": 31, "stored state": 19, "a file by reference": 7,
        "a summary that OpenAI sealed": 5, "log probabilities": 2, "an option of OpenAI's": 3,
        "what messages cannot": 2,
    },
}  # fmt: skip


@pytest.mark.parametrize("backend", [_CHAT_ONLY, _CLAUDE], ids=["chat", "messages"])
def test_requests_are_carried_over_or_refused_by_name(recorded, share, pair, backend: Backend) -> None:
    carried, refused = 0, collections.Counter[str]()
    for recording in _asked(recorded):
        body = recording["request"]["body"]
        call = responses.read(parse(json.dumps(body).encode()))
        try:
            sent = json.loads(backend.outgoing(call, "claude-sonnet-4-6").body)
        except Unsupported as error:
            refused[_reason(error.field, body, backend)] += 1
            continue
        _check_carried(body, sent, recording["id"])
        carried += 1
    pair(
        "responses", sent_as(backend), "requests", carried, carried + refused.total(), by_name=refused.total()
    )
    share(f"responses requests carried to {sent_as(backend)}", carried, carried + refused.total())
    share(f"responses requests refused by name: {dict(refused)}", refused.total(), refused.total())
    assert carried + refused.total() == 355
    assert refused == _REFUSED[sent_as(backend)]


def _reason(field: str, body: dict[str, Any], backend: Backend) -> str:
    if backend is _CLAUDE and _beyond_messages(field, body):
        return "what messages cannot"
    return next(why for why, names in _BEYOND.items() if names(field))


def sent_as(backend: Backend) -> str:
    return "messages" if backend is _CLAUDE else "chat"


def _beyond_messages(field: str, body: dict[str, Any]) -> bool:
    """Sampling beside thinking; tools beside a JSON object without a schema."""
    if field == "text.format":
        return bool(body["tools"])
    return field in ("temperature", "top_p") and bool(body.get("reasoning"))


def _check_carried(body: dict[str, Any], sent: dict[str, Any], name: str) -> None:
    """Every word and every call of the conversation is in what is sent, in order, and every tool."""
    text = json.dumps(sent, ensure_ascii=False)
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    tools = [*(body.get("tools") or ()), *(tool for item in items for tool in item.get("tools") or ())]
    tools = list({tool["name"]: tool for tool in reversed(tools) if tool["type"] != "tool_search"})
    for item in items:
        if item.get("type") == "function_call":
            assert item["call_id"] in text, name
        content = item.get("content") or (
            item.get("output") if item.get("type") == "function_call_output" else None
        )
        for part in [{"text": content}] if isinstance(content, str) else content or ():
            if item.get("type") != "reasoning" and part.get("text"):
                assert json.dumps(part["text"], ensure_ascii=False)[1:-1] in text, name
    choice = body.get("tool_choice")
    allowed = [tool["name"] for tool in choice.get("tools", ())] if isinstance(choice, dict) else []
    tools = sorted(tool for tool in tools if tool in allowed or not allowed)
    sent_tools = sorted(tool.get("name") or tool["function"]["name"] for tool in sent.get("tools", []))
    assert sent_tools in (tools, ["answer_in_json"]), name  # the latter holds the answer to JSON
    assert bool(sent.get("stream")) == bool(body.get("stream")), name


def test_messages_answers_arrive_as_responses(recorded, share, pair, chunked) -> None:
    rows = [r for r in recorded("anthropic", "/v1/messages") if r["response"]["status"] == 200]
    for recording in rows:
        stream = "sse" in recording["response"]
        relay = _CLAUDE.relay(_call(stream=stream), "claude-sonnet-4-5", ())
        out = b"".join(relay.feed(piece) for piece in chunked(_body(recording), 2)) + relay.finish()
        assert relay.complete, recording["id"]
        assert (relay.usage.prompt, relay.usage.generated) == booked(recording), recording["id"]
        oracle.check_message(recording, oracle.assembled(out) if stream else json.loads(out))
    pair("responses", "messages", "answers", len(rows), len(rows))
    share("messages answers arrive as the right responses answer", len(rows), len(rows))
    assert len(rows) == 415


def test_chat_answers_arrive_as_responses(recorded, share, pair, chunked) -> None:
    rows = [r for r in recorded("openai", "/v1/chat/completions") if r["response"]["status"] == 200]
    rows = [r for r in rows if (r["request"]["body"].get("n") or 1) == 1]
    for recording in rows:
        stream = "sse" in recording["response"]
        relay = _CHAT_ONLY.relay(_call(stream=stream), "gpt", ())
        out = b"".join(relay.feed(piece) for piece in chunked(_body(recording), 3)) + relay.finish()
        assert relay.complete, recording["id"]
        oracle.check_chat(recording, oracle.assembled(out) if stream else json.loads(out))
    pair("responses", "chat", "answers", len(rows), len(rows))
    share("chat answers arrive as the right responses answer", len(rows), len(rows))
    assert len(rows) == 581


@pytest.mark.parametrize("name", ["responses.txt", "responses_stream.txt", "flags_responses.txt"])
def test_what_a_real_vllm_answered(share, chunked, name: str) -> None:
    path = _ENGINES / name
    if not path.exists():
        pytest.skip(f"shared/vllm/recorded/{name} is missing beside the checkout")
    body = path.read_bytes().partition(b"\n\n")[2].rstrip(b"\n")
    stream = body.startswith(b"event:")
    body += b"\n\n" if stream else b""
    relay = VLLM().relay(_call(stream=stream), "tiny", ())
    assert b"".join(relay.feed(piece) for piece in chunked(body, 4)) + relay.finish() == body
    assert relay.complete
    assert (relay.usage.prompt, relay.usage.generated, relay.finish_reason) == (13, 3, "stop")
    assert (relay.metrics is not None) == (b'"metrics"' in body)
    share(f"vLLM answer relayed byte for byte ({name})", 1, 1)
