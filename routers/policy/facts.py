"""What the policy knows before any request comes: zones and the models that run in them."""

from dataclasses import dataclass
from typing import Literal

Openness = Literal["open_weights", "closed", "unknown"]


@dataclass(frozen=True, slots=True)
class Zone:
    """Where models run. `None` means nobody said: a boundary that asks is not satisfied."""

    name: str
    inside: bool
    jurisdiction: str | None = None
    retention_days: int | None = None
    trains_on_data: bool | None = None
    certified: frozenset[str] = frozenset()

    @property
    def outside(self) -> bool:
        return not self.inside


@dataclass(frozen=True, slots=True)
class Model:
    """A name that applications and rules use, and what stands behind it."""

    name: str
    backend: str
    upstream: str  # the backend's own name for it
    zone: Zone
    replicas: tuple[str, ...]  # base URLs
    context: int | None = None  # tokens, prompt and answer together; None: unknown, never too small
    can: frozenset[str] = frozenset()
    retires: int | None = None  # the first day (since 1970-01-01 UTC) on which it is gone
    openness: Openness = "unknown"
    license: str | None = None
