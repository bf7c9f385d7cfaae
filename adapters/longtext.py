"""A long text written in slices, and freed in slices, so that other requests have their turn.

`"".join` copies all of it at once, into memory that the kernel has to find first: half a millisecond a megabyte and
more, and to give it back a tenth of that; where there is one emoji, every character takes four bytes. Python's C
interface can make a text without contents, and write to it and shorten it for as long as nobody else has it.
"""

import ctypes
import re
from collections.abc import Callable, Generator
from sys import getrefcount
from typing import Final

_STEP: Final = 64 * 1024  # characters that are copied at a time
LET_GO: Final = 512 * 1024  # characters that are freed at a time: two megabytes at most
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
_address = ctypes.c_void_p
_resize = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.POINTER(_address), ctypes.c_ssize_t)
_resize_text: Final = _resize(("PyUnicode_Resize", ctypes.pythonapi))
_resize_bytes: Final = _resize(("_PyBytes_Resize", ctypes.pythonapi))
_hold: Final = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
_release: Final = ctypes.PYFUNCTYPE(None, _address)(("Py_DecRef", ctypes.pythonapi))
# The widths that texts are kept in, by their last character; which of them a text needs.
_ASCII: Final = 0x7F
_LATIN: Final = 0xFF
_BASIC: Final = 0xFFFF
_ALL: Final = 0x10FFFF
_beyond_latin = re.compile("[^\x00-\xff]").search
_beyond_basic = re.compile("[^\x00-\uffff]").search


class Growing:
    """A long text while it is written, in memory for all that may come: what is never written to costs nothing."""

    __slots__ = ("_last", "_length", "_most", "_whole")

    def __init__(self, most: int) -> None:
        """`most`: characters that there may be."""
        self._most = most
        self._last = _ASCII
        self._length = 0
        self._whole: str = _new(most, _ASCII)

    def add(self, piece: str) -> Generator[None, None, None]:
        """Write a piece behind the others; where it holds wider characters than they, they are copied, by turns."""
        last = _last(piece, self._last)
        if last != self._last:
            yield from self._widen(last)
        _copy(id(self._whole), self._length, piece, 0, len(piece))
        self._length += len(piece)

    def done(self) -> str:
        """The text."""
        _hold(self._whole)
        at = _address(id(self._whole))
        self._whole = ""  # it must be held once, or it would be copied
        try:
            _resize_text(ctypes.byref(at), self._length)
            whole: str = ctypes.cast(at, ctypes.py_object).value
        finally:
            _release(at)
        return whole

    def _widen(self, last: int) -> Generator[None, None, None]:
        wider: str = _new(self._most, last)
        for at in range(0, self._length, _STEP):
            _copy(id(wider), at, self._whole, at, min(_STEP, self._length - at))
            yield
        before: list[str | bytes] = [self._whole]
        self._whole, self._last = wider, last
        yield from let_go(before)


def joined(pieces: list[str]) -> str:
    """As `"".join`, on a thread where others have their turn between any two steps."""
    whole = Growing(sum(map(len, pieces)))
    for piece in pieces:
        for at in range(0, len(piece), _STEP):
            for _ in whole.add(piece[at : at + _STEP]):
                pass
    return whole.done()


def _last(piece: str, known: int) -> int:
    """Up to which character the text needs its width, if not up to one that is known."""
    if known == _ALL or piece.isascii():
        return known
    if _beyond_basic(piece):
        return _ALL
    return _BASIC if known == _BASIC or _beyond_latin(piece) else _LATIN


def let_go(held: list[str | bytes]) -> Generator[None, None, None]:
    """Free what is in the list, from its end; what is long, and held by nobody else, a little at a time."""
    while held:
        whole = held.pop()
        left = len(whole)
        if left <= LET_GO or getrefcount(whole) > 2:  # this variable, and the call's own
            del whole
            continue
        shorten: Callable[..., int] = _resize_text if isinstance(whole, str) else _resize_bytes
        _hold(whole)
        at = _address(id(whole))
        del whole  # it must be held once, or it would be copied
        try:
            while left > LET_GO:
                left -= LET_GO
                shorten(ctypes.byref(at), left)
                yield
        finally:
            _release(at)
