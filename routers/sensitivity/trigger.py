"""What the engines look for: patterns that say "look here", and where plain Python may look for them alone."""

import re
from dataclasses import dataclass
from typing import Final

Hit = tuple[int, int]  # (end of the match in code points, index of the trigger)


@dataclass(frozen=True, slots=True)
class Place:
    """Stretches of a text: what the pattern finds, with `before` and `behind` code points around it."""

    pattern: re.Pattern[str]
    before: int
    behind: int


# Each pattern begins with a class of few characters, so that `re` leaps from one to the next.
DENSE: Final = Place(re.compile(r"[0-9](?:[^0-9\n]{0,8}[0-9]){3}"), 48, 48)  # four digits close together
NUMBERED: Final = Place(re.compile(r"[0-9](?:[^0-9\n]{0,16}[0-9]){2}"), 100, 2)  # three, and what names them
HOUSE: Final = Place(re.compile(r" [0-9]"), 14, 4)  # a word with a number behind it
LONG: Final = Place(re.compile(r"\s\S{16,}"), 0, 0)  # sixteen characters without a space
INSIDE: Final = Place(re.compile(r"[0134][a-z0134]", re.IGNORECASE), 12, 12)  # a digit inside a word
APART: Final = Place(
    re.compile(r"[/:~-][a-z0-9][/:~-]", re.IGNORECASE), 4, 24
)  # one character between two signs
GIVEN: Final = Place(  # a long value, and what it is given to
    re.compile(r"(?:[=:>|,]|is )\s{0,6}[\"'`(]{0,2}[^\s\"'`]{10}"), 48, 2
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A pattern in the syntax that Hyperscan and `re` share. Hyperscan matches UTF-8 bytes: classes and letter
    case are ASCII's.

    The rest makes plain Python quick, and says nothing that would change what is found. `needs` are literals in
    lower case of which every match holds one, and begins with one where it `leads`; where it `starts`, no match that
    counts has a letter right before it. `among`: all matches that count lie wholly in such places.
    """

    pattern: str
    needs: tuple[str, ...] = ()
    caseless: bool = True
    leads: bool = False
    starts: bool = False
    among: Place | None = None
    hint: bool = False  # it only saves work elsewhere; plain Python does without
