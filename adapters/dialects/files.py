"""Files that a provider keeps, as OpenAI's and Anthropic's APIs have them: sent in a form, looked at, fetched, deleted.

An upload becomes a document like any other request, so that it is judged, routed and booked like any other: its text
where it is text, and else the fact that nobody can read it.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Mapping
from datetime import UTC, datetime
from mimetypes import guess_type
from typing import Any, Final, Literal
from urllib.parse import quote

from adapters import longtext
from adapters.call import Call, Headers, Outgoing, header
from adapters.chat import Json
from adapters.dialects import multipart, relaying
from adapters.dialects.chat.answer import write_error
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.encoding import to_json
from adapters.dialects.multipart import Field
from adapters.dialects.plain import PlainRelay
from adapters.document import Document, Member
from adapters.others import others
from adapters.stretches import STRETCH, stretches

PLACE: Final = "/v1/files"
CLIENT: Final = (
    "client"  # the member that says whose clients' words are to be used, where they are Anthropic's
)
ANTHROPICS: Final = "anthropic"
PLACE_OF_UPLOADS: Final = "files"  # the alias or model an upload goes to that names none
Action = Literal["retrieve", "content", "delete"]

_PURPOSES: Final = frozenset({"user_data", "assistants", "vision"})  # those that requests to models read
_TEXTUAL: Final = (  # media types under which text is looked for
    "text/", "application/json", "application/xml", "application/x-ndjson", "application/yaml", "application/csv",
    "application/javascript", "application/sql", "application/octet-stream",
)  # fmt: skip
_CONTROL: Final = bytes(sorted({*range(32)} - {9, 10, 12, 13}))  # what no text holds
_BEGINNING: Final = 5  # characters by which a format is known
_PACKED: Final = ("%PDF", "%!PS", "{\\rtf")  # formats that look like text, and whose text does not show
_one_file = re.compile(r"/v1/files/(?!\.\.?(?:/|$))([^/]+)(/content)?").fullmatch  # an id leads nowhere else


def named(path: str) -> tuple[str, bool] | None:
    """The id of the file that a path names (undone of its escapes, as ASGI has it), and whether its content is asked
    for."""
    found = _one_file(path)
    return None if found is None else (found[1], found[2] is not None)


def uploaded(body: bytes, content_type: bytes, *, anthropics: bool = False) -> Document:
    """A form with a file in it as a document; `anthropics`: its client is one of Anthropic's, which knows no purpose.
    Its `body` is the form that goes on to OpenAI. Raises InvalidRequest."""
    fields = multipart.read(body, content_type)
    if anthropics:
        fields = [*(each for each in fields if each.name != "purpose"), Field("purpose", b"user_data")]
    file, purpose, model = None, "", PLACE_OF_UPLOADS
    values: dict[str, Any] = {CLIENT: ANTHROPICS} if anthropics else {}
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
    form = multipart.write([each for each in fields if each.name != "model"])
    return Document(
        form, "", values, {"file": Member(0, 0, len(file.data))}
    )  # of which only the length is said


def asked(name: str, action: Action, model: str, *, anthropics: bool = False) -> Document:
    """A request about one file as a document."""
    values: dict[str, Any] = {CLIENT: ANTHROPICS} if anthropics else {}
    return Document(b"", "", {**values, "model": model, "id": name, "action": action}, {})


def size(document: Document) -> int:
    """The bytes of an uploaded file."""
    return document.members["file"].end


def file_alone(form: bytes) -> bytes:
    """A form that `uploaded` made, without what Anthropic does not know."""
    kind = b"multipart/form-data; boundary=" + multipart.boundary_of(form)
    return multipart.write([each for each in multipart.read(form, kind) if each.name == "file"])


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
    """Where below its provider's files one is asked about; uploads go to the files themselves."""
    if "action" not in values:
        return b""
    tail = "/content" if values["action"] == "content" else ""
    return f"/{quote(values['id'], safe='')}{tail}".encode()


def outgoing(call: Call, headers: Headers, path: bytes, form: bytes) -> Outgoing:
    """An upload of this `form`, or a request about a file, for a provider whose files stand at `path`."""
    values, method, kind = call.document.values, b"POST", b"application/json"
    if call.dialect == "files":
        kind = b"multipart/form-data; boundary=" + multipart.boundary_of(form)
    else:
        method = b"DELETE" if values["action"] == "delete" else b"GET"
    told = {
        b"content-type": kind,
        b"accept": b"*/*" if values.get("action") == "content" else b"application/json",
    }
    return Outgoing(method, path, tuple((name, told.get(name, value)) for name, value in headers), form)


def relay(call: Call, headers: Headers) -> "Described | Content":
    """The way back for a 2xx answer; `headers` are the provider's."""
    if call.dialect == "files":
        return Upload(call, headers)
    return Content(headers) if call.document.values["action"] == "content" else Described(call, headers)


class Described(PlainRelay):
    """What the provider says of a file, in the client's words."""

    __slots__ = ("_anthropics",)

    def __init__(self, call: Call, headers: Headers) -> None:
        super().__init__(call, headers)
        self._anthropics = call.document.values.get(CLIENT) == ANTHROPICS

    def _written(self, answer: Json, body: bytes) -> bytes:
        told = super()._written(answer, body)
        if self._anthropics == ("type" in answer):
            return told
        return to_json(_as_anthropic(answer) if self._anthropics else _as_openai(answer))


class Upload(Described):
    """The same of one that it keeps from now on."""

    __slots__ = ()

    def _written(self, answer: Json, body: bytes) -> bytes:
        name = answer.get("id")
        self.made = (name,) if isinstance(name, str) else ()
        return super()._written(answer, body)


def _as_openai(answer: Json) -> Json:
    """Anthropic's description of a file in OpenAI's words."""
    if answer["type"] == "file_deleted":
        return {"id": answer["id"], "object": "file", "deleted": True}
    return {
        "id": answer["id"],
        "object": "file",
        "bytes": answer["size_bytes"],
        "created_at": int(datetime.fromisoformat(answer["created_at"]).timestamp()),
        "filename": answer["filename"],
        "purpose": "user_data",
        "status": "processed",
    }


def _as_anthropic(answer: Json) -> Json:
    """OpenAI's description of a file in Anthropic's words; its media type is a guess by the name."""
    if "deleted" in answer:
        return {"id": answer["id"], "type": "file_deleted"}
    made = datetime.fromtimestamp(answer["created_at"], UTC)
    return {
        "id": answer["id"],
        "type": "file",
        "filename": answer["filename"],
        "mime_type": guess_type(answer["filename"] or "")[0] or "application/octet-stream",
        "size_bytes": answer["bytes"],
        "created_at": made.isoformat().replace("+00:00", "Z"),
        "downloadable": True,
    }


class Content(relaying.Counters):
    """A file's own bytes."""

    __slots__ = ("_body", "_headers")

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        kind = header(headers, b"content-type") or b"application/octet-stream"
        name = header(headers, b"content-disposition")
        self._headers = ((b"content-type", kind), *(((b"content-disposition", name),) if name else ()))
        self._body = relaying.Body()

    @property
    def held(self) -> int:
        return len(self._body)

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
    text = None if kind and not kind.startswith(_TEXTUAL) else _text_in(file.data)
    if text is None or _beginning(text).startswith(_PACKED):
        return unread
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "title": file.filename, "source": source}


def _text_in(data: bytes | memoryview) -> str | None:
    """What the bytes say, where they are text."""
    text, decoder = longtext.Growing(len(data)), getincrementaldecoder("utf-8-sig")()
    try:
        for piece in stretches(data):
            if piece.translate(None, _CONTROL) != piece:
                return None
            for _ in text.add(decoder.decode(piece)):
                others()
        for _ in text.add(decoder.decode(b"", final=True)):
            others()
    except UnicodeDecodeError:
        return None
    return text.done()


def _beginning(text: str) -> str:
    """Its first characters behind white space."""
    for at in range(0, len(text), STRETCH):
        piece = text[at : at + STRETCH].lstrip()
        if piece:
            return (piece + text[at + STRETCH : at + STRETCH + _BEGINNING])[:_BEGINNING]
        others()
    return ""


def _text(each: Field) -> str:
    try:
        return bytes(each.data).decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"'{each.name[:64]}' is not UTF-8.", each.name[:64], "invalid_value") from None
