"""A long text put together in slices, so that other requests have their turn.

`"".join` copies all of it at once, into memory that the kernel has to find first: half a millisecond a megabyte and
more. Python's C interface can make a text without contents, and write to it for as long as nobody else has it.
"""

import ctypes
import re
from collections.abc import Generator
from typing import Final

AT_ONCE: Final = 256 * 1024  # characters that are joined in a fraction of a millisecond
_new: Final = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_ssize_t, ctypes.c_uint32)(
    ("PyUnicode_New", ctypes.pythonapi)
)
_copy: Final = (
    ctypes.PYFUNCTYPE(  # the first is given by its address: to hold it once more would be to share it
        ctypes.c_ssize_t,
        ctypes.c_void_p,
        ctypes.c_ssize_t,
        ctypes.py_object,
        ctypes.c_ssize_t,
        ctypes.c_ssize_t,
    )(("PyUnicode_CopyCharacters", ctypes.pythonapi))
)
# The widths that texts are kept in, by their last character; which of them a text needs.
_ASCII: Final = 0x7F
_LATIN: Final = 0xFF
_BASIC: Final = 0xFFFF
_ALL: Final = 0x10FFFF
_beyond_latin = re.compile("[^\x00-\xff]").search
_beyond_basic = re.compile("[^\x00-\uffff]").search


def put_together(pieces: list[str], at_once: int = AT_ONCE) -> Generator[None, None, str]:
    """The pieces joined; yields after each. A long text's pieces are let go one by one."""
    length = sum(map(len, pieces))
    if length <= at_once:
        return "".join(pieces)
    last = _ASCII
    for piece in pieces:
        last = max(last, _last(piece, last))
        yield
    whole: str = _new(length, last)
    at = length
    while pieces:
        at -= len(pieces[-1])
        _copy(id(whole), at, pieces[-1], 0, len(pieces[-1]))
        pieces.pop()
        yield
    return whole


def _last(piece: str, known: int) -> int:
    """Up to which character the text needs its width, if not up to one that is known."""
    if known == _ALL or piece.isascii():
        return known
    if _beyond_basic(piece):
        return _ALL
    return _BASIC if known == _BASIC or _beyond_latin(piece) else _LATIN
