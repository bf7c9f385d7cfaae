"""Redaction as a pure function: which of the values seen in a request can be replaced with certainty, by what, and
what its label says of the rest.

A value can be replaced where the type's rules see it whole. Where a rule sees only that something is there (a
condition, a marking, the head of a private key, part of an address), where a value was seen in a view of the text
alone (decoded, joined, spelled out), or by a further detector alone, nothing can: its type stays in the label.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from routers.sensitivity import taxonomy
from routers.sensitivity.classifier import Seen, Sighting
from routers.sensitivity.identifiers import IBAN_SIZES
from routers.sensitivity.label import Label, Level
from routers.sensitivity.normalise import normalised
from routers.sensitivity.settings import Settings

MOST_VALUES: Final = 256  # different ones in one request; more are a database, not a question
LONGEST_VALUE: Final = (
    160  # code points, but for keys and tokens: a longer match may be the window's, not the value's
)

_PARTIAL: Final = frozenset({"STREET_ADDRESS", "HEALTH_CONDITION", "PRIVATE_KEY"})
_WHOLE_CATEGORIES: Final = frozenset(
    {"CONTACT", "DEVICE", "GOV_ID", "FINANCIAL", "HEALTH", "SECRET", "CUSTOM"}
)
REDACTABLE: Final = frozenset(
    name for name, (category, _) in taxonomy.TYPES.items() if category in _WHOLE_CATEGORIES - _PARTIAL
) - _PARTIAL  # fmt: skip
_TOKENS: Final = frozenset({"API_KEY", "JWT"})
_PARTIAL_RULES: Final = frozenset({"kubernetes-secret", "jwt-in-base64"})
_CHOSEN_RULES: Final = frozenset({"curl-user", "connection-fields"})  # what people chose may hold spaces
_TOKEN: Final = re.compile(r"[\w\-+/=~%]|\.(?=[\w\-+/=~%])")
_GOES_ON: Final = re.compile(
    r"[^\s\w\"'`()\[\]{}]\w"
)  # a sign, and more behind it: who knows what belongs together
_WORD: Final = re.compile(r"\w")
_LOCAL_PART: Final = frozenset(".+%!#$*^|~'-")
_LINE_ENDS: Final = re.compile(r"[ \t]*(?:[\r\n]|\Z)")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\\u2028\u2029]")  # what text inside text may write differently
_PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z_]{1,60}_[0-9]{1,6}\]")
_SIGNS: Final = re.compile(r"[\W_]+")
_TELLING: Final = 6  # letters and digits that do not stand together by chance, if digits are among them


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replace by what. `counts` are different values by type; `replaced` the types of which no value is
    left, `left` those of which some is."""

    placeholders: Mapping[str, str] = field(repr=False)  # by value
    counts: Mapping[str, int]
    replaced: frozenset[str]
    left: frozenset[str]


def plan(seen: Seen, elsewhere: Iterable[tuple[str, str]] = ()) -> Plan:
    """The plan for what was seen; `elsewhere` are (type, value) that further detectors saw. One value gets one
    placeholder, numbered by type in the order of the text; a number that the text itself has is left out."""
    left: set[str] = set()
    spans: list[tuple[int, int, Sighting]] = []
    for sighting in seen.sightings:
        if not sighting.end:
            continue
        start, end = _widened(sighting, seen.text)
        if _clear(sighting, seen.text, end):
            spans.append((start, end, sighting))
        else:
            left.add(sighting.type)
    placeholders: dict[str, str] = {}
    counts: dict[str, int] = {}
    replaced: set[str] = set()
    taken = set(_PLACEHOLDER.findall(seen.text))
    for start, end, types in _apart(spans):
        value = seen.text[start:end]
        if _UNSAFE.search(value):
            left.update(types)
            continue
        replaced.update(types)
        if value not in placeholders:
            placeholders[value] = _next(types[0], counts, taken)
    if len(placeholders) > MOST_VALUES:
        return Plan({}, {}, frozenset(), frozenset(left | replaced))
    gone = [_compact(value) for value in placeholders]
    in_views = ((each.type, each.value) for each in seen.sightings if not each.end)
    left.update(
        type_
        for type_, value in (*in_views, *elsewhere)
        if not any(_compact(value) in whole for whole in gone) or not _compact(value)
    )
    return Plan(placeholders, _by_type(placeholders), frozenset(replaced - left), frozenset(left))


def _next(type_: str, counts: dict[str, int], taken: Collection[str]) -> str:
    while True:
        counts[type_] = counts.get(type_, 0) + 1
        name = f"[{type_}_{counts[type_]}]"
        if name not in taken:
            return name


def _by_type(placeholders: Mapping[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in placeholders.values():
        type_ = name[1:].rpartition("_")[0]
        counts[type_] = counts.get(type_, 0) + 1
    return counts


def _clear(sighting: Sighting, text: str, end: int) -> bool:
    """Whether the rule sees this value whole; `end` is where its token ends."""
    if sighting.type not in REDACTABLE or sighting.rule in _PARTIAL_RULES:
        return False
    if sighting.type not in _TOKENS and len(sighting.value) > LONGEST_VALUE:
        return False
    if sighting.type == "PASSWORD" or sighting.rule in _CHOSEN_RULES:
        return _enclosed(sighting, text)
    return sighting.type not in _TOKENS or _GOES_ON.match(text, end) is None


def _enclosed(sighting: Sighting, text: str) -> bool:
    """Whether it is said where the value ends: by the quote it began with, a separator, or the end of the line."""
    before, behind = text[sighting.start - 1 : sighting.start], text[sighting.end : sighting.end + 1]
    if before and before in "\"'`":
        return before == behind
    if sighting.rule == "connection-fields" and behind == ";":
        return True
    return _LINE_ENDS.match(text, sighting.end) is not None


def _widened(sighting: Sighting, text: str) -> tuple[int, int]:
    """The stretch to replace: up to where the token ends that the value is in, so that none of it is left standing."""
    start, end = sighting.start, sighting.end
    if sighting.type == "IBAN_CODE":
        end = _iban_end(text, start, end)
    part = _TOKEN if sighting.type in _TOKENS else _WORD
    while end < len(text) and part.match(text, end):
        end += 1
    while start and _WORD.match(text, start - 1):
        start -= 1
    if sighting.type == "EMAIL_ADDRESS":
        while start and (
            _WORD.match(text, start - 1)
            or (text[start - 1] in _LOCAL_PART and start > 1 and _WORD.match(text, start - 2))
        ):
            start -= 1
    return start, end


def _iban_end(text: str, start: int, end: int) -> int:
    """Where the number ends by its country's length: the words behind it may have been taken along."""
    size = IBAN_SIZES.get(text[start : start + 2].upper(), 0)
    for at in range(start, end):
        size -= text[at].isalnum()
        if size == 0:
            return at + 1
    return end


def _apart(spans: list[tuple[int, int, Sighting]]) -> Iterable[tuple[int, int, tuple[str, ...]]]:
    """The stretches with those that overlap made one: each with its types, that of the longest first."""
    group: list[tuple[int, int, Sighting]] = []
    stop = 0
    for span in sorted(spans, key=lambda span: span[:2]):
        if group and span[0] >= stop:
            yield _union(group)
            group = []
            stop = 0
        group.append(span)
        stop = max(stop, span[1])
    if group:
        yield _union(group)


def _union(group: list[tuple[int, int, Sighting]]) -> tuple[int, int, tuple[str, ...]]:
    longest = sorted(group, key=lambda span: span[0] - span[1])
    types = tuple(dict.fromkeys(sighting.type for _, _, sighting in longest))
    return min(span[0] for span in group), max(span[1] for span in group), types


def standing(text: str, values: Iterable[str]) -> list[tuple[int, int]]:
    """Where values stand by themselves, never within a word; where two overlap the first, the longer. Searched for
    one by one: a pattern made of them would stay behind in a cache."""
    places: list[tuple[int, int]] = []
    for value in values:
        at = text.find(value)
        while at >= 0:
            if _by_itself(text, at, at + len(value)):
                places.append((at, -len(value)))
            at = text.find(value, at + 1)
    apart: list[tuple[int, int]] = []
    for start, size in sorted(places):
        if not apart or start >= apart[-1][1]:
            apart.append((start, start - size))
    return apart


def _by_itself(text: str, start: int, end: int) -> bool:
    before = start > 0 and _WORD.match(text, start) and _WORD.match(text, start - 1)
    return not before and not (_WORD.match(text, end - 1) and _WORD.match(text, end))


def replaced(text: str, placeholders: Mapping[str, str]) -> str:
    """The text with placeholders for the values that stand in it by themselves."""
    pieces: list[str] = []
    at = 0
    for start, end in standing(text, placeholders):
        pieces += (text[at:start], placeholders[text[start:end]])
        at = end
    return "".join([*pieces, text[at:]]) if pieces else text


def remains(placeholders: Mapping[str, str], texts: Iterable[str]) -> bool:
    """Whether any of the values can still be read in these texts: by itself whatever its case, or with other signs
    between its letters and digits, or none, also across texts."""
    names = set(placeholders.values())
    read = [
        _PLACEHOLDER.sub(lambda name: "\n" if name[0] in names else name[0], normalised(text)[0]).casefold()
        for text in texts
    ]
    everything = "\n".join(read)
    compact = _compact(everything)
    return bool(standing(everything, [value.casefold() for value in placeholders])) or any(
        _telling(whole) and whole in compact for whole in map(_compact, placeholders)
    )


def _telling(compact: str) -> bool:
    return len(compact) >= _TELLING and any(map(str.isdigit, compact))


def _compact(text: str) -> str:
    return _SIGNS.sub("", text).casefold()


def left_over(original: Label, again: Label, replaced: Collection[str], settings: Settings) -> Label:
    """The label of the redacted form: what it was judged to be, and all that the original was labelled with but
    for the types whose every value was replaced."""
    left = [type_ for type_ in original.types if type_ not in replaced]
    unnamed = original.categories - {taxonomy.category(type_) for type_ in original.types}
    level = max([again.level, *map(settings.level, left), *((Level.RESTRICTED,) if unnamed else ())])
    return replace(
        again,
        level=level,
        types=dict.fromkeys(left, 0) | dict(again.types),
        categories=again.categories.union(map(taxonomy.category, left), unnamed),
        unscanned=tuple(dict.fromkeys((*again.unscanned, *original.unscanned))),
        failed=tuple(dict.fromkeys((*again.failed, *original.failed))),
    )


def least(label: Label, chosen: Mapping[str, Level]) -> Label:
    """The least that a redaction could leave of a label: what it would be if everything were replaced that ever can
    be. `chosen` are levels by type or category. A level that no finding explains was claimed, and stays."""
    if label.failed or label.unscanned or not (label.types or label.categories):
        return label
    types = {name: count for name, count in label.types.items() if name not in REDACTABLE}
    named = {taxonomy.category(name) for name in label.types}
    kept = [*types, *(name for each in label.categories - named for name in _never_redacted(each))]
    if not kept:
        return Label(Level.PUBLIC)
    return Label(
        min(taxonomy.level(name, chosen) for name in kept), types, frozenset(map(taxonomy.category, kept))
    )


def _never_redacted(category: str) -> tuple[str, ...]:
    """The types of a category, if there is none in it that could be replaced."""
    types = [name for name, (group, _) in taxonomy.TYPES.items() if group == category]
    return () if any(name in REDACTABLE for name in types) else tuple(types)
