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
    """Where what a request names is kept: a backend, and a replica of it where there are several; any of a few
    backends where the configuration says no more. `label`: what was found in files that came through Weir, in words,
    or in the request that made the response it is about; None where some of it was never read here."""

    backends: frozenset[str]
    replica: str
    label: Words | None


async def kept(
    belongings: Belongings, tenant: str, names: Sequence[str], owned: Owned, *, stored: bool = False
) -> Kept:
    """Where all of these objects are kept for the tenant; `stored`: they are what is asked about, and no model reads
    them. Raises NoSuchObject for what is not this tenant's, in the same words whether it is another's or nobody's,
    and Overloaded where nobody can tell."""
    found = await _keepers(belongings, tenant, names, owned)
    backends = frozenset(keeper.backend for keeper in found[0])
    for name, keepers in zip(names, found, strict=True):
        backends &= {keeper.backend for keeper in keepers}
        if not backends:
            raise NoSuchObject(
                f"{name[:80]!r} is kept by another provider than the other objects of this request."
            )
    each = [keeper for keepers in found for keeper in keepers]
    labels = [keeper.file.label if keeper.file is not None else keeper.label for keeper in each]
    known = [label for label in labels if label is not None]
    all_known = len(known) == len(each) and (stored or all(keeper.file is not None for keeper in each))
    read = frozenset().union(*known) if all_known else None
    return Kept(backends, next((keeper.replica for keeper in each if keeper.replica), ""), read)


async def keeper_of(belongings: Belongings, tenant: str, name: str, owned: Owned) -> Keeper:
    """Who keeps this one object for the tenant, the first of the accounts that may. Raises as `kept`."""
    return (await _keepers(belongings, tenant, (name,), owned))[0][0]


async def _keepers(
    belongings: Belongings, tenant: str, names: Sequence[str], owned: Owned
) -> list[tuple[Keeper, ...]]:
    try:
        known = await belongings.keepers(names)
    except Gone:
        raise Overloaded(
            "Whose the objects are that this request names is not known just now. Try again later, or send "
            "the conversation itself.",
            _RETRY_AFTER,
        ) from None
    return [_keeper(known.get(name), tenant, name, owned) for name in names]


def _keeper(known: Keeper | None, tenant: str, name: str, owned: Owned) -> tuple[Keeper, ...]:
    """What was noted counts, and what the configuration names; an account of a tenant's own has all that nobody else
    is known to have made there, any of them where it has several."""
    if known is not None and known.tenant == tenant:
        return (known,)
    at = [backend for backend, names in owned.items() if name in names]
    if not at and known is None:
        at = [backend for backend, names in owned.items() if EVERYTHING in names]
    if not at:
        raise NoSuchObject(f"No such object: {name[:80]!r}. No object with this id was found.")
    return tuple(Keeper(tenant, backend) for backend in at)
