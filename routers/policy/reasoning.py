"""What follows from a condition without any request at hand: enough to find rules that can never be reached.

A condition is written out as cases (an `or` of `and`s), each a set of tests by field. Proofs are cautious:
`implies` and `impossible` say yes only where it is certain.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Self

from routers.policy.conditions import All, AnyOf, Condition, Hardest, HasAny, Is, Not, OneOf, Within
from routers.sensitivity.label import Level
from routers.signals import KINDS

MOST_CASES: Final = 32  # comparing two conditions takes the product of their cases
_CLOSED: Final[dict[str, frozenset[Any]]] = {
    "level": frozenset(Level),
    "tools": frozenset({True, False}),
    "stream": frozenset({True, False}),
    "kind": frozenset(KINDS),
}


@dataclass(frozen=True, slots=True)
class _Range:
    """A stretch of numbers; an open end is not part of it."""

    low: float = float("-inf")
    high: float = float("inf")
    low_open: bool = False
    high_open: bool = False

    @property
    def empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def both(self, other: Self) -> "_Range":
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return _Range(low, high, low_open, not high_closed)

    def within(self, other: Self) -> bool:
        return self.both(other) == self


@dataclass(frozen=True, slots=True)
class _Choice:
    """One word out of `words`, or (`others`) any word but those."""

    words: frozenset[Any]
    others: bool = False

    @property
    def empty(self) -> bool:
        return not self.others and not self.words

    def both(self, other: Self) -> "_Choice":
        if self.others and other.others:
            return _Choice(self.words | other.words, others=True)
        if self.others:
            return _Choice(other.words - self.words)
        return _Choice(self.words - other.words if other.others else self.words & other.words)

    def within(self, other: Self) -> bool:
        return self.both(other) == self


@dataclass(frozen=True, slots=True)
class _Members:
    """A set with at least one of each of `some` in it, and none of `none`."""

    some: frozenset[frozenset[str]] = frozenset()
    none: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        return any(words <= self.none for words in self.some)

    def both(self, other: Self) -> "_Members":
        return _Members(self.some | other.some, self.none | other.none)

    def within(self, other: Self) -> bool:
        held = all(any(own - self.none <= words for own in self.some) for words in other.some)
        return held and other.none <= self.none


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Among the hardest (True) or not, by a rule's own window: nothing follows from it for another rule."""

    hard: frozenset[bool]

    @property
    def empty(self) -> bool:
        return not self.hard

    def both(self, other: Self) -> "_Weighed":
        return _Weighed(self.hard & other.hard)

    def within(self, other: Self) -> bool:  # noqa: ARG002  # as the others are asked
        return False


_Test = _Range | _Choice | _Members | _Weighed
_Case = dict[str, _Test]


def implies(narrow: Condition, wide: Condition) -> bool:
    """Whether every request that meets `narrow` certainly meets `wide`."""
    try:
        these, those = _cases(narrow), _cases(wide)
    except _TooManyCases:
        return False
    return all(any(_case_within(this, that) for that in those) for this in these)


def impossible(condition: Condition) -> bool:
    """Whether certainly no request can meet it."""
    try:
        return not _cases(condition)
    except _TooManyCases:
        return False


def fewest_tokens(condition: Condition) -> float:
    """The shortest prompt (tokens) that can meet it."""
    try:
        cases = _cases(condition)
    except _TooManyCases:
        return 0
    tests = (case.get("prompt_tokens") for case in cases)
    return min((test.low if isinstance(test, _Range) else 0 for test in tests), default=0)


class _TooManyCases(Exception):  # noqa: N818  # it gives up; nothing failed
    """Written out, the condition is too long to reason about."""


def _cases(condition: Condition, *, negated: bool = False) -> list[_Case]:
    """The condition (or its opposite) written out; impossible cases are left away."""
    match condition:
        case Not(part):
            return _cases(part, negated=not negated)
        case All(parts) | AnyOf(parts):
            each = [_cases(part, negated=negated) for part in parts]
            if isinstance(condition, All) is not negated:
                return _limited(_joined(cases) for cases in product(*each))
            return _limited(case for cases in each for case in cases)
        case _:
            return [{condition.field: test} for test in _tests(condition, negated) if not test.empty]


def _limited(cases: Iterable[_Case | None]) -> list[_Case]:
    kept: list[_Case] = []
    for seen, case in enumerate(cases):
        if seen >= MOST_CASES:
            raise _TooManyCases
        if case is not None:
            kept.append(case)
    return kept


def _joined(cases: Iterable[_Case]) -> _Case | None:
    """All of them at once, or None where they contradict each other."""
    whole: _Case = {}
    for case in cases:
        for field, test in case.items():
            joined = _both(whole[field], test) if field in whole else test
            if joined.empty:
                return None
            whole[field] = joined
    return whole


def _both(one: _Test, other: _Test) -> _Test:
    return one.both(other)  # type: ignore[arg-type]  # one field always has one kind of test


def _case_within(narrow: _Case, wide: _Case) -> bool:
    return all(
        field in narrow and narrow[field].within(test)  # type: ignore[arg-type]  # as in _both
        for field, test in wide.items()
    )


def _tests(condition: Within | Hardest | OneOf | HasAny | Is, negated: bool) -> list[_Test]:
    match condition:
        case Hardest():
            return [_Weighed(frozenset({not negated}))]
        case Within(field="level", at_least=low, at_most=high):
            met = frozenset(each for each in Level if _inside(each, low, high))
            return [_closed("level", met, negated)]
        case Within(_, low, high):
            return list(_ranges(low, high, negated))
        case OneOf(field, values):
            return [_closed(field, values, negated)]
        case HasAny(_, values):
            return [_Members(none=values) if negated else _Members(some=frozenset({values}))]
        case Is(field, value):
            return [_closed(field, frozenset({value}), negated)]


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def _ranges(low: float | None, high: float | None, negated: bool) -> Iterable[_Range]:
    if not negated:
        yield _Range(float("-inf") if low is None else low, float("inf") if high is None else high)
        return
    if low is not None:
        yield _Range(high=low, high_open=True)
    if high is not None:
        yield _Range(low=high, low_open=True)


def _closed(field: str, values: frozenset[Any], negated: bool) -> _Choice:
    if not negated:
        return _Choice(values)
    return _Choice(_CLOSED[field] - values) if field in _CLOSED else _Choice(values, others=True)
