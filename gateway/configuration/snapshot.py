"""One loaded configuration: its settings as plain data, and with its policy compiled, as a gateway has it in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from gateway.configuration.settings import (
    ActionSettings,
    AffinitySettings,
    BackendSettings,
    ComplexitySettings,
    ReserveSettings,
    Secret,
    SensitivitySettings,
    ServerSettings,
    StateSettings,
    TelemetrySettings,
    TenantSettings,
)
from gateway.configuration.source import Stamp
from routers.policy.conditions import All, AnyOf, Hardest, HasAny, Is, Not, OneOf, Within, described
from routers.policy.facts import Model, Zone
from routers.policy.permits import Boundary
from routers.policy.policy import Policy, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a configuration says, whether its policy is compiled or not."""

    hash: str
    backends: Mapping[str, BackendSettings]
    tenants: Mapping[str, TenantSettings]
    sensitivity: SensitivitySettings
    server: ServerSettings
    state: StateSettings
    reserve: ReserveSettings
    actions: ActionSettings
    telemetry: TelemetrySettings
    complexity: ComplexitySettings
    affinity: AffinitySettings
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # every file it was read from, the YAML and what that names


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(_Said):
    """A validated configuration before its policy is compiled: plain data that may cross processes."""

    site: str | None
    air_gapped: bool
    zones: Mapping[str, Zone]
    models: Mapping[str, Model]
    aliases: Mapping[str, str]
    boundaries: tuple[Boundary, ...]
    routes: tuple[Route, ...]
    harmless: frozenset[str]  # kinds of unread content that the policy takes for harmless
    policy_hash: str
    stamp: Stamp = ()  # the state of its files before they were read


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(_Said):
    """One loaded configuration. A request keeps the one it began with; a reload swaps the whole."""

    policy: Policy
    settings: Settings = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Snapshot":
        """Compile the policy and hold the rest as it is."""
        policy = Policy(
            settings.models,
            settings.boundaries,
            settings.routes,
            settings.aliases,
            digest=settings.policy_hash,
            air_gapped=settings.air_gapped,
            harmless=settings.harmless,
        )
        said = {each.name: getattr(settings, each.name) for each in fields(_Said)}
        return cls(policy=policy, settings=settings, **said)

    def redacted(self) -> dict[str, Any]:
        """The whole configuration as JSON values, without secrets: keys and confidential terms stay out."""
        dump: dict[str, Any] = plain(self.settings)
        dump["sensitivity"]["terms"] = len(self.sensitivity.terms)
        return dump


def plain(value: object) -> Any:
    """Settings as JSON values; a secret becomes the word `hidden`."""
    match value:
        case Secret():
            return "hidden"
        case Within() | Hardest() | OneOf() | HasAny() | Is() | All() | AnyOf() | Not():
            return described(value)
        case Enum():
            return str(value)
        case bytes():
            return f"{len(value)} bytes"
        case Decimal() | date():
            return str(value)
        case Mapping():
            return {str(key): plain(entry) for key, entry in value.items()}
        case frozenset() | set():
            return sorted(map(plain, value))
        case list() | tuple():
            return [plain(entry) for entry in value]
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value
