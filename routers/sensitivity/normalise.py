"""One spelling for what was spelled in many ways: a text as the rules read it."""

import re
import unicodedata
from typing import Final

_INVISIBLE: Final = re.compile(  # soft hyphen, fillers, zero width, bidi, variation selectors, tags
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef]+"
)
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_CYRILLIC: Final = ("АВЕЅЗІЈКМНОРСТУХаԁеһіјӏорсѕтухԛԝвкмнгүһЬ", "ABESZIJKMHOPCTYXadehijlopcstyxqwbkmhryhb")
_GREEK: Final = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχςε", "ABEZHIKMNOPTYXayiknoptuxce")
_OTHER: Final = ("ıɑɡɩոսօհցոɢʟꓐꓑꓒꓓ", "iagionuohgnGLBPdD")
_LOOKALIKES: Final = {
    ord(foreign): latin
    for foreigns, latins in (_CYRILLIC, _GREEK, _OTHER)
    for foreign, latin in zip(foreigns, latins, strict=False)
}
_FOREIGN: Final = re.compile("[\u0131\u0250-\u02af\u0370-\u058f\ua4d0-\ua4ff]")
_WORD: Final = re.compile(r"\S+")
_MEDIA: Final = re.compile(
    r"data:(?!text/|application/(?:json|xml|yaml))[\w.+-]{1,40}/[\w.+-]{1,80}[^,\s]{0,80};base64,([A-Za-z0-9+/=_\r\n-]{40,})"
)
_ESCAPES: Final = (("\\n", " \n"), ("\\r", " \n"), ("\\t", " \t"), ('\\"', ' "'))


def normalised(text: str) -> tuple[str, bool]:
    """The text as rules read it, and whether every character kept its place (so that findings can be located).

    NFKC, no invisible characters, ASCII digits and dashes, letters borrowed from another script put back;
    `\\n` and its like read as what they mean, and pictures in data URLs blanked, at the same length.
    """
    exact = True
    if not text.isascii():
        visible = _INVISIBLE.sub("", text)
        plain = unicodedata.normalize("NFKC", visible)
        exact = len(visible) == len(text) and plain == visible
        text = _one_script(_DASHES.sub("-", plain))
    if "\\" in text:
        for escape, meaning in _ESCAPES:
            text = text.replace(escape, meaning)
    if ";base64," in text:
        text = _MEDIA.sub(_blank, text)
    return text, exact


def _one_script(text: str) -> str:
    """Words of mixed script in Latin letters, digits of all scripts in ASCII; each character keeps its place."""
    if text.isascii():
        return text
    if _FOREIGN.search(text):
        text = _WORD.sub(_latin, text)
    return _DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


_DIGIT: Final = re.compile(r"(?![0-9])\d")


def _latin(match: re.Match[str]) -> str:
    """A word that mixes scripts, read as Latin; one wholly in its own script is left alone."""
    word = match[0]
    if not word.isascii() and any((char.isascii() and char.isalnum()) or char == "@" for char in word):
        return word.translate(_LOOKALIKES)
    return word


def _blank(match: re.Match[str]) -> str:
    head = match.start(1) - match.start()
    return match[0][:head] + " " * (len(match[0]) - head)
