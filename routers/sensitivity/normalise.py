"""One spelling for what was spelled in many ways: a text as the rules read it."""

import base64
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from routers.sensitivity.decoding import PACKED

_INVISIBLE: Final = re.compile(  # soft hyphen, fillers, zero width, bidi, variation selectors, tags
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u2800\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\U000e0000-\U000e007f\U000e0100-\U000e01ef]+"
)
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]{4,}")  # a second ASCII that nobody sees and models read
_TAG: Final = 0xE0000
_MARKS: Final = (
    re.compile(  # strokes, rings and dots laid over what stands before them; accents are in it by then
        "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
    )
)
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_DIGIT: Final = re.compile(r"(?![0-9])\d")

_CYRILLIC: Final = ("АВЕЅЗІЈКМНОРСТУХаԁеһіјӏорсѕтухԛԝвкмнгүЬ", "ABESZIJKMHOPCTYXadehijlopcstyxqwbkmhryb")
_GREEK: Final = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχςε", "ABEZHIKMNOPTYXayiknoptuxce")
_OTHER: Final = ("ıɑɡɩոսօհցɢʟ", "iagionuohgGL")
_LOOKALIKES: Final = {
    ord(foreign): latin
    for foreigns, latins in (_CYRILLIC, _GREEK, _OTHER)
    for foreign, latin in zip(foreigns, latins, strict=False)
}
_FOREIGN: Final = "[\u0131\u0250-\u02af\u0370-\u058f]"
_MIXED: Final = re.compile(  # two scripts in one word, or on both sides of what joins a name or an address
    rf"{_FOREIGN}(?:(?=[.@_+-]?[A-Za-z0-9@])|(?<=[A-Za-z0-9@].)|(?<=[A-Za-z0-9@][.@_+-].))"
)
_MEDIA: Final = re.compile(
    r"data:(?!text/|application/(?:json|xml|yaml))[\w.+-]{1,40}/[\w.+-]{1,80}[^,\s]{0,80};base64,([A-Za-z0-9+/=_\r\n-]{40,})"
)
_ESCAPES: Final = (("\\n", " \n"), ("\\r", " \n"), ("\\t", " \t"), ('\\"', ' "'))
_LONGEST_WORD: Final = 256


def normalised(text: str) -> tuple[str, bool]:
    """The text as rules read it, and whether every character kept its place (so that findings can be located).

    NFKC, no invisible characters, ASCII digits and dashes, letters borrowed from another script put back;
    `\\n` and its like read as what they mean, and pictures in data URLs blanked, both at the same length.
    """
    exact = True
    if not text.isascii():
        text, exact = _plain(text)
    if "\\" in text:
        for escape, meaning in _ESCAPES:
            text = text.replace(escape, meaning)
    return blanked(text), exact


def pieces(text: str, size: int) -> Iterator[str]:
    """A long text cut where words end, at about `size` code points, its pictures blanked beforehand."""
    text = blanked(text)
    at = 0
    while at < len(text):
        stop = at + size
        if stop < len(text):
            stop = (
                max(text.rfind(" ", at + size // 2, stop), text.rfind("\n", at + size // 2, stop)) + 1 or stop
            )
        yield text[at:stop]
        at = stop


def blanked(text: str) -> str:
    """Without the payload of pictures and other media in data URLs, at the same length."""
    return _MEDIA.sub(_blank, text) if ";base64," in text else text


def _plain(text: str) -> tuple[str, bool]:
    """Only what is not ASCII is touched: line by line, and in long lines word by word."""
    exact = True
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line.isascii():
            continue
        words = line.split(" ") if len(line) > 160 else [line]
        for j, word in enumerate(words):
            if not word.isascii():
                words[j] = plain = _plain_run(word)
                exact = exact and len(plain) == len(word)
        lines[i] = " ".join(words)
    return "\n".join(lines), exact


def _plain_run(run: str) -> str:
    plain = _INVISIBLE.sub("", _TAGS.sub(_untagged, run))
    if not unicodedata.is_normalized("NFKC", plain):
        plain = unicodedata.normalize("NFKC", plain)
    plain = _MARKS.sub("", plain)
    if plain.isascii():
        return plain
    plain = _DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), _DASHES.sub("-", plain))
    return _one_script(plain)


def _untagged(match: re.Match[str]) -> str:
    return f" {''.join([chr(ord(char) - _TAG) for char in match[0]])} "


def _one_script(text: str) -> str:
    """Words that mix scripts in Latin letters; a word wholly in its own script is left alone."""
    pieces: list[str] = []
    at = 0
    for match in _MIXED.finditer(text):
        if match.start() < at:
            continue
        start, end = match.start(), match.end()
        while start > at and end - start < _LONGEST_WORD and not text[start - 1].isspace():
            start -= 1
        while end < len(text) and end - start < _LONGEST_WORD and not text[end].isspace():
            end += 1
        pieces += (text[at:start], text[start:end].translate(_LOOKALIKES))
        at = end
    return "".join(pieces) + text[at:] if pieces else text


_TEXT: Final = bytes([9, 10, 13, *range(32, 127)])
_BEGINNING: Final = 40  # characters of base64 that tell a text from a picture


def _blank(match: re.Match[str]) -> str:
    run = re.sub(r"[\r\n=]", "", match[1][:_BEGINNING]).replace("-", "+").replace("_", "/")
    octets = base64.b64decode(run[: len(run) & ~3])
    if not octets.translate(None, _TEXT) or octets.startswith(PACKED):
        return match[0]  # a text, whatever it is said to be; or one that is packed
    head = match.start(1) - match.start()
    return match[0][:head] + " " * (len(match[0]) - head)
