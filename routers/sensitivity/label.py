"""Levels, findings and the label: what was found in a request, never the values themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Level(IntEnum):
    """How sensitive, in order."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3

    @classmethod
    def named(cls, name: str) -> "Level":
        """The level of that name (`restricted`). Raises KeyError."""
        return cls[name.upper()]

    def __str__(self) -> str:
        return LEVELS[self]


LEVELS: Final = tuple(level.name.lower() for level in Level)  # asked for several times a request


@dataclass(slots=True)  # not frozen, since it is made for every request; nobody changes one
class Segment:
    """A piece of text the model would see, and where it came from (`user`, `system`, `tool`, `name`, …)."""

    text: str
    origin: str = "user"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sensitive thing found. `start` and `end` are code points in its segment's text, for redaction only."""

    type: str
    category: str
    level: Level
    rule: str
    segment: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """The highest level of the findings, with their types and counts."""

    level: Level
    types: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    categories: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()  # ids of the rules that hit
    unscanned: tuple[str, ...] = ()  # kinds of content that could not be read
    failed: tuple[str, ...] = ()  # detectors that failed, which made the label the highest

    @property
    def must_stay(self) -> bool:
        """Whether the defaults would keep it inside (confidential or above)."""
        return self.level >= Level.CONFIDENTIAL
