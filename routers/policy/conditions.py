"""The closed condition language: plain data to reason about, compiled at load to closures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal

from routers.sensitivity.label import Level
from routers.signals import Signals

Number = Literal["complexity", "prompt_tokens", "budget_used", "level"]
Name = Literal["kind", "language", "tenant", "workflow", "model"]
Names = Literal["category", "type", "modality"]
Flag = Literal["tools", "stream"]

Holds = Callable[[Signals], bool]


@dataclass(frozen=True, slots=True)
class Within:
    """A number lies in a range, both ends included. Levels count as numbers."""

    field: Number
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Hardest:
    """The task is among the hardest `share` (0..1) of those it is asked of: its complexity reaches a threshold that
    follows traffic, and that the decision is handed as a number."""

    share: float
    field: Literal["hardest"] = "hardest"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A name (or a level) is one of these."""

    field: Name | Literal["level"]
    values: frozenset[Any]


@dataclass(frozen=True, slots=True)
class HasAny:
    """A set of names has at least one of these in it."""

    field: Names
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Is:
    """A flag is set, or is not."""

    field: Flag
    value: bool


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; `All(())` always does."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Within | Hardest | OneOf | HasAny | Is | All | AnyOf | Not

ALWAYS: Final = All(())
NEVER: Final = AnyOf(())

_READ: Final[Mapping[str, Callable[[Signals], Any]]] = {
    "complexity": attrgetter("complexity"),
    "prompt_tokens": attrgetter("prompt_tokens"),
    "budget_used": attrgetter("budget_used"),
    "level": attrgetter("label.level"),
    "kind": attrgetter("kind"),
    "language": attrgetter("language"),
    "tenant": attrgetter("tenant"),
    "workflow": attrgetter("workflow"),
    "model": attrgetter("model"),
    "category": attrgetter("label.categories"),
    "type": attrgetter("label.types"),
    "modality": attrgetter("modality"),
    "tools": attrgetter("tools"),
    "stream": attrgetter("stream"),
}


def compiled(condition: Condition) -> Holds:
    """The condition as a closure over signals: no lookup by name is left for request time."""
    match condition:
        case Within(field, at_least, at_most):
            return _within(_READ[field], at_least, at_most)
        case Hardest():
            raise TypeError("a share is judged by its threshold: put `assumed` in its place")
        case OneOf(field, values):
            return _one_of(_READ[field], values)
        case HasAny(field, values):
            return _has_any(_READ[field], values)
        case Is(field, value):
            return _is(_READ[field], value)
        case All(parts):
            return _all(tuple(map(compiled, parts)))
        case AnyOf(parts):
            return _any(tuple(map(compiled, parts)))
        case Not(part):
            return _not(compiled(part))


def assumed(condition: Condition, hardest: bool) -> Condition:
    """The condition for a task that is among the hardest, or for one that is not."""
    match condition:
        case Hardest():
            return ALWAYS if hardest else NEVER
        case All(parts):
            return All(tuple(assumed(part, hardest) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(assumed(part, hardest) for part in parts))
        case Not(part):
            return Not(assumed(part, hardest))
    return condition


def atoms(condition: Condition) -> Iterator[Within | Hardest | OneOf | HasAny | Is]:
    """The tests a condition is made of."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from atoms(part)
        case Not(part):
            yield from atoms(part)
        case _:
            yield condition


def _within(read: Callable[[Signals], Any], at_least: float | None, at_most: float | None) -> Holds:
    low = float("-inf") if at_least is None else at_least
    high = float("inf") if at_most is None else at_most
    return lambda signals: low <= read(signals) <= high


def _one_of(read: Callable[[Signals], Any], values: frozenset[Any]) -> Holds:
    return lambda signals: read(signals) in values


def _has_any(read: Callable[[Signals], Any], values: frozenset[str]) -> Holds:
    return lambda signals: not values.isdisjoint(read(signals))


def _is(read: Callable[[Signals], Any], value: bool) -> Holds:
    return lambda signals: read(signals) is value


def _all(parts: tuple[Holds, ...]) -> Holds:
    if len(parts) == 1:
        return parts[0]

    def holds(signals: Signals) -> bool:
        for part in parts:  # noqa: SIM110  # a loop: half the time of all() with a generator, on every request
            if not part(signals):
                return False
        return True

    return holds


def _any(parts: tuple[Holds, ...]) -> Holds:
    return lambda signals: any(part(signals) for part in parts)


def _not(part: Holds) -> Holds:
    return lambda signals: not part(signals)


def described(condition: Condition) -> str:
    """The condition as a person would say it: `complexity at least 0.7 and not (tools)`."""
    match condition:
        case Within(field, at_least, at_most):
            bounds = [
                f"at {end} {_value(field, bound)}"
                for end, bound in (("least", at_least), ("most", at_most))
                if bound is not None
            ]
            return f"{field} {' and '.join(bounds)}"
        case Hardest(share):
            return f"complexity among the hardest {percent(share)}"
        case OneOf(field, values) | HasAny(field, values):
            return f"{field} {' or '.join(str(value) for value in sorted(values))}"
        case Is(field, value):
            return field if value else f"no {field}"
        case All(parts):
            return " and ".join(map(_part, parts)) or "always"
        case AnyOf(parts):
            return " or ".join(map(_part, parts))
        case Not(part):
            return f"not ({described(part)})"


def percent(share: float) -> str:
    """0.3 as `30%`."""
    return f"{share * 100:.6g}%"


def _part(condition: Condition) -> str:
    text = described(condition)
    return f"({text})" if isinstance(condition, (All, AnyOf)) else text


def _value(field: str, bound: float) -> str:
    return str(Level(int(bound))) if field == "level" else f"{bound:g}"
