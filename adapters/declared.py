"""What a request declared its answer to be, and what its answer is: in one form, whatever the dialect.

For who judges answers. Both are read from the client's side: the request as the client sent it, the answer as the
client would be given it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from adapters.call import Call, Dialect
from adapters.chat import (
    Answer,
    Argued,
    Called,
    Ended,
    Event,
    Finish,
    Format,
    Json,
    Part,
    Said,
    Text,
    ToolCall,
    Whole,
)
from adapters.dialects import sse
from adapters.dialects.chat import answer as chat
from adapters.dialects.chat import reading as chat_stream
from adapters.dialects.chat import request as chat_request
from adapters.dialects.ingress import INGRESS
from adapters.dialects.messages import answer as messages
from adapters.dialects.messages import reading as messages_stream
from adapters.dialects.messages import request as messages_request
from adapters.dialects.messages.offered import tools_on_the_way
from adapters.dialects.relaying import MISSHAPEN
from adapters.dialects.responses import request as responses_request
from adapters.dialects.responses.offered import items_bring_tools
from adapters.dialects.responses.whole import read_answer, read_stream
from adapters.errors import Unsupported, UpstreamError

TALKING: Final[frozenset[Dialect]] = frozenset(
    {"chat", "responses", "messages"}
)  # whose answers can be read here

_FORMATS: Final = {
    "chat": chat_request.read_format,
    "responses": responses_request.read_format,
    "messages": messages_request.read_format,
}
_WHOLE: Final = {"chat": chat.read_answer, "responses": read_answer, "messages": messages.read_answer}


@dataclass(frozen=True, slots=True)
class Declared:
    """The JSON an answer must be (None: any words), the JSON Schema of each tool's arguments (None: some tool is not
    a plain function), and the client's own limit in tokens."""

    format: Format | None = None
    tools: Mapping[str, Json] | None = None
    limit: int | None = None


def declared(call: Call) -> Declared:
    """What the request says of its answer; what is not as its dialect has it says nothing."""
    values = call.document.values
    try:
        format_ = _FORMATS[call.dialect](values)
    except (Unsupported, *MISSHAPEN):
        format_ = None
    tools = None if _declared_elsewhere(call) else _tools(values)
    return Declared(format_, tools, INGRESS[call.dialect].max_output_tokens(values))


def answered(dialect: Dialect, body: bytes) -> Answer | None:
    """A whole answer; of several choices, the first. None where it is not shaped as its dialect says."""
    try:
        return _WHOLE[dialect](orjson.loads(body))
    except (UpstreamError, *MISSHAPEN):
        return None


def streamed(dialect: Dialect, run: bytes) -> Answer | None:
    """What whole events of a stream have told of the answer so far, from its first one on. None as `answered`."""
    try:
        events = [orjson.loads(data) for event in sse.split(run) if (data := _data(event))]
        if dialect == "responses":
            return read_stream(events)
        reader = chat_stream.StreamReader() if dialect == "chat" else messages_stream.StreamReader()
        told = [told for event in events for told in reader.read(event)]
        return _assembled(told, reader.ending().finish if reader.ended else None)
    except (UpstreamError, *MISSHAPEN):
        return None


def _data(event: bytes) -> bytes | None:
    data = sse.payload(event)
    return None if data is None or data.strip() == b"[DONE]" else data


def _assembled(events: Iterable[Event], finish: Finish | None) -> Answer:
    """The answer that events tell, without ids."""
    texts: list[str] = []
    refusal = ""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    whole: list[Part] = []
    for event in events:
        match event:
            case Said("text", text):
                texts.append(text)
            case Said("refusal", text):
                refusal += text
            case Called(index, _, name):
                names[index] = name
            case Argued(index, piece):
                arguments[index] = arguments.get(index, "") + piece
            case Whole(part):
                whole.append(part)
            case Ended(ended):
                finish = ended
    calls = (ToolCall("", name, arguments.get(index, "")) for index, name in names.items())
    parts = (*(Text(text) for text in texts), *calls, *(part for part in whole if not isinstance(part, Text)))
    return Answer("", "", parts, finish, refusal=refusal or None)


def _declared_elsewhere(call: Call) -> bool:
    """Whether functions stand in the old form, or tools in the conversation itself."""
    values = call.document.values
    if call.dialect == "chat":
        return bool(values.get("functions"))
    return (tools_on_the_way if call.dialect == "messages" else items_bring_tools)(values)


def _tools(values: Mapping[str, Any]) -> Mapping[str, Json] | None:
    tools: dict[str, Json] = {}
    for tool in values.get("tools") or ():
        if not isinstance(tool, dict):
            return None
        inner = tool.get("function")
        function = inner if isinstance(inner, dict) else tool
        schema = function.get("parameters") or function.get("input_schema") or {}
        plain = tool.get("type") in (None, "function", "custom") and "format" not in tool
        if not plain or not isinstance(function.get("name"), str) or not isinstance(schema, dict):
            return None
        tools[function["name"]] = schema
    return tools
