"""Whole responses: what their status means, what of the request they repeat, and the items they are made of."""

import re
from collections.abc import Mapping
from typing import Any, Final

from adapters.chat import Ended, Finish, Json, Text, Thinking
from adapters.dialects.checks import OWN_METADATA
from adapters.dialects.encoding import read_arguments, to_text
from adapters.dialects.responses.sealing import sealed
from adapters.dialects.responses.usage import write_usage

_unfit_for_an_id = re.compile(r"[^A-Za-z0-9_-]").sub

TERMINAL: Final = {  # how a response may end → the stream's last event
    "completed": "response.completed",
    "incomplete": "response.incomplete",
    "failed": "response.failed",
    "cancelled": "response.failed",
}
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_LONGEST_BASE: Final = 48  # characters of an id that items' ids are made from: OpenAI takes ids of up to 64


def read_finish(response: Json) -> Finish | None:
    """How a response finished; None while it has not, or where it failed."""
    status = response.get("status")
    if status == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    if status in ("failed", "cancelled", "queued", "in_progress"):
        return None
    calls = any(item.get("type") in _CALLS for item in response.get("output") or ())
    return "tool_calls" if calls else "stop"


def read_error(response: Json) -> str | None:
    """Why a response failed, if it did."""
    error = response.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "the provider sent an error")
    if response.get("status") in ("failed", "cancelled"):
        return f"the provider ended the response as {response['status']}"
    return str(error) if error else None


def response_id(id_: str) -> str:
    """An id a responses client takes for a response's."""
    return id_ if id_.startswith("resp_") else f"resp_{id_}"


def item_id(kind: str, id_: str, index: int) -> str:
    """The id of the item at `index` of a response: `kind` is `msg`, `rs`, `fc` or `ctc`, as OpenAI has them."""
    return f"{kind}_{_unfit_for_an_id('_', id_)[-_LONGEST_BASE:]}_{index}"


def echo(values: Mapping[str, Any]) -> Json:
    """What a response repeats of its request, as one that is stored nowhere."""
    metadata = values.get("metadata") or {}
    return {
        "background": False,
        "instructions": values.get("instructions"),
        "max_output_tokens": values.get("max_output_tokens"),
        "max_tool_calls": values.get("max_tool_calls"),
        "metadata": {key: value for key, value in metadata.items() if key not in OWN_METADATA},
        "parallel_tool_calls": values.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None, **(values.get("reasoning") or {})},
        "service_tier": values.get("service_tier") or "auto",
        "store": False,
        "temperature": values.get("temperature"),
        "text": {"format": {"type": "text"}, **(values.get("text") or {})},
        "tool_choice": values.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in values.get("tools") or ()],
        "top_p": values.get("top_p"),
        "truncation": "disabled",
        "user": values.get("user"),
    }


def _tool(tool: Json) -> Json:
    return {"parameters": None, "strict": None, **tool} if tool.get("type") == "function" else tool


def ended(end: Ended) -> Json:
    """The members of a response that tell its end."""
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(end.finish)
    return {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "usage": write_usage(end.usage),
    }


def message(id_: str, status: str, parts: list[Json]) -> Json:
    """What the model said, as an item."""
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": parts}


def text_part(text: str, annotations: list[Json]) -> Json:
    """Words, as a part of a message."""
    return {"type": "output_text", "annotations": annotations, "logprobs": [], "text": text}


def refusal_part(text: str) -> Json:
    """A refusal, as a part of a message."""
    return {"type": "refusal", "refusal": text}


def reasoning(id_: str, thought: Thinking) -> Json:
    """What the model thought, as an item."""
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    return {"id": id_, "type": "reasoning", "summary": summary, "encrypted_content": sealed(thought)}


def call(id_: str, call_id: str, name: str, arguments: str, status: str) -> Json:
    """A call of a function, as an item."""
    return {
        "id": id_,
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": call_id,
        "name": name,
    }


def custom_call(id_: str, call_id: str, name: str, text: str, status: str) -> Json:
    """A call of a tool that takes free text, as an item."""
    return {
        "id": id_,
        "type": "custom_tool_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "input": text,
    }


def free_text(arguments: str) -> str:
    """A custom tool's input, out of the arguments of the function that stands in for it."""
    if not arguments:
        return ""
    given = read_arguments(arguments)
    text = given.get("input", given.get("arguments"))  # the latter: what is no JSON, because a limit cut it
    return text if isinstance(text, str) else to_text(given)


def annotations(cited: Text, end: int) -> list[Json]:
    """The citations of the text that ends at character `end` of its part. What is no web page counts as a file."""
    return [_annotation(citation, end - len(cited.text), end) for citation in cited.citations]


def _annotation(citation: Json, start: int, end: int) -> Json:
    if isinstance(citation.get("url"), str):
        title = citation.get("title") or ""
        return {
            "type": "url_citation",
            "url": citation["url"],
            "title": title,
            "start_index": start,
            "end_index": end,
        }
    name = citation.get("document_title") or citation.get("title") or ""
    file = {"file_id": citation.get("file_id") or "", "filename": name, "index": end}
    return {"type": "file_citation", **file, "citation": citation}
