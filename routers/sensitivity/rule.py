"""A rule: triggers that say where to look, a pattern that confirms, a check that decides."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.trigger import Place, Trigger, lowered

Check = Callable[[re.Match[str], Near], bool]


def accept(_match: re.Match[str], _near: Near) -> bool:
    """The pattern says enough."""
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to recognise one type. `confirm` is tried from `back` code points before a hit's end to `ahead`
    behind it; its group `value`, where it has one, is the sensitive stretch."""

    id: str
    type: str
    triggers: Sequence[Trigger]
    confirm: re.Pattern[str]
    check: Check = accept
    back: int = 64
    ahead: int = 64
    rest: int = 0  # how far behind a hit that led to nothing the next ones are not worth looking at


def rule(
    id_: str,
    type_: str,
    trigger: str | Sequence[Trigger],
    confirm: str,
    check: Check = accept,
    *,
    needs: Sequence[str] = (),
    leads: bool = False,
    starts: bool = False,
    ends: bool = False,
    among: Place | None = None,
    caseless: bool = True,
    back: int = 64,
    ahead: int = 64,
    rest: int = 0,
) -> Rule:
    """A rule from patterns as text. `caseless` holds for the trigger and the confirming pattern alike; for `needs`,
    `leads`, `starts`, `ends` and `among` see Trigger."""
    if isinstance(trigger, str):
        trigger = (Trigger(trigger, tuple(needs), caseless, leads, starts, ends, among),)
    flags = re.IGNORECASE if caseless else re.NOFLAG
    return Rule(id_, type_, tuple(trigger), re.compile(confirm, flags), check, back, ahead, rest)


_LITERAL: Final = r"(?:[^\\\[\](){}?*+.|^$]|\\\.)"
_STEM: Final = re.compile(
    rf"(?:\\b)?({_LITERAL}+)([?*{{]?)(?:\(\?:([^()]*)\)(?![?*{{])({_LITERAL}*)(?![?*{{]))?"
)


def stems(alternatives: str) -> tuple[str, ...]:
    """The literals, in lower case, that the alternatives of a pattern begin with. Raises ValueError where one
    begins with anything else."""
    found: dict[str, None] = {}
    for alternative in _alternatives(alternatives):
        match = _STEM.match(alternative)
        if match is None:
            raise ValueError(f"no literal begins {alternative!r}")
        stem = match[1].replace("\\.", ".")
        if match[2]:
            found[lowered(stem[:-1])] = None
        elif match[3] and len(stem) < _SHORT and re.fullmatch(rf"(?:{_LITERAL}|\|)*", match[3]):
            found |= dict.fromkeys(lowered(f"{stem}{inner}{match[4]}") for inner in match[3].split("|"))
        else:
            found[lowered(stem)] = None
    return tuple(found)


def by_letter(alternatives: str) -> str:
    """The same alternatives, put together by the letter that begins them: `re` tries a long row of them one by one,
    and of these the few that begin as the text does. Where a word begins (`\\b`) is for the pattern around to say."""
    grouped: dict[str, list[str]] = {}
    for alternative in _alternatives(alternatives):
        alternative = alternative.removeprefix(r"\b")
        grouped.setdefault(alternative[0], []).append(alternative[1:])
    return "|".join(f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in grouped.items())


_SHORT: Final = 4  # code points: a stem shorter than this is worth lengthening by the group behind it


def _alternatives(pattern: str) -> list[str]:
    """A pattern cut at the bars that stand outside its groups."""
    pieces = [""]
    depth = 0
    for char in pattern:
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += char
    return pieces


def find(found_by: Rule, text: str, lowest: int, end: int) -> tuple[int, tuple[int, int] | None]:
    """What the rule confirms around a hit that ended at `end`, from `lowest` on: up to where hits have been
    answered, and the start and end of the value or None."""
    answered = end
    for match in found_by.confirm.finditer(text, max(lowest, end - found_by.back), end + found_by.ahead):
        if match.end() < end:
            continue
        first, last = match.span("value") if "value" in found_by.confirm.groupindex else match.span()
        if found_by.check(match, Near(text, first, last)):
            return match.end(), (first, last)
        if match.start() >= end:
            break
        answered = match.end()
    return answered + found_by.rest, None
