"""What a policy may choose about sensitivity: levels, what is not readable, the tenant's own terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from routers.sensitivity import taxonomy
from routers.sensitivity.label import Level


@dataclass(frozen=True, slots=True)
class Settings:
    """`unscanned` maps a kind (`image`, `file_id`, …) or `default` to a level. `levels` maps types or categories;
    a type wins over its category. `terms` are matched as whole words, whatever their case; `patterns` maps a name
    to a regular expression in the syntax that Hyperscan and `re` share, whose classes and letter case are ASCII's."""

    unlabelled: Level = Level.INTERNAL
    unscanned: Mapping[str, Level] = field(
        default_factory=lambda: MappingProxyType({"default": Level.RESTRICTED})
    )
    levels: Mapping[str, Level] = field(default_factory=lambda: MappingProxyType({}))
    terms: tuple[str, ...] = ()
    patterns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def level(self, type_: str) -> Level:
        """The level of a type, as chosen or by default; a type nobody knows is restricted."""
        return taxonomy.level(type_, self.levels)

    def opaque_level(self, kind: str) -> Level:
        """The level of content that could not be read."""
        return self.unscanned.get(kind, self.unscanned.get("default", Level.RESTRICTED))
