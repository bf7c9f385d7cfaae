"""Octets that are said to be text, read in every encoding that whoever gets them may take them for."""

import base64
import binascii
import codecs
from typing import Final

_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/x-ndjson", "application/yaml")
_TEXT_BYTES: Final = bytes([9, 10, 12, 13, *range(32, 127), *range(128, 256)])
_MARKS: Final = (  # of byte order, the longer first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ASCII_ALIKE: Final = frozenset(
    {"utf-8", "ascii", "iso8859-1", "cp1252"}
)  # in UTF-8 nothing of them is missed


def is_textual(mime: str) -> bool:
    """Whether a media type promises text."""
    return mime.startswith(_TEXTUAL)


def unbase64(payload: str) -> bytes | None:
    """Decoded base64, plain or URL-safe, with or without padding; None where it is none."""
    compact = "".join(payload.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def reads_like_text(octets: bytes) -> bool:
    """Whether octets of which nobody says what they are may well be text."""
    return not octets.translate(None, _TEXT_BYTES) or _unmarked(octets) is not None


def readings(octets: bytes, head: str = "") -> tuple[str, ...] | None:
    """The text, once for each encoding it may be read in: UTF-8, what `head` (a data URL's) names, what its octets
    show. None where one of them cannot be read here."""
    named = _charset(head) or _unmarked(octets)
    found = [octets.decode("utf-8", "replace")]
    if named is not None:
        try:
            found.append(octets.decode(named, "replace"))
        except (LookupError, UnicodeError):
            return None
    return None if "\0" in found[-1] else tuple(found)


def _charset(head: str) -> str | None:
    """The encoding that a data URL names, in Python's words; None where it names none, or one like ASCII."""
    _, _, name = head.lower().partition("charset=")
    name = name.split(";", 1)[0].strip(" \"'")
    try:
        known = codecs.lookup(name).name if name else "utf-8"
    except (LookupError, ValueError):
        return name
    return None if known in _ASCII_ALIKE else known


def _unmarked(octets: bytes) -> str | None:
    """The encoding of two or four octets a letter that a text shows: by its mark, or by where its zeros stand."""
    for mark, name in _MARKS:
        if octets.startswith(mark):
            return name
    if not octets or len(octets) % 2:
        return None
    half = len(octets) // 2
    even, odd = octets[::2].count(0), octets[1::2].count(0)
    if odd * 2 > half > even * 8:
        return "utf-16-le"
    return "utf-16-be" if even * 2 > half > odd * 8 else None
