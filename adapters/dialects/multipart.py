"""Forms with files in them (`multipart/form-data`): read strictly, and written anew.

Two readers of one form may disagree about where a part ends or what it is called. What Weir judged is therefore
written anew with a boundary of Weir's own, and nothing else is sent. A long form is read and written in a thread, and
nothing is done to all of it in one go.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.dialects.checks import InvalidRequest
from adapters.stretches import STRETCH, find, stretches

MOST_FIELDS: Final = 32
_LONGEST_HEAD: Final = 4_096  # bytes of a part's headers
_LONGEST_END: Final = 1_024  # bytes behind the last boundary
_LONGEST_TYPE: Final = 1_024  # bytes of a form's own content-type
_BREAKS: Final = frozenset("\r\n\0")  # what some readers take for the end of a line
_boundary = re.compile(
    rb"\s*multipart/form-data\s*;(?:.*;)?\s*boundary=(?:\"([^\"\r\n]{1,70})\"|([^\s;\"]{1,70}))\s*(?:;.*)?",
    re.IGNORECASE | re.DOTALL,
).fullmatch
_parameter = re.compile(r";\s*([a-z*]+)=\"((?:[^\"\\\r\n]|\\.)*)\"", re.IGNORECASE)
_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary"})  # under which bytes are what they are


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; `filename` is None where it is no file. Long data are a view of the form they came in."""

    name: str
    data: bytes | memoryview = field(repr=False)
    filename: str | None = field(default=None, repr=False)
    media_type: str = ""


def read(body: bytes, content_type: bytes) -> list[Field]:
    """The fields of a form, each of a name of its own. Raises InvalidRequest."""
    found = _boundary(content_type) if len(content_type) <= _LONGEST_TYPE else None
    if found is None:
        raise _invalid("the request must be multipart/form-data with a boundary")
    mark = b"--" + (found[1] or found[2])
    if not body.startswith(mark):
        raise _unframed()
    delimiter = b"\r\n" + mark
    fields: dict[str, Field] = {}
    start = len(mark)
    while (end := find(body, delimiter, start)) >= 0:
        if len(fields) == MOST_FIELDS:
            raise _invalid(f"the form has more than {MOST_FIELDS} fields")
        each = _field(body, start, end)
        if each.name in fields:
            raise _invalid(f"the field {each.name[:64]!r} stands twice; send it once")
        fields[each.name] = each
        start = end + len(delimiter)
    if not fields or len(body) - start > _LONGEST_END or body[start:].strip(b"\r\n") != b"--":
        raise _unframed()
    return list(fields.values())


def _field(body: bytes, start: int, end: int) -> Field:
    """The field that stands there, behind its boundary."""
    stop = body.find(b"\r\n\r\n", start, min(end, start + _LONGEST_HEAD + 4))
    if not body.startswith(b"\r\n", start) or stop < 0:
        raise _invalid("a field has no headers, or too many")
    headers = _headers(body[start + 2 : stop])
    data: bytes | memoryview = memoryview(body)[stop + 4 : end]
    if len(data) <= STRETCH:
        data = bytes(data)
    disposition = headers.get("content-disposition", "")
    said = {name.lower(): value for name, value in _parameter.findall(disposition)}
    plain = _parameter.sub("", disposition).strip().lower() == "form-data"
    if not plain or "name" not in said or not said.keys() <= {"name", "filename"}:
        raise _invalid("a field must say `form-data` and its name in quotes, and a file its filename")
    if headers.get("content-transfer-encoding", "binary").lower() not in _ENCODINGS:
        raise _invalid("fields must not be encoded for mail")
    filename = said.get("filename")
    return Field(
        _unquoted(said["name"]),
        data,
        None if filename is None else _unquoted(filename),
        headers.get("content-type", ""),
    )


def _headers(head: bytes) -> dict[str, str]:
    """A field's headers by their names in lower case."""
    headers: dict[str, str] = {}
    for line in _decoded(head).split("\r\n"):
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name in headers or name != name.strip() or not _BREAKS.isdisjoint(line):
            raise _invalid("a field's headers cannot be read")
        headers[name] = value.strip()
    return headers


def write(fields: Sequence[Field]) -> bytes:
    """The same fields as a form of Weir's own; `boundary_of` tells its boundary."""
    digest = hashlib.blake2b(digest_size=20)
    for each in fields:
        digest.update(each.data)
    mark = b"--weir-" + digest.hexdigest().encode()
    parts: list[bytes] = []
    for each in fields:
        head = f'content-disposition: form-data; name="{_quoted(each.name)}"'
        if each.filename is not None:
            head += f'; filename="{_quoted(each.filename)}"'
        if each.media_type:
            head += f"\r\ncontent-type: {each.media_type}"
        parts += (mark, b"\r\n", head.encode(errors="surrogateescape"), b"\r\n\r\n")
        parts += stretches(each.data)
        parts.append(b"\r\n")
    return b"".join((*parts, mark, b"--\r\n"))


def boundary_of(form: bytes) -> bytes:
    """The boundary of a form that `write` wrote."""
    return form[2 : form.index(b"\r\n")]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _quoted(text: str) -> str:
    """As browsers write a name between quotes; a backslash, too, which readers understand differently."""
    return text.replace("\\", "%5C").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _decoded(head: bytes) -> str:
    try:
        return head.decode()
    except UnicodeDecodeError:
        raise _invalid("a field's headers are not UTF-8") from None


def _unframed() -> InvalidRequest:
    return _invalid("the form does not begin and end with its boundary")


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(f"Weir cannot read the form: {message}.", None, "invalid_form")
