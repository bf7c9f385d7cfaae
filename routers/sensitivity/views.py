"""What a text says when it is read as it was meant: decoded, unspaced, spelled in digits, joined over a line break.

A view is made only where a trigger saw a sign of it, and holds only the neighbourhood of what changed, so that plain
text pays nothing. Views are scanned like any text, views of views too, to a depth the classifier sets.
"""

import html
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

from routers.sensitivity import decoding
from routers.sensitivity.trigger import APART, BROKEN, DENSE, EIGHTY_FIVE, INSIDE, LONG, MANY, Trigger

_BEFORE: Final = (
    80  # code points of unchanged text that a view keeps before a change, for the words that name it
)
_AFTER: Final = 48
_AHEAD: Final = 160  # how far behind a sign it must have begun to match
_TEXTS: Final = 128  # texts whose ends are put together between two yields
_SIGNS: Final = 16  # signs looked at between two yields
_BACK: Final = 160  # how far before a sign the stretch it belongs to may begin


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One way of reading: the signs of it, the stretch to be read anew, and its reading (None: not that after all)."""

    name: str
    triggers: tuple[Trigger, ...]
    stretch: re.Pattern[str]
    reading: Callable[[re.Match[str]], str | None]
    joins: bool = False  # it brings together what may not belong together


def read(view: View, text: str, ends: Sequence[int]) -> Generator[None, None, str]:
    """The neighbourhoods of everything the view reads anew, at the signs that end at `ends` (ascending). Yields now
    and then, where something else may be done."""
    pieces: list[str] = []
    kept = 0  # what is in the pieces up to here
    seen = 0  # what has been looked at up to here
    for count, end in enumerate(ends, 1):
        if count % _SIGNS == 0:
            yield
        if end <= seen:
            continue
        match = _around(view.stretch, text, max(seen, end - _BACK), end)
        if match is None:
            continue
        seen = match.end()
        new = view.reading(match)
        if new is None or new == match[0]:
            continue
        start = max(kept, match.start() - _BEFORE)
        if pieces and start > kept:
            pieces.append(text[kept : min(kept + _AFTER, start)])
            pieces.append("\n\n")
        pieces.append(text[start : match.start()])
        pieces.append(new)
        kept = seen
    if pieces:
        pieces.append(text[kept : kept + _AFTER])
    yield
    return "".join(pieces)


def _around(stretch: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    """The stretch that the sign ending at `end` belongs to. It is looked for near the sign, then taken whole."""
    for match in stretch.finditer(text, start, end + _AHEAD):
        if match.end() >= end:
            return stretch.match(text, match.start()) if match.start() < end else None
    return None


_ASCII_IN_BASE64: Final = "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PACKED_IN_BASE64: Final = "(?:H4sI|eJ[wyxz]|eAE|eF4|eNo)"
_WIDE_IN_BASE64: Final = "[A-Za-z0-9+/_-][AQgw][AB][A-Za-z0-9+/_-]A[A-H][A-Za-z0-9+/_-]A"  # ASCII in UTF-16
_LETTER_NUMBER: Final = "(?:1[01][0-9]|12[0-6]|3[2-9]|[4-9][0-9])"  # of ASCII
_LETTER_BITS: Final = "0?(?:01|1[01])[01]{5}"
_ASCII_IN_HEX: Final = r"[2-7][0-9a-f][ :,]?(?:0x|\\x)?"

_TURNS: Final = ("revers", "backward", "rückwärts", "à l'envers", "al revés", "rot")

VIEWS: Final = (
    View(
        "percent",
        (Trigger(r"%[0-9a-f]{2}", ("%",)),),
        re.compile(r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2}|[\w.@+-]){0,8192}"),
        decoding.from_percent,
    ),
    View(
        "entities",
        (Trigger(r"&(?:#[0-9]{2,6}|#x[0-9a-f]{2,5}|[a-z]{2,8});", ("&",)),),
        re.compile(r"(?:&(?:#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5}|[a-zA-Z]{2,8});){1,2048}"),
        lambda match: html.unescape(match[0]),
    ),
    View(
        "escapes",
        (Trigger(r"\\(?:u[0-9a-f]{4}|u\{[0-9a-f]{1,6}\}|x[0-9a-f]{2}|\\[nrt\"'/])", ("\\",)),),
        re.compile(r"\\+(?:u(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\})|x[0-9a-fA-F]{2}|[nrt\"'/])[^\s]{0,8192}"),
        decoding.from_escapes,
    ),
    View(
        "quoted-printable",
        (Trigger(r"=[0-9A-F]{2}[^=\s]{0,4}=[0-9A-F]{2}|=\r?\n[a-z0-9]", ("=",)),),
        re.compile(r"=(?:[0-9A-F]{2}|\r?\n)(?:=(?:[0-9A-F]{2}|\r?\n)|[^\s=]){0,8192}"),
        decoding.from_quoted_printable,
    ),
    View(
        "base64",
        (
            Trigger(_ASCII_IN_BASE64 * 4, caseless=False, among=LONG),
            Trigger(f"{_PACKED_IN_BASE64}[A-Za-z0-9+/_-]{{16}}", caseless=False, among=LONG),
            Trigger(_WIDE_IN_BASE64 * 2, caseless=False, among=LONG),
        ),
        re.compile(r"[A-Za-z0-9+/_-]{16,16384}(?:\r?\n[A-Za-z0-9+/_-]{4,256}){0,256}={0,2}"),
        decoding.from_base64,
    ),
    View(
        "base32",
        (Trigger("[E-P][A-Z2-7]{15}", caseless=False, among=LONG),),
        re.compile(r"[A-Z2-7]{16,16384}"),
        decoding.from_base32,
    ),
    View(
        "numbered",
        (
            Trigger(r"[0-9]{2,3}[ ,;]{1,2}" * 7 + "[0-9]{2,3}", among=MANY),
            Trigger("[01]{7,8} " * 6, among=MANY),
        ),
        re.compile(
            f"(?:\\b{_LETTER_NUMBER}[ ,;]{{1,2}}){{8,8192}}{_LETTER_NUMBER}|"
            f"(?:\\b{_LETTER_BITS} ){{6,8192}}{_LETTER_BITS}"
        ),
        decoding.from_numbers,
    ),
    View(
        "controls",
        (Trigger(r"[\x00-\x08\x0e-\x1f\x7f]", tuple(map(chr, (*range(9), *range(14, 32), 127)))),),
        re.compile(r"[^\s]{0,160}[\x00-\x08\x0e-\x1f\x7f][^\s]{0,8192}"),
        lambda match: re.sub(r"[\x00-\x08\x0e-\x1f\x7f]+", "", match[0]),
    ),
    View(
        "hex",
        (Trigger(_ASCII_IN_HEX * 7, among=DENSE),),
        re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ :,]{0,2}){6,8192}(?:0x|\\x)?[0-9a-fA-F]{2}"),
        decoding.from_hex,
    ),
    View(
        "spaced",
        (Trigger(r" [^\s] {1,3}[^\s] {1,3}[^\s] {1,3}[^\s] {1,3}[^\s]\s"),),
        re.compile(r"(?<!\S)\S(?: {1,3}\S){5,512}(?!\S)"),
        decoding.unspaced,
    ),
    View(
        "separated",
        (
            Trigger(r"[._,|*;] ?[^\s]" * 6 + "[._,|*;]", among=APART),
            Trigger(r"\b[a-z0-9](?:[/:~-][a-z0-9]){6}", among=APART),
        ),
        re.compile(r"[^\s](?:(?:[._,|*;] ?|[/:~-])[^\s]){6,512}"),
        decoding.unseparated,
        joins=True,
    ),
    View(
        "listed",
        (
            Trigger(r"[\"'][^\s\"'][\"'], ?(?:[\"'][^\s\"'][\"'], ?){4}", ("', '", '", "', "','", '","')),
            Trigger(r"\[ ?[0-9](?:, ?[0-9]){12,18} ?\]", among=MANY),
        ),
        re.compile(r"[\"'][^\s\"'][\"'](?:, ?[\"'][^\s\"'][\"']){5,512}|\[ ?[0-9](?:, ?[0-9]){12,18} ?\]"),
        decoding.listed,
    ),
    View(
        "markup",
        (
            Trigger(r"[0-9][-. ]?(?:\*\*|__|`|</?[a-z]{1,8}>|[\"'] ?[+.] ?[\"'])[-. ]?[0-9]", among=DENSE),
            Trigger(r"[a-z0-9_@.-][\"'] ?\+ ?[\"'][a-z0-9_@.-]", ('" + "', "' + '", '"+"', "'+'")),
        ),
        re.compile(
            r"(?:\*\*|__|`|</?[A-Za-z]{1,8}>|[\"'] ?[+.] ?[\"'])([-. ]?[0-9])|[\"'] ?\+ ?[\"']([\w@.-])"
        ),
        lambda match: match[1] or match[2],
    ),
    View(
        "turned-round",
        (
            Trigger(
                r"\b(?:revers(?:ed|e order)|backwards?|al revés|rot-?13)|rückwärts|à l'envers",
                _TURNS,
                leads=True,
                starts=True,
            ),
        ),
        re.compile(r"[^\n]{1,400}"),
        decoding.turned_round,
    ),
    View(
        "written-backwards",
        (
            Trigger(
                r"\b(?:moc|gro|ten|ude|ku\.oc|ed)\.[a-z0-9.-]{2,30}@|\b(?:drowssap|rebmun (?:drac|ytiruces))\b",
                ("@", "drowssap", "rebmun"),
                starts=True,
            ),
        ),
        re.compile(r"[^\n]{1,400}"),
        lambda match: match[0][::-1],
    ),
    View(
        "by-thirteen",
        (
            Trigger(
                r"\b(?:cnffjbeq|frperg|gbxra|perqvg|frphevgl|nqqerff|qvntabf|pbasvqragvny|cnffcbeg|nppbhag|cngvrag)|"
                r"@[a-z0-9.-]{2,40}\.(?:pbz|bet|arg)\b",
                (
                    "cnff",
                    "frp",
                    "frph",
                    "gbxra",
                    "perqvg",
                    "nqqerff",
                    "qvntabf",
                    "pbasv",
                    "nppb",
                    "cngvrag",
                    ".pbz",
                    ".bet",
                    ".arg",
                ),
                starts=True,
            ),
        ),
        re.compile(r"[^\n]{1,400}"),
        decoding.by_thirteen,
    ),
    View(
        "base85",
        (
            Trigger(r"<~[!-u]{10}", ("<~",), caseless=False),
            Trigger(r"\b(?:base|ascii|a|b|z)[ -]?85\b", among=EIGHTY_FIVE),
        ),
        re.compile(
            r"<~(?P<framed>[!-uz]{10,16384})~>|"
            r"(?:base|ascii|a|b|z)[ -]?85[^\n]{0,40}?[\s\"'`](?P<run>[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{20,16384})",
            re.IGNORECASE,
        ),
        decoding.from_base85,
    ),
    View(
        "leet",
        (Trigger(r"\b[a-z]{1,8}[0134][a-z0134]{0,6}[a-z]\b", among=INSIDE),),
        re.compile(r"\b[A-Za-z01345@$]{4,14}\b"),
        decoding.from_leet,
    ),
    View(
        "spelled",
        (Trigger(rf"\b(?:{decoding.DIGIT_WORD}[ ,-]{{1,2}}){{5}}", tuple(decoding.DIGIT_WORDS), leads=True),),
        re.compile(
            rf"\b(?:{decoding.DIGIT_WORD}[ ,-]{{1,2}}){{5,256}}{decoding.DIGIT_WORD}\b", re.IGNORECASE
        ),
        decoding.spelled,
    ),
    View(
        "at-dot",
        (
            Trigger(r"[\[({<] ?(?:at|dot|@|\.|arroba|punkt) ?[\])}>]", ("[", "(", "{", "<")),
            Trigger(
                r" (?:at|arobase|arroba|chiocciola|małpa) [a-z0-9-]{1,30} (?:dot|point|punto|punkt|ponto|kropka) [a-z]",
                (" dot ", " point ", " punto ", " punkt ", " ponto ", " kropka "),
            ),
        ),
        re.compile(
            r"[\w.+-]{1,64}(?:\s{0,2}[\[({<]\s?(?:at|dot|@|\.|arroba|punkt)\s?[\])}>]\s{0,2}[\w.+-]{1,64}|"
            r"\s(?:at|dot|underscore|dash|hyphen|arobase|arroba|chiocciola|małpa|point|punto|punkt|ponto|"
            r"kropka)\s[\w.+-]{1,64}){1,12}",
            re.IGNORECASE,
        ),
        decoding.at_dot,
    ),
    View(
        "line-break",
        (
            Trigger(
                r"[0-9][-.]?[ \t]{0,2}\r?\n[ \t>*|]{0,4}[-.]?(?:[a-z]{0,6}[0-9]|[a-z][^a-z.)])", among=BROKEN
            ),
            Trigger(r"[A-Z@_-]\r?\n[ \t>]{0,4}[-.]?[0-9]{2}", caseless=False, among=BROKEN),
            Trigger(r"\n[ \t>]{0,4}[a-z0-9._-]{0,30}@", ("@",)),
            Trigger(r"\n[a-z_-]{1,7}[0-9][a-z0-9_-]{3}", among=BROKEN),
            Trigger(r"@[a-z0-9.-]{0,40}\r?\n", ("@",), leads=True),
        ),
        re.compile(r"([\w@.+=/-])[ \t]{0,4}\r?\n[ \t>*|]{0,8}([\w@.+=/-]{1,64})"),
        lambda match: match[1] + match[2],
        joins=True,
    ),
)


_SPOKEN: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_END: Final = re.compile(r"[^\s\"'`<>()]{1,64}$")
_BEGINNING: Final = re.compile(r"[^\s\"'`<>()]{1,64}")
_TELLING: Final = re.compile(r"[0-9@_+/=]|[.-].")


def joints(texts: Sequence[tuple[str, str]]) -> Generator[None, None, str]:
    """What stands across the joints of parts and turns: one speaker's end and next beginning, put together.
    Only where the two touch in something that could be half of a value. Yields now and then, as `read` does."""
    last: dict[str, str] = {}
    pieces: list[str] = []
    for count, (origin, text) in enumerate(texts, 1):
        if count % _TEXTS == 0:
            yield
        if origin not in _SPOKEN:
            continue
        text = text.strip()
        before = last.get(origin, "")
        last[origin] = text
        end, beginning = _END.search(before[-64:]), _BEGINNING.match(text)
        if end and beginning and _TELLING.search(end[0]) and _TELLING.search(beginning[0]):
            pieces.append(before[-_BEFORE:] + text[:_AFTER])
    return "\n\n".join(pieces)
