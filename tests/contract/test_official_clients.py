"""What Weir writes, read by the providers' own client libraries: every recorded answer of the other provider."""

import json
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call
from adapters.document import parse
from adapters.openai import OpenAI

pytestmark = pytest.mark.recordings

_ASKED = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}'
_TURNS: Any = [{"role": "user", "content": "x"}]


def _transport(http: Any, backend: Backend, dialect: Any, recording: dict[str, Any]) -> Any:
    """Answers any request with the recorded answer as a client of `dialect` gets it through Weir."""
    response = recording["response"]
    stream = "sse" in response
    relay = backend.relay(Call(dialect, parse(_ASKED), stream, wants_usage=True), "m", ())
    body = response["sse"] if stream else json.dumps(response["body"])
    content = relay.feed(body.encode()) + relay.finish()
    return http.MockTransport(lambda _: http.Response(200, headers=list(relay.headers()), content=content))


def _joined(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def test_the_openai_library_reads_translated_messages(recorded, share) -> None:
    rows = [r for r in recorded("anthropic", "/v1/messages") if r["response"]["status"] == 200]
    for recording in rows:
        with httpx.Client(transport=_transport(httpx, Anthropic(), "chat", recording)) as http:
            client = openai.OpenAI(api_key="k", base_url="http://weir/v1", http_client=http, max_retries=0)
            if "sse" in recording["response"]:
                with client.chat.completions.stream(model="m", messages=_TURNS) as stream:
                    answer: Any = stream.until_done().current_completion_snapshot
            else:
                answer = client.chat.completions.create(model="m", messages=_TURNS)
                assert (answer.choices[0].message.content or "") == _joined(recording["response"]["body"])
        assert answer.choices[0].finish_reason in ("stop", "length", "tool_calls"), recording["id"]
        for call in answer.choices[0].message.tool_calls or ():
            assert isinstance(json.loads(call.function.arguments), dict), recording["id"]
        assert answer.usage.total_tokens > 0, recording["id"]
    share("messages answers read by the openai library", len(rows), len(rows))


def test_the_anthropic_library_reads_translated_chat(recorded, share) -> None:
    rows = [r for r in recorded("openai", "/v1/chat/completions") if r["response"]["status"] == 200]
    rows = [r for r in rows if (r["request"]["body"].get("n") or 1) == 1]
    for recording in rows:
        with httpx2.Client(transport=_transport(httpx2, OpenAI(), "messages", recording)) as http:
            client = anthropic.Anthropic(api_key="k", base_url="http://weir", http_client=http, max_retries=0)
            if "sse" in recording["response"]:
                with client.messages.stream(model="m", max_tokens=9, messages=_TURNS) as stream:
                    message: Any = stream.get_final_message()
            else:
                message = client.messages.create(model="m", max_tokens=9, messages=_TURNS)
                told = recording["response"]["body"]["choices"][0]["message"]
                said = told.get("content") or told.get("refusal") or ""
                assert _joined(message.model_dump()) == said, recording["id"]
        assert message.stop_reason in ("end_turn", "max_tokens", "tool_use"), recording["id"]
        assert all(isinstance(b.input, dict) for b in message.content if b.type == "tool_use"), recording[
            "id"
        ]
    share("chat answers read by the anthropic library", len(rows), len(rows))
