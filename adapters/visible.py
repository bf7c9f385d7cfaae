"""What of a request the model would see: every string it holds, and the kinds of content that cannot be read.

The walk is generic on purpose. It knows a few shapes (messages, media, data URLs) in order to name where a
text comes from and to tell what is opaque; everything else it merely descends into, so a field nobody has
heard of is judged like any other. Nothing here recurses without bound, and only what is decoded is copied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from adapters.call import Dialect, Headers
from adapters.carried import carried
from adapters.fields import CONVERSATIONS, FORMAT_HOLDERS, NOT_FOR_THE_MODEL, POINTERS, SCHEMAS, SETTINGS
from adapters.textual import is_textual, readings, reads_like_text, unbase64


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


def visible(values: Mapping[str, Any], dialect: Dialect, headers: Headers = ()) -> Visible:
    """Read `values` (a parsed body's top-level members) as `dialect` means them, and the `headers` that travel with
    them. Never raises on JSON."""
    walk = _Walk()
    conversation = CONVERSATIONS[dialect]
    for key, value in values.items():
        if key in conversation:
            _conversation(walk, conversation[key], value)
        elif key == "tools" or key == "functions":
            walk.tools += len(value) if isinstance(value, list) else 0
            walk.descend(value, "tools")
        elif key in POINTERS:
            if value:
                walk.opaque[POINTERS[key]] = None
                walk.descend(value, key)
        elif value.__class__ is str:
            if key not in NOT_FOR_THE_MODEL:
                walk.texts.append(("name", key))
                walk.string(value, key)
        elif value.__class__ is dict or value.__class__ is list:
            walk.schema = walk.schema or (key in SCHEMAS and _declares(key, value))
            walk.texts.append(("name", key))
            walk.descend(value, key)
        else:
            walk.setting(key, value)
    walk.texts += carried(headers)
    texts, turns, opaque = tuple(walk.texts), tuple(walk.turns), tuple(walk.opaque)
    return Visible(texts, turns, opaque, walk.tools, walk.schema, walk.ids)


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
    "document_url": "file",
    "container_upload": "file_id",
}
_UNTYPED: Final = {  # the same by the name of the member that holds them, where no `type` says so (vLLM does without)
    "image_url": "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "video_url": "file",
    "document_url": "file",
    "file_id": "file_id",
}
_ASKING: Final = frozenset({"user", "system", "developer"})  # whose content such members are looked for in


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
        if not items or items[0].__class__ is not int or not all(item.__class__ is int for item in items):
            return False
        self.ids += len(items)
        self.opaque["token_ids"] = None
        return True

    def setting(self, key: str, value: Any) -> None:
        """A number, true, false or null at the top: read where anybody's text may stand in it, or in its name."""
        if key not in SETTINGS or (value.__class__ is not bool and value and abs(value) > _LONG_NUMBER):
            self.texts.append(("name", key))
            self.descend(value, key)

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
        elif mime and not is_textual(mime):
            self.texts.append((origin, head))
            if mime == "application/octet-stream":
                self._unnamed(url[comma + 1 :], "file", origin)
            else:
                self.opaque[_kind_of(mime, "file")] = None
        else:
            payload = url[comma + 1 :]
            decoded = unbase64(payload) if "base64" in head.lower() else unquote_to_bytes(payload)
            self._decoded(decoded, head, origin)

    def _decoded(self, octets: bytes | None, head: str, origin: str) -> None:
        """A text that came as octets, in every encoding it may be read in; opaque where nobody here can read it."""
        found = None if octets is None else readings(octets, head)
        if found is None:
            self.opaque["file"] = None
        else:
            self.texts += [(origin, text) for text in found]

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
        textual = (isinstance(mime, str) and is_textual(mime)) or holder.get("type") == "text"
        for key, value in holder.items():
            if key in ("type", "source", "detail", "media_type") and value.__class__ is str:
                if value not in _WORDS_OF_THE_WIRE:
                    self.texts.append((origin, value))
            elif key in ("data", "file_data") and value.__class__ is str:
                self._payload(value, kind, mime if textual else None, bool(mime), holder.get("type"), origin)
            elif key in ("url", "image_url", "file_url", "audio_url", "video_url") and value.__class__ is str:
                self._address(value, kind, origin)
            elif key in ("file_id", "id") and value.__class__ is str:
                self.opaque["file_id"] = None
                self.texts.append((origin, value))
            elif not isinstance(value, dict) or (key not in _MEDIA and key != "source"):
                self.descend(value, "file" if key in ("filename", "title") else origin)

    def _payload(
        self, value: str, kind: str, mime: str | None, named: bool, source: Any, origin: str
    ) -> None:
        """`mime`: the kind of text it is said to be; None: of none."""
        if value[:5] in _DATA_SCHEMES:
            self.data_url(value, origin)
        elif source == "text":  # a document given as plain text
            self.texts.append((origin, value))
        elif mime is not None:
            decoded = unbase64(value)
            if decoded is None:
                self.texts.append((origin, value))
            else:
                self._decoded(decoded, mime, origin)
        elif named:
            self.opaque[kind] = None
        else:
            self._unnamed(value, kind, origin)

    def _unnamed(self, payload: str, kind: str, origin: str) -> None:
        """Base64 of nobody says what: text if it reads like text, else opaque."""
        decoded = unbase64(payload) if kind == "file" else None
        if decoded is None or not reads_like_text(decoded):
            self.opaque[kind] = None
        else:
            self._decoded(decoded, "", origin)

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
                self.texts.append((where, f"{abs(item):.0f}" if item % 1 == 0 else str(item)))

    def _untyped(self, value: Any, kind: str, origin: str) -> None:
        """Media by its name alone: what it holds is walked besides."""
        address = value.get("url") if value.__class__ is dict else value
        if kind in ("audio", "file_id"):
            self.opaque[kind] = None
        elif address.__class__ is str:
            self._address(address, kind, origin)

    def _members(self, item: Mapping[str, Any], where: str, stack: list[tuple[Any, str]]) -> None:
        """Put an object's members on the stack, each behind its name: a name is context for its value."""
        for key, value in tuple(item.items())[::-1]:
            if (key == "type" or key == "role") and value.__class__ is str and value in _WORDS_OF_THE_WIRE:
                continue
            if value.__class__ is bool or value is None:
                stack.append((key, "name"))
            else:
                if (
                    where == "tools" and key in _ELSEWHERE and value.__class__ is not dict
                ):  # a schema's property
                    self.opaque[_ELSEWHERE[key]] = None
                elif key in _UNTYPED and where in _ASKING:
                    self._untyped(value, _UNTYPED[key], where)
                stack.append((value, _ORIGINS.get(key, where)))
                if key not in _PLAIN_NAMES:
                    stack.append((key, "name"))


_LONGEST_HEAD: Final = 200  # characters of a data URL before its comma
_DATA_SCHEMES: Final = frozenset({"data:", "DATA:", "Data:"})
_ORIGINS: Final = {  # `sealed`: thoughts that only the provider who made them can open
    "filename": "file", "name": "name", "encrypted_content": "sealed", "signature": "sealed",
    "tools": "tools",
}  # fmt: skip
_ELSEWHERE: Final = {  # what a provider's tool will read, which does not stand in the request
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
    if key in FORMAT_HOLDERS and isinstance(value, dict):
        value = value.get("format")
    return isinstance(value, dict) and value.get("type") != "text"


def _kind_of(mime: str, default: str) -> str:
    family = mime.split("/", 1)[0]
    return family if family in ("image", "audio") else default
