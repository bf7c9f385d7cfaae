"""What a text says when it is read as it was meant: decoded, unspaced, spelled in digits, joined over a line break.

A view is made only where a trigger saw a sign of it, and holds only the neighbourhood of what changed, so that plain
text pays nothing. Views are scanned like any text, views of views too, to a depth the classifier sets.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from routers.sensitivity.engine import Trigger

_BEFORE: Final = (
    80  # code points of unchanged text that a view keeps before a change, for the words that name it
)
_AFTER: Final = 48


@dataclass(frozen=True, slots=True)
class View:
    """One way of reading: the sign of it, the stretch to be read anew, and its reading (None: not that after all)."""

    name: str
    trigger: Trigger
    stretch: re.Pattern[str]
    reading: Callable[[re.Match[str]], str | None]


def read(view: View, text: str) -> str:
    """The neighbourhoods of everything the view reads anew, or nothing."""
    pieces: list[str] = []
    at = 0  # what is written up to here
    for match in view.stretch.finditer(text):
        new = view.reading(match)
        if new is None or new == match[0]:
            continue
        start = max(at, match.start() - _BEFORE)
        if pieces and start > at:
            pieces.append(text[at : min(at + _AFTER, start)])
            pieces.append("\n\n")
        pieces.append(text[start : match.start()])
        pieces.append(new)
        at = match.end()
    if pieces:
        pieces.append(text[at : at + _AFTER])
    return "".join(pieces)


def _percent(match: re.Match[str]) -> str:
    octets = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda m: bytes((int(m[1], 16),)), match[0].encode("utf-8", "replace")
    )
    return octets.decode("utf-8", "replace")


def _escaped(match: re.Match[str]) -> str:
    return re.sub(
        r"\\+(?:u\{?([0-9a-fA-F]{4,6})\}?|x([0-9a-fA-F]{2})|(n|t|r)|([\"'/\\]))", _unescape, match[0]
    )


def _unescape(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if number:
        value = int(number, 16)
        return chr(value) if value < 0x110000 else " "
    return "\n" if match[3] else match[4]


def _quoted_printable(match: re.Match[str]) -> str:
    text = re.sub(r"=\r?\n", "", match[0])
    octets = re.sub(r"=([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), text)
    return octets.encode("latin-1", "replace").decode("utf-8", "replace")


def _legible(octets: bytes) -> str | None:
    """Decoded bytes as text, if that is what they are."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return (
        text
        if sum(map(str.isprintable, text)) + text.count("\n") + text.count("\t") >= 0.95 * len(text)
        else None
    )


def _base64(match: re.Match[str]) -> str | None:
    compact = re.sub(r"\s", "", match[0]).rstrip("=").replace("-", "+").replace("_", "/")
    if len(compact) % 4 == 1:
        compact = compact[:-1]
    try:
        return _legible(base64.b64decode(compact + "=" * (-len(compact) % 4)))
    except (binascii.Error, ValueError):
        return None


def _hex(match: re.Match[str]) -> str | None:
    compact = re.sub(r"0x|\\x|[ :,]", "", match[0], flags=re.IGNORECASE)
    return _legible(bytes.fromhex(compact[: len(compact) & ~1]))


def _unspaced(match: re.Match[str]) -> str:
    return (
        re.sub(r"(?<=\S)[ ._*|·-](?=\S(?:[ ._*|·-]|$|\s))|(?<=\S) (?=\S$)", "", match[0])
        if " " not in match[0]
        else re.sub(r" {2,}", " ", re.sub(r"(?<=\S) (?=\S)", "", match[0]))
    )


_DIGIT_WORDS: Final = {
    word: str(digit)
    for digit, names in enumerate(
        (
            "zero oh null nul zéro cero zero",
            "one eins ein un uno um een",
            "two zwei zwo deux dos due dois twee",
            "three drei trois tres tre três drie",
            "four vier quatre cuatro quattro quatro",
            "five fünf cinq cinco cinque vijf",
            "six sechs seis sei zes",
            "seven sieben sept siete sette sete zeven",
            "eight acht huit ocho otto oito",
            "nine neun neuf nueve nove negen",
        )
    )
    for word in names.split()
}
_WORD: Final = (
    "(?:" + "|".join(sorted(_DIGIT_WORDS, key=len, reverse=True)) + "|dash|hyphen|minus|double|triple)"
)


def _spelled(match: re.Match[str]) -> str:
    out: list[str] = []
    times = 1
    for word in re.findall(r"\w+", match[0].lower()):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
        elif word in ("dash", "hyphen", "minus"):
            out.append("-")
        else:
            out.append(_DIGIT_WORDS.get(word, word) * times)
            times = 1
    return "".join(out)


def _at_dot(match: re.Match[str]) -> str:
    text = re.sub(
        r"\s*(?:[\[({<]\s*(?:at|@|arroba|chez)\s*[\])}>]|\s(?:at|AT|arroba)\s)\s*",
        "@",
        match[0],
        flags=re.IGNORECASE,
    )
    return re.sub(
        r"\s*(?:[\[({<]\s*(?:dot|\.|punkt|point|punto|ponto)\s*[\])}>]|\s(?:dot|DOT|punkt)\s)\s*",
        ".",
        text,
        flags=re.IGNORECASE,
    )


def _joined(_: re.Match[str]) -> str:
    return ""


VIEWS: Final = (
    View(
        "percent",
        Trigger(r"%[0-9a-f]{2}", ("%",), once=True),
        re.compile(r"(?:[\w.@+-]*(?:%[0-9A-Fa-f]{2})+)+[\w.@+-]*"),
        _percent,
    ),
    View(
        "entities",
        Trigger(r"&(?:#[0-9]{2,6}|#x[0-9a-f]{2,5}|[a-z]{2,8});", ("&",), once=True),
        re.compile(r"(?:&(?:#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5}|[a-zA-Z]{2,8});)+"),
        lambda match: html.unescape(match[0]),
    ),
    View(
        "escapes",
        Trigger(r"\\(?:u[0-9a-f{]|x[0-9a-f]|[\"nt])", ("\\",), once=True),
        re.compile(r"(?:[^\s\\]*\\+(?:u\{?[0-9a-fA-F]{4,6}\}?|x[0-9a-fA-F]{2}|[ntr\"'/\\]))+[^\s\\]*"),
        _escaped,
    ),
    View(
        "quoted-printable",
        Trigger(r"=(?:[0-9A-F]{2}[^0-9]{0,3}=[0-9A-F]{2}|\r?\n[a-z0-9])", ("=",), caseless=False, once=True),
        re.compile(r"(?:[^\s=]*=(?:[0-9A-F]{2}|\r?\n))+[^\s=]*"),
        _quoted_printable,
    ),
    View(
        "base64",
        Trigger(r"[A-Za-z0-9+/_-]{16}", (), once=True),
        re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/_-])"),
        _base64,
    ),
    View(
        "hex",
        Trigger(r"(?:[0-9a-f]{2}[ :,]?(?:0x|\\x)?){10}", (), once=True),
        re.compile(
            r"(?<![A-Za-z0-9])(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ :,]?){9,}(?:0x|\\x)?[0-9a-fA-F]{2}(?![A-Za-z0-9])"
        ),
        _hex,
    ),
    View(
        "spaced",
        Trigger(r"[^\s] [^\s] [^\s] [^\s] [^\s] [^\s] ", (), once=True),
        re.compile(r"(?<!\S)\S(?: {1,3}\S){5,}(?!\S)"),
        _unspaced,
    ),
    View(
        "spelled",
        Trigger(
            rf"(?:{_WORD}[ ,-]{{1,2}}){{5}}",
            ("zero", "one", "two", "three", "ein", "drei", "un", "deux", "dos", "twee"),
            once=True,
        ),
        re.compile(rf"\b(?:{_WORD}[ ,-]{{1,2}}){{5,}}{_WORD}\b", re.IGNORECASE),
        _spelled,
    ),
    View(
        "at-dot",
        Trigger(
            r"[\[({<] ?(?:at|dot|@|\.|arroba|punkt) ?[\])}>]| at [a-z0-9-]{1,30} dot [a-z]",
            ("at", "dot", "@", "arroba", "punkt"),
            once=True,
        ),
        re.compile(
            r"[\w.+-]+(?:\s*[\[({<]\s*(?:at|dot|@|\.|arroba|punkt)\s*[\])}>]\s*[\w.+-]+|\s(?:at|dot)\s[\w.+-]+)+",
            re.IGNORECASE,
        ),
        _at_dot,
    ),
    View(
        "line-break",
        Trigger(
            r"[0-9@][-.]?[ \t]{0,2}\r?\n[ \t>*|]{0,4}[-.]?[0-9a-z]|[a-z0-9._-]\r?\n[ \t>]{0,4}(?:[0-9]|[a-z0-9._-]{1,30}@)|[a-z0-9_-]{8}\r?\n[a-z0-9_-]{8}|@[a-z0-9.-]{1,40}\r?\n",
            ("\n",),
            once=True,
        ),
        re.compile(r"(?<=[\w@.+=/-])[ \t]*\r?\n[ \t>*|]*(?=[\w@.+=/-])"),
        _joined,
    ),
)

_INVISIBLE: Final = dict.fromkeys(
    [
        0xAD,
        0x34F,
        0x61C,
        0x180E,
        0xFEFF,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE0080),
        *range(0xE0100, 0xE01F0),
        0x115F,
        0x1160,
        0x3164,
        0xFFA0,
    ]
)
_DASHES: Final = dict.fromkeys(
    [0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE63, 0xFF0D, 0x30FC], "-"
)
_LOOKALIKES: Final = dict(
    zip(
        map(ord, "АВЕЅЗІЈКМНОРСТУХаԁеһіјӏорсѕтухԛԝвкмнгΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχοςε"),
        "ABESZIJKMHOPCTYXadehijlopcstyxqwbkmhrABEZHIKMNOPTYXayiknoptuxoce",
        strict=False,
    )
)
_FOREIGN_TOKEN: Final = re.compile(r"[^\s]*[\u0370-\u052f][^\s]*")


def normalised(text: str) -> str:
    """The text in NFKC, without invisible characters, with ASCII digits and dashes, and with letters that were
    borrowed from another script to look like Latin ones put back."""
    plain = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).translate(_DASHES)
    if plain.isascii():
        return plain
    plain = _FOREIGN_TOKEN.sub(_latin, plain)
    return "".join(_digit(char) if char > "\x7f" and char.isdecimal() else char for char in plain)


def _digit(char: str) -> str:
    return str(unicodedata.decimal(char))


def _latin(match: re.Match[str]) -> str:
    """A word that mixes scripts, read as Latin; a word wholly in its own script is left alone."""
    word = match[0]
    if any((char.isascii() and char.isalnum()) or char == "@" for char in word):
        return word.translate(_LOOKALIKES)
    return word


def boundaries(texts: list[tuple[str, str]]) -> Iterator[str]:
    """What stands across the joints of parts and turns: the end of one and the beginning of the next, put together.
    Turns of the same speaker are joined over the one between them."""
    last: dict[str, str] = {}
    for origin, text in texts:
        for spoken in {origin, ""}:
            before = last.get(spoken, "")
            if (
                before
                and (before[-1].isalnum() or before[-1] in "@.-_+/=")
                and (text[0].isalnum() or text[0] in "@.-_+/=")
            ):
                yield before[-_BEFORE:] + text[:_AFTER]
            last[spoken] = text
