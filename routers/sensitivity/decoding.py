"""How a stretch of text that was written in another way is read: each function takes the stretch and gives what it
says; None: nothing after all."""

import base64
import re
import zlib
from typing import Final


def from_percent(match: re.Match[str]) -> str:
    octets = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda m: bytes((int(m[1], 16),)), match[0].encode("utf-8", "replace")
    )
    return octets.decode("utf-8", "replace")


def from_escapes(match: re.Match[str]) -> str:
    return re.sub(
        r"\\+(?:u(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})|x([0-9a-fA-F]{2})|(n|t|r)|([\"'/\\]))",
        _unescape,
        match[0],
    )


def _unescape(match: re.Match[str]) -> str:
    number = match[1] or match[2] or match[3]
    if number:
        value = int(number, 16)
        return chr(value) if value < 0x110000 else " "
    return "\n" if match[4] else match[5]


def from_quoted_printable(match: re.Match[str]) -> str:
    text = re.sub(r"=\r?\n", "", match[0])
    octets = re.sub(r"=([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), text)
    return octets.encode("latin-1", "replace").decode("utf-8", "replace")


_TEXT: Final = bytes([9, 10, 13, *range(32, 127), *range(128, 256)])
# The first octets of gzip and zlib.
PACKED: Final = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_UNPACKED: Final = 256 * 1024  # octets that are unpacked at the most


def _legible(octets: bytes) -> str | None:
    """Decoded bytes as text, if that is what they are, or nearly; unpacked, and of one octet a letter or two."""
    if octets[:2] in PACKED:
        try:
            octets = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(octets, _UNPACKED)
        except zlib.error:
            return None
    if octets[1::2].count(0) * 2 > len(octets[1::2]):
        octets = octets[: len(octets) & ~1].decode("utf-16-le", "replace").encode()
    if len(octets.translate(None, _TEXT)) * 10 > len(octets):
        return None
    text = octets.decode("utf-8", "replace")
    return text if text and text.count("\ufffd") * 10 <= len(text) else None


def from_base64(match: re.Match[str]) -> str | None:
    """What is encoded, wherever in the run it begins."""
    compact = re.sub(r"[\r\n=]", "", match[0]).replace("-", "+").replace("_", "/")
    for shift in range(4):
        whole = compact[shift : len(compact) - (len(compact) - shift) % 4 * ((len(compact) - shift) % 4 == 1)]
        text = _legible(base64.b64decode(whole + "=" * (-len(whole) % 4)))
        if text is not None:
            return f" {text} "
    return None


_WHOLE_IN_BASE32: Final = (
    0,
    0,
    2,
    2,
    4,
    5,
    5,
    7,
)  # of so many characters beyond eights, those that end an octet


def from_base32(match: re.Match[str]) -> str | None:
    """What is encoded, wherever in the run it begins."""
    run = match[0]
    for shift in range(8):
        length = len(run) - shift
        whole = run[shift : shift + (length & ~7) + _WHOLE_IN_BASE32[length & 7]]
        text = _legible(base64.b32decode(whole + "=" * (-len(whole) % 8)))
        if text is not None:
            return f" {text} "
    return None


def from_numbers(match: re.Match[str]) -> str:
    base = 2 if len(match[0].split(None, 1)[0].rstrip(",;")) >= 7 else 10
    return f" {''.join(chr(int(number, base)) for number in re.findall(r'[0-9]+', match[0]))} "


def from_hex(match: re.Match[str]) -> str | None:
    compact = re.sub(r"0x|\\x|[ :,]", "", match[0], flags=re.IGNORECASE)
    return _legible(bytes.fromhex(compact[: len(compact) & ~1]))


def unspaced(match: re.Match[str]) -> str:
    return re.sub(r" {2,}", " ", re.sub(r"(?<=\S) (?=\S)", "", match[0]))


def unseparated(match: re.Match[str]) -> str | None:
    """Every second character, where the others are one and the same separator."""
    compact = match[0].replace(" ", "")
    separators = compact[1::2]
    return compact[::2] if len(set(separators)) == 1 else None


def turned_round(match: re.Match[str]) -> str:
    """A line that says so of itself, read backwards or with its letters turned by thirteen."""
    line = match[0]
    if "rot" in line.lower():
        return line.translate(_ROT13)
    return f"{' '.join(word[::-1] for word in line.split(' '))}\n{line[::-1]}"


def by_thirteen(match: re.Match[str]) -> str:
    """A line with its letters turned by thirteen."""
    return match[0].translate(_ROT13)


def listed(match: re.Match[str]) -> str:
    """Characters that were written as a list."""
    return f" {re.sub('[^A-Za-z0-9@.+_-]|(?<=.), ?', '', match[0].replace(', ', ','))} "


def from_base85(match: re.Match[str]) -> str | None:
    """What is encoded in base 85: framed as Adobe does it, or behind its name."""
    run = match["framed"] or match["run"]
    for decode in (base64.a85decode,) if match["framed"] else (base64.b85decode, base64.a85decode):
        try:
            said = _legible(decode(run))
        except ValueError:
            continue
        if said is not None:
            return f" {said} "
    return None


_LEET: Final = str.maketrans("01345@$", "oieasas")
_WRITTEN_SO: Final = frozenset(
    {
        *(
            "password",
            "passwords",
            "secret",
            "token",
            "credit",
            "card",
            "account",
            "number",
            "patient",
            "diagnosis",
        ),
        *(
            "diagnosed",
            "impression",
            "address",
            "birth",
            "confidential",
            "passport",
            "security",
            "social",
            "phone",
        ),
        *("telephone", "mobile", "email", "login", "internal", "restricted", "passwort", "kennwort", "konto"),
    }
)


def from_leet(match: re.Match[str]) -> str | None:
    """A word in which digits stand for letters, if it is one that names something: the rest may mean digits."""
    word = match[0].lower().translate(_LEET)
    return word if word in _WRITTEN_SO else None


_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TURNED: Final = _LETTERS[13:] + _LETTERS[:13]
_ROT13: Final = str.maketrans(_LETTERS + _LETTERS.upper(), _TURNED + _TURNED.upper())


DIGIT_WORDS: Final = {
    word: str(digit)
    for digit, names in enumerate(
        (
            "zero oh null nul zéro cero zero noll",
            "one eins ein un uno um een jeden ett",
            "two zwei zwo deux dos due dois twee dwa två",
            "three drei trois tres tre três drie trzy",
            "four vier quatre cuatro quattro quatro cztery fyra",
            "five fünf cinq cinco cinque vijf pięć fem",
            "six sechs seis sei zes sześć sex",
            "seven sieben sept siete sette sete zeven siedem sju",
            "eight acht huit ocho otto oito osiem åtta",
            "nine neun neuf nueve nove negen dziewięć nio",
        )
    )
    for word in names.split()
}
DIGIT_WORD: Final = (
    "(?:" + "|".join(sorted(DIGIT_WORDS, key=len, reverse=True)) + "|dash|hyphen|minus|double|triple)"
)


def spelled(match: re.Match[str]) -> str:
    out: list[str] = []
    times = 1
    for word in re.findall(r"\w+", match[0].lower()):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
        elif word in ("dash", "hyphen", "minus"):
            out.append("-")
        else:
            out.append(DIGIT_WORDS.get(word, word) * times)
            times = 1
    return "".join(out)


def at_dot(match: re.Match[str]) -> str:
    text = re.sub(
        r"\s*(?:[\[({<]\s*(?:at|@|arroba|chez)\s*[\])}>]|\s(?:at|arobase|arroba|chiocciola|małpa)\s)\s*",
        "@",
        match[0],
        flags=re.IGNORECASE,
    )
    text = re.sub(
        r"\s*(?:[\[({<]\s*(?:dot|\.|punkt|point|punto|ponto)\s*[\])}>]|\s(?:dot|punkt|point|punto|ponto|kropka)\s)\s*",
        ".",
        text,
        flags=re.IGNORECASE,
    )
    text = re.sub(r"\sunderscore\s", "_", text, flags=re.IGNORECASE)
    return re.sub(r"\s(?:dash|hyphen)\s", "-", text, flags=re.IGNORECASE)
