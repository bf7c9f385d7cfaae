"""What the engines look for: patterns that say "look here", and where plain Python may look for them alone."""

import re
from dataclasses import dataclass
from typing import Final

Hit = tuple[int, int]  # (end of the match in code points, index of the trigger)


@dataclass(frozen=True, slots=True)
class Place:
    """Stretches of a text in lower case: what the pattern finds, with `before` and `behind` code points around it;
    `within` other places only."""

    pattern: re.Pattern[str]
    before: int
    behind: int
    within: "Place | None" = None


# Each pattern begins with a class of few characters, so that `re` leaps from one to the next.
DIGITS: Final = Place(
    re.compile(r"[0-9](?:[^0-9]{0,20}+[0-9])*+"), 16, 16
)  # what most of the others lie within
DENSE: Final = Place(re.compile(r"[0-9](?:[^0-9\n]{0,8}[0-9]){3}"), 48, 48, DIGITS)  # four close together
MANY: Final = Place(
    re.compile(r"[0-9](?:[^0-9a-z\n]{0,3}[0-9]){5,}"), 16, 40, DENSE
)  # six, with no words between
MIXED: Final = Place(
    re.compile(r"[0-9](?:(?<=[a-z].)|(?<=[a-z]-.)|-?[a-z])"), 32, 32, DENSE
)  # in one with letters
NUMBERED: Final = Place(
    re.compile(r"[0-9](?:[^0-9\n]{0,16}[0-9]){2}"), 100, 2, DIGITS
)  # three, and their name
HOUSE: Final = Place(re.compile(r" [0-9]"), 14, 4, DIGITS)  # a word with a number behind it
INSIDE: Final = Place(re.compile(r"[0134][a-z0134]"), 12, 12, DIGITS)  # a digit inside a word
LONG: Final = Place(re.compile(r"\s\S{16,}"), 0, 0)  # sixteen characters without a space
LACED: Final = Place(re.compile(r"[0-9][a-z]{1,8}[0-9]{1,4}[a-z]"), 5, 12, LONG)  # letters and digits in turn
APART: Final = Place(
    re.compile(r"[._,|*;/:~-] ?[^\s][._,|*;/:~-]"), 12, 24
)  # one character between two signs
BROKEN: Final = Place(  # a line that begins with digits, or with one letter
    re.compile(r"\n[ \t>*|]{0,4}[-.]?(?:[a-z_-]{0,7}[0-9]|[a-z](?=[^a-z.)]))"), 5, 4
)
GIVEN: Final = Place(  # a long value, and what it is given to
    re.compile(r"[=:>|,i](?:(?<!i)|s )\s{0,6}[\"'`(]{0,2}[^\s\"'`]{10}"), 48, 2
)
EIGHTY_FIVE: Final = Place(re.compile("85"), 8, 1)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A pattern in the syntax that Hyperscan and `re` share. Hyperscan matches UTF-8 bytes: classes and letter
    case are ASCII's.

    The rest makes plain Python quick, and says nothing that would change what is found. `needs` are literals in
    lower case of which every match holds one, and begins with one where it `leads`. Where such a literal begins or
    ends with a letter and the trigger `starts` or `ends`, no match that counts has another letter right before the
    literal or right behind it. `among`: all matches that count lie wholly in such places. Only where a match ends is
    told, so a pattern need not reach back further than it takes: what begins it in full is for the rule to ask.
    """

    pattern: str
    needs: tuple[str, ...] = ()
    caseless: bool = True
    leads: bool = False
    starts: bool = False
    ends: bool = False
    among: Place | None = None
    hint: bool = False  # it only saves work elsewhere; plain Python does without


def lowered(text: str) -> str:
    """In lower case as triggers see it: ASCII's letters only, each character in its place."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
