"""Whether a string was drawn at random, or stands where such a string should be put."""

import base64
import re
from typing import Final

from routers.sensitivity import checks

_PLACEHOLDER: Final = re.compile(
    r"x{5,}|\*{3,}|\.{3}|#{4,}|example|placeholder|your|change.?me|dummy|sample|redacted|here$|_here|insert|replace|"
    r"todo|fixme|0123456|1234567|12312312|abcdefg|([^A])\1{7,}|(?:([^A])\2{4,}){3}|my[-_]|foobar|<|>|\$\{|\{\{|%\(|randomstring|^x+$",
    re.IGNORECASE,
)
UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_TURN: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]|[0-9][a-zA-Z]|[a-zA-Z][0-9]")
_VOWELS: Final = frozenset("aeiouyAEIOUY")


def placeholder(value: str) -> bool:
    """Whether a value stands in for a secret rather than being one."""
    return _PLACEHOLDER.search(value) is not None


def hexadecimal(value: str) -> bool:
    """Whether it is written in hexadecimal digits only: as likely a checksum as a key."""
    return _HEX.fullmatch(value) is not None


def drawn(value: str, bits: float = 3.0) -> bool:
    """Whether a value of ten or more characters looks drawn at random: digits among letters, or letters whose case
    turns too often for words; never a placeholder. `bits` is the least entropy per character."""
    if len(value) < 10 or placeholder(value) or checks.entropy(value) < bits:
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not letters or (not digits and letters < len(value) - 2):
        return False
    turns = len(_TURN.findall(value))
    if digits:
        return (
            digits >= 4
            or turns * 8 >= len(value)
            or (turns >= 1 and (len(value) <= 20 or _unspeakable(value)))
        )
    return turns * 5 >= len(value) or (letters >= 24 and _unspeakable(value))


def _unspeakable(value: str) -> bool:
    """Letters in which vowels are too rare for words."""
    return sum(char in _VOWELS for char in value) * 4 < len(value) + 4


_SEALED: Final = re.compile(r"[A-Za-z0-9+/_\-]{128,}={0,2}")
_LEGIBLE: Final = bytes([9, 10, 13, *range(32, 127)])


def ciphertext(text: str) -> bool:
    """Whether a text is nothing but encrypted octets in base64, long enough to hold by chance what looks like a key:
    one run, whose octets are of every kind, as no text's are."""
    if _SEALED.fullmatch(text) is None:
        return False
    whole = text.rstrip("=").replace("-", "+").replace("_", "/")
    octets = base64.b64decode(whole[: len(whole) & ~3])
    strange = len(octets.translate(None, _LEGIBLE))
    return strange * 2 > len(octets) and len(set(octets)) * 4 > min(len(octets), 256)
