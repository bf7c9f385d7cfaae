"""How a text is folded into words, and lists of words that are written as prose and read as sets."""

from typing import Final


def _fold() -> bytes:
    """ASCII letters to lower case, digits to 0, other ASCII but the apostrophe to space; UTF-8 bytes stay."""
    table = bytearray(b" " * 128 + bytes(range(128, 256)))
    for code in range(128):
        char = chr(code)
        if char.isalpha():
            table[code] = ord(char.lower())
        elif char.isdigit():
            table[code] = ord("0")
    table[ord("'")] = ord("'")
    return bytes(table)


FOLD: Final = _fold()  # for bytes.translate: a text as words with spaces between them


def words(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


def folded(text: str) -> frozenset[bytes]:
    """The words of a line, as they are after folding a text to bytes."""
    return frozenset(word.encode() for word in text.split())
