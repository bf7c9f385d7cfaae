"""Whose GPU time or electricity was used: what every record of it says of that."""

from typing import Any, Final

from gateway.ledger.records import attempt_id
from gateway.pipeline.booking import GpuOwner

_NOBODY: Final = GpuOwner("", 0, "", "", "", "", "", "")


def owner_of(owner: object) -> GpuOwner:
    """The attempt that something was used for; one without a name where it was for none of Weir's."""
    return owner if isinstance(owner, GpuOwner) else _NOBODY


def tell_owner(owner: GpuOwner, found: dict[str, Any]) -> None:
    """Put the owner among a record's members, in the ledger's words and order; nothing of it where there is none."""
    if owner.tenant:
        found["tenant"] = owner.tenant
    if owner.workflow:
        found["workflow"] = owner.workflow
    if owner.action:
        found["action"] = owner.action
    if owner.route:
        found["route"] = owner.route
    if owner.model:
        found["model"] = owner.model
    if owner.zone:
        found["zone"] = owner.zone
    if owner.request:
        found["request"] = owner.request
        found["attempt"] = attempt_id(owner.request, owner.attempt)
