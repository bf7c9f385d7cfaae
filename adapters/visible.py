"""What of a request the model would see: every string it holds, and the kinds of content that cannot be read.

The walk is generic on purpose. It knows a few shapes (messages, media, data URLs) in order to name where a
text comes from and to tell what is opaque; everything else it merely descends into, so a field nobody has
heard of is judged like any other. Nothing here recurses without bound, and only what is decoded is copied.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from adapters.call import Dialect


@dataclass(slots=True)  # not frozen: one for every request; nobody changes one
class Visible:
    """One request as the model would see it. `repr()` shows no text."""

    texts: tuple[tuple[str, str], ...] = field(
        repr=False
    )  # (origin, text): system, user, tool, name, file, …
    turns: tuple[tuple[str, str], ...] = field(repr=False)  # (role, text) in order: what was said, by whom
    opaque: tuple[str, ...] = ()  # image, audio, file, file_id, remote_url, token_ids, response_id; each once
    tools: int = 0  # tools declared
    schema: bool = False  # an output schema is declared
    ids: int = 0  # tokens given as ids, which nobody here can read


def visible(values: Mapping[str, Any], dialect: Dialect) -> Visible:
    """Read `values` (a parsed body's top-level members) as `dialect` means them. Never raises on JSON."""
    walk = _Walk()
    conversation = _CONVERSATIONS[dialect]
    for key, value in values.items():
        if key in conversation:
            _conversation(walk, conversation[key], value)
        elif key == "tools" or key == "functions":
            walk.tools += len(value) if isinstance(value, list) else 0
            walk.descend(value, "tools")
        elif key in _POINTERS:
            if value:
                walk.opaque[_POINTERS[key]] = None
                walk.descend(value, key)
        elif value.__class__ is str:
            if key not in _NOT_FOR_THE_MODEL:
                walk.texts.append(("name", key))
                walk.string(value, key)
        elif value.__class__ is dict or value.__class__ is list or value.__class__ is int:
            walk.schema = walk.schema or (key in _SCHEMAS and _declares(key, value))
            if value.__class__ is not int or value > _LONG_NUMBER:
                walk.texts.append(("name", key))
            walk.descend(value, key)
    texts, turns, opaque = tuple(walk.texts), tuple(walk.turns), tuple(walk.opaque)
    return Visible(texts, turns, opaque, walk.tools, walk.schema, walk.ids)


# Where each dialect keeps what was said, and by whom where the field itself says so.
_CONVERSATIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {"messages": "user"},
    "messages": {"system": "system", "messages": "user"},
    "responses": {"instructions": "system", "input": "user"},
    "completions": {"prompt": "user", "suffix": "user"},
    "embeddings": {"input": "user", "messages": "user"},
    "rerank": {"query": "user", "documents": "user"},
    "score": dict.fromkeys(("queries", "documents", "items", "data_1", "data_2", "text_1", "text_2"), "user"),
    "count_tokens": {"system": "system", "messages": "user"},
    "tokenize": {"prompt": "user", "messages": "user"},
    "detokenize": {"tokens": "user"},
    "files": {"file": "user"},
    "file": {},
}
_POINTERS: Final = {  # top-level fields that stand for text held elsewhere
    "previous_response_id": "response_id",
    "conversation": "response_id",
    "prompt": "response_id",  # a stored prompt, in the responses dialect; completions reads its own above
    "prompt_token_ids": "token_ids",
    "prompt_embeds": "token_ids",
}
_NOT_FOR_THE_MODEL: Final = frozenset({"model"})
_SCHEMAS: Final = frozenset(
    {"response_format", "text", "output_config", "output_format", "guided_json", "structured_outputs"}
)
_FORMAT_HOLDERS: Final = frozenset({"text", "output_config"})  # a schema is their `format`; they hold more
_LONG_NUMBER: Final = 999_999  # a number of seven digits may identify somebody
_WIRE: Final = (  # values of `type` and `role`: no text of anybody's
    "text input_text output_text refusal image_url input_image image file input_file document input_audio audio "
    "function function_call function_call_output custom_tool_call custom_tool_call_output summary_text reasoning_text "
    "item_reference compaction mcp web_search file_search code_interpreter "
    "tool_use tool_result message reasoning thinking custom "
    "string object array number integer boolean null json_schema json_object auto "
    "system developer user assistant tool base64 url"
)
_WORDS_OF_THE_WIRE: Final = frozenset(_WIRE.split())
_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/x-ndjson", "application/yaml")
_MEDIA: Final = {  # content parts whose payload is no text, and what it is called
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "input_audio": "audio",
    "audio": "audio",
    "audio_url": "audio",
    "video": "file",
    "video_url": "file",
    "input_video": "file",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "container_upload": "file_id",
}


class _Walk:
    """What was seen so far. One per request."""

    __slots__ = ("ids", "opaque", "schema", "texts", "tools", "turns")

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.turns: list[tuple[str, str]] = []
        self.opaque: dict[str, None] = {}  # a set that keeps its order
        self.tools = 0
        self.schema = False
        self.ids = 0

    def token_ids(self, items: list[Any]) -> bool:
        """Take a prompt given as token ids. False where the list is none."""
        if not items or not all(item.__class__ is int for item in items):
            return False
        self.ids += len(items)
        self.opaque["token_ids"] = None
        return True

    def string(self, text: str, origin: str) -> None:
        """One string value: a data URL is opened, anything else is text."""
        if text[:5] in _DATA_SCHEMES:
            self.data_url(text, origin)
        elif text:
            self.texts.append((origin, text))

    def data_url(self, url: str, origin: str) -> None:
        """`data:text/plain;base64,…` becomes its text; other media are opaque; the rest is text."""
        comma = url.find(",", 0, _LONGEST_HEAD)  # a picture is not copied to be told from a text
        head = url[: max(comma, 0)]
        mime = head[5:].split(";", 1)[0].strip().lower()
        if comma < 0:
            self.texts.append((origin, url))
        elif mime and not mime.startswith(_TEXTUAL):
            self.texts.append((origin, head))
            if mime == "application/octet-stream":
                self._unnamed(url[comma + 1 :], "file", origin)
            else:
                self.opaque[_kind_of(mime, "file")] = None
        else:
            payload = url[comma + 1 :]
            decoded = _unbase64(payload) if "base64" in head.lower() else unquote_to_bytes(payload)
            if decoded is None:
                self.opaque["file"] = None
            else:
                self.texts.append((origin, decoded.decode("utf-8", "replace")))

    def part(self, part: Mapping[str, Any], origin: str) -> bool:
        """Take a content part that holds media. False where it holds none: walk it like anything else."""
        kind = _MEDIA.get(part["type"]) if part.get("type").__class__ is str else None
        if kind is None:
            return False
        inner = part.get(part["type"])
        source = part.get("source")
        for holder in (part, inner, source):
            if isinstance(holder, dict):
                self._holder(holder, kind, origin)
            elif isinstance(holder, str):
                self._address(holder, kind, origin)
        return True

    def _holder(self, holder: Mapping[str, Any], kind: str, origin: str) -> None:
        """The object that carries a payload under one of the names the dialects use."""
        mime = holder.get("media_type") or holder.get("mime_type") or ""
        textual = (isinstance(mime, str) and mime.startswith(_TEXTUAL)) or holder.get("type") == "text"
        for key, value in holder.items():
            if key in ("type", "source", "detail", "media_type") and value.__class__ is str:
                if value not in _WORDS_OF_THE_WIRE:
                    self.texts.append((origin, value))
            elif key in ("data", "file_data") and value.__class__ is str:
                self._payload(value, kind, textual, bool(mime), holder.get("type"), origin)
            elif key in ("url", "image_url", "file_url", "audio_url", "video_url") and value.__class__ is str:
                self._address(value, kind, origin)
            elif key in ("file_id", "id") and value.__class__ is str:
                self.opaque["file_id"] = None
                self.texts.append((origin, value))
            elif not isinstance(value, dict) or (key not in _MEDIA and key != "source"):
                self.descend(value, "file" if key in ("filename", "title") else origin)

    def _payload(self, value: str, kind: str, textual: bool, named: bool, source: Any, origin: str) -> None:
        if value[:5] in _DATA_SCHEMES:
            self.data_url(value, origin)
        elif source == "text":  # a document given as plain text
            self.texts.append((origin, value))
        elif textual:
            decoded = _unbase64(value)
            self.texts.append((origin, value if decoded is None else decoded.decode("utf-8", "replace")))
        elif named:
            self.opaque[kind] = None
        else:
            self._unnamed(value, kind, origin)

    def _unnamed(self, payload: str, kind: str, origin: str) -> None:
        """Base64 of nobody says what: text if it reads like text, else opaque."""
        decoded = _unbase64(payload) if kind == "file" else None
        if decoded is None or decoded.translate(None, _TEXT_BYTES):
            self.opaque[kind] = None
        else:
            self.texts.append((origin, decoded.decode("utf-8", "replace")))

    def _address(self, value: str, kind: str, origin: str) -> None:
        if value[:5] in _DATA_SCHEMES:
            self.data_url(value, origin)
            return
        self.texts.append((origin, value))  # an address can carry data of its own
        self.opaque["remote_url" if "://" in value[:12] else kind] = None

    def descend(self, value: Any, origin: str) -> None:
        """Every string below `value`, with the names of the members that hold them, in document order."""
        stack: list[tuple[Any, str]] = [(value, origin)]
        while stack:
            item, where = stack.pop()
            kind = item.__class__
            if kind is str:
                self.string(item, where)
            elif kind is dict:
                if not self.part(item, where):
                    self._members(item, where, stack)
            elif kind is list:
                if not self.token_ids(item):
                    stack.extend((child, where) for child in reversed(item))
            elif (kind is int or kind is float) and abs(item) > _LONG_NUMBER:
                self.texts.append((where, str(item)))

    def _members(self, item: Mapping[str, Any], where: str, stack: list[tuple[Any, str]]) -> None:
        """Put an object's members on the stack, each behind its name: a name is context for its value."""
        for key, value in reversed(tuple(item.items())):
            if (key == "type" or key == "role") and value.__class__ is str and value in _WORDS_OF_THE_WIRE:
                continue
            if value.__class__ is bool or value is None:
                stack.append((key, "name"))
            else:
                if (
                    where == "tools" and key in _ELSEWHERE and value.__class__ is not dict
                ):  # a schema's property
                    self.opaque[_ELSEWHERE[key]] = None
                stack.append((value, _ORIGINS.get(key, where)))
                if key not in _PLAIN_NAMES:
                    stack.append((key, "name"))


_LONGEST_HEAD: Final = 200  # characters of a data URL before its comma
_TEXT_BYTES: Final = bytes([9, 10, 12, 13, *range(32, 127), *range(128, 256)])
_DATA_SCHEMES: Final = frozenset({"data:", "DATA:", "Data:"})
_ORIGINS: Final = {  # `sealed`: thoughts that only the provider who made them can open
    "filename": "file", "name": "name", "encrypted_content": "sealed", "signature": "sealed",
    "tools": "tools",
}  # fmt: skip
_ELSEWHERE: Final = {  # what a tool of the provider's will read, which does not stand in the request
    "vector_store_ids": "file_id",
    "file_ids": "file_id",
    "server_url": "remote_url",
    "connector_id": "remote_url",
    "container": "file_id",
}
_SPEAKERS: Final = {  # items of the responses dialect that are no messages, and whose words they are
    "function_call": "tool_call",
    "custom_tool_call": "tool_call",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
    "reasoning": "assistant",
    "compaction": "assistant",
}
_REFERENCES: Final = frozenset({"item_reference", "compaction"})  # they stand for what was said before
_BARE: Final = frozenset({"id"})  # what an item reference has that does not say it is one
_PLAIN: Final = (
    "content text name description parameters properties function arguments input output type id call_id summary "
    "encrypted_content"
)
_PLAIN_NAMES: Final = frozenset(_PLAIN.split())  # names that every request has: context for nothing


def _conversation(walk: _Walk, speaker: str, value: Any) -> None:
    """A conversation: one string, or a list of messages, items, parts or prompts."""
    if isinstance(value, str):
        walk.string(value, speaker)
        walk.turns.append((speaker, value))
    elif isinstance(value, list):
        if walk.token_ids(value):
            return
        for item in value:
            if item.__class__ is dict and _is_message(item):
                _message(walk, item, speaker)
            else:
                _loose_item(walk, item, speaker)
    else:
        walk.descend(value, speaker)


def _is_message(item: Mapping[str, Any]) -> bool:
    return ("role" in item or "content" in item) and item.get("type") != "reasoning"


def _message(walk: _Walk, message: Mapping[str, Any], speaker: str) -> None:
    """One message: what was said is a turn; whatever else it holds is text all the same."""
    role = message.get("role", speaker)
    if role.__class__ is not str:
        role = speaker
    elif role not in _WORDS_OF_THE_WIRE:
        walk.texts.append(("name", role))
    for key, value in message.items():
        if key == "content":
            if value.__class__ is str:
                walk.string(value, role)
                walk.turns.append((role, value))
            elif value is not None:
                walk.turns.append((role, _spoken(value)))
                walk.descend(value, role)
        elif key == "tool_calls" or key == "function_call":
            walk.descend(value, "tool_call")
        elif key != "role" and value is not None:
            if key == "audio":  # an earlier spoken answer, kept at the provider
                walk.opaque["audio"] = None
            walk.descend({key: value}, role)


def _loose_item(walk: _Walk, item: Any, speaker: str) -> None:
    """An item that is no message: one prompt of several, a tool's call or result, a reference."""
    if item.__class__ is dict:
        kind = item.get("type")
        if (kind.__class__ is str and kind in _REFERENCES) or item.keys() == _BARE:
            walk.opaque["response_id"] = None
        speaker = _SPEAKERS.get(kind, speaker) if kind.__class__ is str else speaker
        spoken = item.get("text") or item.get("output")
        if spoken.__class__ is str or spoken.__class__ is list:
            walk.turns.append((speaker, _spoken(spoken)))
    elif item.__class__ is str:
        walk.turns.append((speaker, item))
    walk.descend(item, speaker)


def _spoken(content: Any) -> str:
    """The text parts of a message's content, in order."""
    parts: Iterable[Any] = content if isinstance(content, list) else (content,)
    said = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "\n".join(text for text in said if isinstance(text, str))


def _declares(key: str, value: Any) -> bool:
    """Whether a field that may hold an output schema does."""
    if key in _FORMAT_HOLDERS and isinstance(value, dict):
        value = value.get("format")
    return isinstance(value, dict) and value.get("type") != "text"


def _unbase64(payload: str) -> bytes | None:
    """Decoded base64, plain or URL-safe, with or without padding; None where it is none."""
    compact = "".join(payload.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _kind_of(mime: str, default: str) -> str:
    family = mime.split("/", 1)[0]
    return family if family in ("image", "audio") else default
