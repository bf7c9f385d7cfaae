"""What a responses stream says, put together without any of Weir's code: the oracle of the dialect's tests.

It is stricter than the official library: numbers without a gap, nothing before its item is added or behind its done,
every delta in the whole it belongs to, and the last event holding all that came before.
"""

import json
from typing import Any

from tests.contract.messages_oracle import message_of

Json = dict[str, Any]
_LAST = ("response.completed", "response.incomplete", "response.failed")
_TEXTS = {  # events of a piece of text → the field that holds the whole of it
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_summary_text": "text",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}


def events_of(out: bytes) -> list[Json]:
    """The events of a stream; each is named as its type says."""
    assert out.endswith(b"\n\n")
    events = []
    for block in out.decode().split("\n\n")[:-1]:
        if block.startswith(":"):
            continue
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def assembled(out: bytes) -> Json:
    """The response a whole stream of Weir's making ends with, after checking all that led there."""
    events = events_of(out)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert all(event["response"]["status"] == "in_progress" for event in events[:2])
    last = events[-1]
    assert last["type"] in _LAST
    assert last["type"] == f"response.{last['response']['status']}"
    checked = _Checked()
    for event in events[2:-1]:
        checked.take(event)
    assert not checked.open
    assert not checked.texts
    assert [checked.done[i] for i in sorted(checked.done)] == last["response"]["output"]
    return last["response"]


class _Checked:
    def __init__(self) -> None:
        self.open: dict[int, str] = {}  # output index → item id
        self.done: dict[int, Json] = {}
        self.texts: dict[tuple[str, str], str] = {}  # (item id, kind) → what its deltas said

    def take(self, event: Json) -> None:
        kind, _, verb = event["type"].rpartition(".")
        index = event["output_index"]
        if event["type"] == "response.output_item.added":
            assert index == len(self.open) + len(self.done)
            self.open[index] = event["item"]["id"]
        elif event["type"] == "response.output_item.done":
            assert self.open.pop(index) == event["item"]["id"]
            self.done[index] = event["item"]
        else:
            assert self.open[index] == event["item_id"]
            if kind in _TEXTS:
                self._text(kind, verb, event)

    def _text(self, kind: str, verb: str, event: Json) -> None:
        key = (event["item_id"], kind)
        if verb == "delta":
            self.texts[key] = self.texts.get(key, "") + event["delta"]
        else:
            assert verb == "done"
            assert self.texts.pop(key, "") == event[_TEXTS[kind]]


def said(response: Json) -> str:
    """The words of a response."""
    return "".join(part.get("text", "") for part in _parts(response))


def refused(response: Json) -> str:
    """Its refusal."""
    return "".join(part.get("refusal", "") for part in _parts(response))


def thought(response: Json) -> str:
    """The model's thinking, as far as it may be read."""
    items = (item for item in response["output"] if item["type"] == "reasoning")
    return "".join(part["text"] for item in items for part in item["summary"])


def annotations(response: Json) -> list[Json]:
    """The citations of its words."""
    return [note for part in _parts(response) for note in part.get("annotations", ())]


def calls(response: Json) -> list[tuple[str, str, Any]]:
    """Call id, name and arguments of each function call."""
    items = (item for item in response["output"] if item["type"] == "function_call")
    return [(item["call_id"], item["name"], json.loads(item["arguments"] or "{}")) for item in items]


def _parts(response: Json) -> list[Json]:
    return [part for item in response["output"] if item["type"] == "message" for part in item["content"]]


def check_message(recording: Json, response: Json) -> None:
    """Assert that a response says what a recorded message says."""
    name, message = recording["id"], message_of(recording)
    blocks, usage = message["content"], message["usage"]

    def of(*kinds: str) -> list[dict[str, Any]]:
        return [block for block in blocks if block["type"] in kinds]

    assert said(response) == "".join(block["text"] for block in of("text")), name
    assert thought(response) == "".join(block["thinking"] for block in of("thinking")), name
    assert calls(response) == [(b["id"], b["name"], b["input"]) for b in of("tool_use")], name
    assert len(annotations(response)) == sum(len(b.get("citations") or ()) for b in of("text")), name
    seals = [item["encrypted_content"] for item in response["output"] if item["type"] == "reasoning"]
    signed = [b.get("signature") or b.get("data") for b in of("thinking", "redacted_thinking")]
    assert [seal.partition(":")[2] for seal in seals] == [seal or "" for seal in signed], name
    asides = [
        b["type"] for b in blocks if b["type"] not in ("text", "thinking", "redacted_thinking", "tool_use")
    ]
    assert [b["type"] for b in response.get("provider_blocks", [])] == asides, name
    cut = message["stop_reason"] == "max_tokens"
    assert response["status"] == ("incomplete" if cut else "completed"), name
    assert response["incomplete_details"] == ({"reason": "max_output_tokens"} if cut else None), name
    cached = usage.get("cache_read_input_tokens") or 0
    prompt = usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0)
    assert response["usage"]["input_tokens"] == prompt, name
    assert response["usage"]["input_tokens_details"]["cached_tokens"] == cached, name
    assert response["usage"]["output_tokens"] == usage["output_tokens"], name
    assert response["usage"]["total_tokens"] == prompt + usage["output_tokens"], name


def check_chat(recording: Json, response: Json) -> None:
    """Assert that a response says what a recorded chat answer of one choice says."""
    name = recording["id"]
    if "body" in recording["response"]:
        choices = [recording["response"]["body"]["choices"][0]]
        deltas = [choices[0]["message"]]
        usage = recording["response"]["body"].get("usage")
    else:
        lines = [
            line[5:].strip() for line in recording["response"]["sse"].splitlines() if line[:5] == "data:"
        ]
        chunks = [json.loads(line) for line in lines if line != "[DONE]"]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        deltas = [choice["delta"] for choice in choices]
        usage = next((chunk["usage"] for chunk in chunks if chunk.get("usage")), None)
    assert said(response) == "".join(delta.get("content") or "" for delta in deltas), name
    assert refused(response) == "".join(delta.get("refusal") or "" for delta in deltas), name
    begun = [
        call for delta in deltas for call in delta.get("tool_calls") or () if call["function"].get("name")
    ]
    called = [(call["id"], call["function"]["name"]) for call in begun]
    called += [("", delta["function_call"]["name"]) for delta in deltas if delta.get("function_call")]
    assert [call[:2] for call in calls(response)] == called, name
    finish = next(choice["finish_reason"] for choice in choices if choice["finish_reason"])
    assert response["status"] == ("incomplete" if finish == "length" else "completed"), name
    if usage is None:
        assert response["usage"] is None, name
    else:
        assert response["usage"]["input_tokens"] == usage["prompt_tokens"], name
        assert response["usage"]["output_tokens"] == usage["completion_tokens"], name
