"""Whose the objects are that a provider keeps: what one tenant's answers left there, no other tenant can name.

Providers know Weir's key alone, so to them all tenants are one. What is not known here belongs to nobody and is not
found: ids made before this process began, by another gateway, or past Weir.
"""

from collections.abc import Sequence
from typing import Final

from adapters.dialects.checks import InvalidRequest

MOST: Final = 200_000  # ids remembered; the oldest are forgotten first


class Belongings:
    """Who made each object, and which backend keeps it. One per process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: dict[str, tuple[str, str]] = {}  # id → tenant and backend, oldest first

    def keep(self, tenant: str, backend: str, ids: Sequence[str]) -> None:
        """An answer of this tenant left these objects at the backend. An id stays with whoever had it first."""
        for name in ids:
            self._kept.setdefault(name, (tenant, backend))
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def backend(self, tenant: str, ids: Sequence[str]) -> str | None:
        """The backend that keeps all of these objects; None where none are named. Raises InvalidRequest for what
        is not this tenant's, in the same words whether it is another's or nobody's."""
        found = None
        for name in ids:
            owner, backend = self._kept.get(name, ("", ""))
            if owner != tenant or not backend:
                raise InvalidRequest(
                    f"No object with the id {name[:80]!r} was found.", None, "object_not_found"
                )
            if found not in (None, backend):
                raise InvalidRequest(
                    f"{name[:80]!r} is kept by another provider than the other objects of this request.",
                    None,
                    "object_not_found",
                )
            found = backend
        return found
