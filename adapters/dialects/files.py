"""Files that a provider keeps, as OpenAI's API has them: sent in a form, looked at, fetched, deleted.

An upload becomes a document like any other request, so that it is judged, routed and booked like any other: its text
where it is text, and else the fact that nobody can read it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

from adapters.call import Call, Headers, header
from adapters.chat import Json
from adapters.dialects import multipart, relaying
from adapters.dialects.chat.answer import write_error
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.multipart import Field
from adapters.dialects.plain import PlainRelay
from adapters.document import Document

PLACE: Final = "/v1/files"
PLACE_OF_UPLOADS: Final = "files"  # the alias or model an upload goes to that names none
Action = Literal["retrieve", "content", "delete"]

_PURPOSES: Final = frozenset({"user_data", "assistants", "vision"})  # those that requests to models read
_TEXTUAL: Final = (  # media types under which text is looked for
    "text/", "application/json", "application/xml", "application/x-ndjson", "application/yaml", "application/csv",
    "application/javascript", "application/sql", "application/octet-stream",
)  # fmt: skip
_CONTROL: Final = bytes(sorted({*range(32)} - {9, 10, 12, 13}))  # what no text holds
_PACKED: Final = ("%PDF", "%!PS", "{\\rtf")  # formats that look like text, and whose text does not show
_one_file = re.compile(r"/v1/files/([^/]+)(/content)?").fullmatch


def named(path: str) -> tuple[str, bool] | None:
    """The id of the file that a path names, and whether its content is asked for."""
    found = _one_file(path)
    return None if found is None else (unquote(found[1]), found[2] is not None)


def uploaded(body: bytes, content_type: bytes) -> Document:
    """A form with a file in it as a document. Its `body` is the form that goes on. Raises InvalidRequest."""
    fields = multipart.read(body, content_type)
    file, purpose, model = None, "", PLACE_OF_UPLOADS
    values: dict[str, Any] = {}
    for each in fields:
        if each.name == "file":
            file = each
        elif each.name == "model":
            model = _text(each) or model
        elif each.name == "purpose":
            purpose = values["purpose"] = _text(each)
        else:
            values[each.name] = _text(each)
    if file is None or file.filename is None:
        raise InvalidRequest("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    if purpose not in _PURPOSES:
        raise InvalidRequest(
            f"'purpose' must be one of {', '.join(sorted(_PURPOSES))}: Weir serves no API that reads other files.",
            "purpose",
            "invalid_value",
        )
    values["model"] = model
    values["file"] = _as_content(file)
    return Document(multipart.write([each for each in fields if each.name != "model"]), "", values, {})


def asked(name: str, action: Action, model: str) -> Document:
    """A request about one file as a document."""
    return Document(b"", "", {"model": model, "id": name, "action": action}, {})


def read(document: Document, headers: Headers = ()) -> Call:
    """An upload as a call."""
    return Call("files", document, stream=False, wants_usage=False, headers=headers)


def read_one(document: Document, headers: Headers = ()) -> Call:
    """A request about one file as a call."""
    return Call("file", document, stream=False, wants_usage=False, headers=headers)


def references(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The file that a request is about."""
    return (values["id"],)


def place(values: Mapping[str, Any]) -> bytes:
    """Where below its provider's files one file is asked about."""
    tail = "/content" if values["action"] == "content" else ""
    return f"/{quote(values['id'], safe='')}{tail}".encode()


def relay(call: Call, headers: Headers) -> "Upload | Content | PlainRelay":
    """The way back for a 2xx answer; `headers` are the provider's."""
    if call.dialect == "files":
        return Upload(call, headers)
    return Content(headers) if call.document.values["action"] == "content" else PlainRelay(call, headers)


class Upload(PlainRelay):
    """What the provider says of a file it keeps from now on."""

    __slots__ = ()

    def _written(self, answer: Json, body: bytes) -> bytes:
        name = answer.get("id")
        self.made = (name,) if isinstance(name, str) else ()
        return super()._written(answer, body)


class Content(relaying.Counters):
    """A file's own bytes."""

    __slots__ = ("_body", "_headers")

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        kind = header(headers, b"content-type") or b"application/octet-stream"
        name = header(headers, b"content-disposition")
        self._headers = ((b"content-type", kind), *(((b"content-disposition", name),) if name else ()))
        self._body = relaying.Body()

    def headers(self) -> Headers:
        return self._headers

    def feed(self, data: bytes) -> bytes:
        self._refuse_compressed()
        self._body.add(data)
        return b""

    def finish(self) -> bytes:
        self.complete = True
        return self._body.take()

    def failure(self, message: str) -> bytes:
        return write_error(message)


def _as_content(file: Field) -> Json:
    """The file as a part of a conversation would hold it: its text, or a picture, a sound or bytes that nobody here
    can read."""
    kind = file.media_type.partition(";")[0].strip().lower()
    family = kind.partition("/")[0]
    unread: Json = {
        "type": family if family in ("image", "audio") else "document",
        "title": file.filename,
        "source": {"type": "base64", "media_type": "application/octet-stream", "data": "-"},
    }
    if (kind and not kind.startswith(_TEXTUAL)) or file.data.translate(None, _CONTROL) != file.data:
        return unread
    try:
        text = file.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return unread
    if text.lstrip()[:5].startswith(_PACKED):
        return unread
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "title": file.filename, "source": source}


def _text(each: Field) -> str:
    try:
        return each.data.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"'{each.name[:64]}' is not UTF-8.", each.name[:64], "invalid_value") from None
