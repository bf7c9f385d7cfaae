"""What one tenant's requests left at a provider no other tenant can name.

What is not known belongs to nobody and is not found: made past Weir, or longer ago than providers keep it; unless the
configuration says whose it is (`tenants: {acme: {owns: …}}`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.pipeline.faults import NoSuchObject, Overloaded
from gateway.state.belongings import Belongings, Keeper
from gateway.state.claims import Gone
from gateway.state.conversations import Words

Owned = Mapping[str, frozenset[str]]  # names of objects by the backend that keeps them; EVERYTHING: all there
EVERYTHING: Final = "*"
_RETRY_AFTER: Final = 5  # seconds


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what a request names is kept: a backend, and a replica of it where there are several. `label`: what was
    found in files that came through Weir, in words; None where some of it was never read here."""

    backend: str
    replica: str
    label: Words | None


async def kept(belongings: Belongings, tenant: str, names: Sequence[str], owned: Owned) -> Kept:
    """Where all of these objects are kept for the tenant. Raises NoSuchObject for what is not this tenant's, in the
    same words whether it is another's or nobody's, and Overloaded where nobody can tell."""
    found = await _keepers(belongings, tenant, names, owned)
    for name, keeper in zip(names, found, strict=True):
        if keeper.backend != found[0].backend:
            raise NoSuchObject(
                f"{name[:80]!r} is kept by another provider than the other objects of this request."
            )
    files = [keeper.file for keeper in found if keeper.file is not None]
    read = frozenset().union(*(file.label for file in files)) if len(files) == len(found) else None
    return Kept(found[0].backend, next((each.replica for each in found if each.replica), ""), read)


async def keeper_of(belongings: Belongings, tenant: str, name: str, owned: Owned) -> Keeper:
    """Who keeps this one object for the tenant. Raises as `kept`."""
    return (await _keepers(belongings, tenant, (name,), owned))[0]


async def _keepers(belongings: Belongings, tenant: str, names: Sequence[str], owned: Owned) -> list[Keeper]:
    try:
        known = await belongings.keepers(names)
    except Gone:
        raise Overloaded(
            "Whose the objects are that this request names is not known just now. Try again later, or send "
            "the conversation itself.",
            _RETRY_AFTER,
        ) from None
    return [_keeper(known.get(name), tenant, name, owned) for name in names]


def _keeper(known: Keeper | None, tenant: str, name: str, owned: Owned) -> Keeper:
    """What was noted counts, and what the configuration names; an account of a tenant's own has all that nobody else
    is known to have made there."""
    if known is not None and known.tenant == tenant:
        return known
    for backend, names in owned.items():
        if name in names or (known is None and EVERYTHING in names):
            return Keeper(tenant, backend)
    raise NoSuchObject(f"No such object: {name[:80]!r}. No object with this id was found.")
