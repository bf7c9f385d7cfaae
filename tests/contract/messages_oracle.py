"""What a recorded messages answer means, told without any of Weir's code: the oracle of the translation's tests."""

import json
from typing import Any

Recording = dict[str, Any]
Answer = dict[str, Any]  # message, calls by index, finish, usage

_FINISH = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls", "max_tokens": "length"}


def message_of(recording: Recording) -> dict[str, Any]:
    """The message in a recording; a stream's events put together with nothing of ours. Four recordings string
    the answers of several calls together: an answer is one message, so what follows the first is not of it."""
    if "body" in recording["response"]:
        return recording["response"]["body"]
    message: dict[str, Any] = {}
    texts: dict[int, list[str]] = {}
    for line in recording["response"]["sse"].splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {"type": "no data"}
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
        elif event["type"] == "message_stop":
            break
        elif event["type"].startswith("content_block"):
            _add_block_event(message["content"], texts, event)
    for index, block in enumerate(message["content"]):
        said = "".join(texts.get(index, []))
        if block["type"] in ("text", "thinking"):
            block[block["type"]] += said
        elif said:
            block["input"] = json.loads(said)
    return message


def _add_block_event(
    content: list[dict[str, Any]], texts: dict[int, list[str]], event: dict[str, Any]
) -> None:
    if event["type"] == "content_block_start":
        content.append(event["content_block"])
        return
    if event["type"] == "content_block_stop":
        return
    block, delta = content[event["index"]], event["delta"]
    said = [delta[field] for field in ("text", "thinking", "partial_json") if field in delta]
    texts.setdefault(event["index"], []).extend(said)
    if "signature" in delta:
        block["signature"] = delta["signature"]
    if "citation" in delta:
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]


def assembled(out: bytes) -> Answer:
    """A chat stream put together as an OpenAI client does: strings joined, calls by index, lists extended."""
    answer: Answer = {"message": {}, "calls": {}, "usage": None, "finish": None}
    events = out.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    for event in events[:-2]:
        if event.startswith(":"):
            continue
        chunk = json.loads(event.removeprefix("data: "))
        answer["usage"] = chunk.get("usage") or answer["usage"]
        for choice in chunk["choices"]:
            _add_delta(answer, choice["delta"])
            answer["finish"] = choice["finish_reason"] or answer["finish"]
    return answer


def _add_delta(answer: Answer, delta: dict[str, Any]) -> None:
    assert answer["finish"] is None, "a delta came behind the finish"
    for key, value in delta.items():
        if key == "tool_calls":
            for piece in value:
                call = answer["calls"].setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] += piece.get("id", "")
                call["name"] += piece["function"].get("name", "")
                call["arguments"] += piece["function"]["arguments"]
        elif isinstance(value, str):
            answer["message"][key] = answer["message"].get(key, "") + value
        else:
            entries = answer["message"].setdefault(key, [])
            for entry in value:
                assert entry.pop("index") == len(entries)
                entries.append(entry)


def read_whole(out: bytes) -> Answer:
    """A whole chat answer in the form of `assembled`."""
    answer = json.loads(out)
    choice = answer["choices"][0]
    calls = enumerate(choice["message"].get("tool_calls", []))
    return {
        "message": choice["message"],
        "calls": {i: {"id": call["id"], **call["function"]} for i, call in calls},
        "finish": choice["finish_reason"],
        "usage": answer["usage"],
    }


def check(recording: Recording, answer: Answer) -> tuple[int, int]:
    """Assert that a chat client's answer says what the recording does; the tokens to book, as `booked`."""
    name, message = recording["id"], message_of(recording)
    blocks = message["content"]

    def of(*kinds: str) -> list[dict[str, Any]]:
        return [block for block in blocks if block["type"] in kinds]

    told = answer["message"]
    assert (told.get("content") or "") == "".join(block["text"] for block in of("text")), name
    assert told.get("reasoning_content", "") == "".join(block["thinking"] for block in of("thinking")), name
    signed = [b for b in of("thinking", "redacted_thinking") if b.get("signature") or b.get("data")]
    assert [b.get("signature") or b.get("data") for b in signed] == [
        b.get("signature") or b.get("data") for b in told.get("thinking_blocks", [])
    ], name
    calls = of("tool_use")
    assert sorted(answer["calls"]) == list(range(len(calls))), name
    for index, call in enumerate(calls):
        got = answer["calls"][index]
        assert (got["id"], got["name"]) == (call["id"], call["name"]), name
        assert json.loads(got["arguments"]) == call["input"], name
    asides = [b for b in blocks if b["type"] not in ("text", "thinking", "redacted_thinking", "tool_use")]
    assert [b["type"] for b in told.get("provider_blocks", [])] == [b["type"] for b in asides], name
    cited = sum(len(b.get("citations") or ()) for b in of("text"))
    assert len(told.get("annotations", [])) == cited, name
    assert answer["finish"] == _FINISH[message["stop_reason"]], name
    _check_usage(answer["usage"], message["usage"], name)
    return booked(recording)


def _check_usage(got: dict[str, Any], said: dict[str, Any], name: str) -> None:
    cached = said.get("cache_read_input_tokens") or 0
    written = said.get("cache_creation_input_tokens") or 0
    assert got["prompt_tokens"] == said["input_tokens"] + cached + written, name
    assert got["completion_tokens"] == said["output_tokens"], name
    assert got["prompt_tokens_details"]["cached_tokens"] == cached, name
    assert got["total_tokens"] == got["prompt_tokens"] + got["completion_tokens"], name


def booked(recording: Recording) -> tuple[int, int]:
    """Prompt and answer tokens to book: the totals, and the compactions that Anthropic bills beside them."""
    usage = message_of(recording)["usage"]
    parts = [usage, *(i for i in usage.get("iterations") or () if i["type"] == "compaction")]
    prompt = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return (
        sum(part.get(key) or 0 for part in parts for key in prompt),
        sum(part["output_tokens"] for part in parts),
    )


def check_message(recording: Recording, message: dict[str, Any]) -> None:
    """Assert that a message says what a recorded chat answer of one choice says."""
    name = recording["id"]
    if "body" in recording["response"]:
        choice = recording["response"]["body"]["choices"][0]
        told, finish = choice["message"], choice["finish_reason"]
        text = told.get("content") or told.get("refusal") or ""
        calls = [c["function"]["name"] for c in told.get("tool_calls") or ()]
        calls += [told["function_call"]["name"]] if told.get("function_call") else []
    else:
        lines = [
            line[5:].strip() for line in recording["response"]["sse"].splitlines() if line[:5] == "data:"
        ]
        choices = [c for line in lines if line != "[DONE]" for c in json.loads(line)["choices"]]
        finish = next(c["finish_reason"] for c in choices if c["finish_reason"])
        text = "".join(c["delta"].get("content") or c["delta"].get("refusal") or "" for c in choices)
        pieces = [t for c in choices for t in c["delta"].get("tool_calls") or ()]
        calls = [t["function"]["name"] for t in pieces if t["function"].get("name")]
    got_text = "".join(block["text"] for block in message["content"] if block["type"] == "text")
    assert got_text == text, name
    assert [b["name"] for b in message["content"] if b["type"] == "tool_use"] == calls, name
    expected = {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "function_call": "tool_use",
    }
    assert message["stop_reason"] == expected[finish], name
