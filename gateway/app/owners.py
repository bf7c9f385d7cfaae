"""Whose GPU time or electricity was used: what every record of it says of that."""

from typing import Final

from gateway.ledger.records import attempt_id
from gateway.pipeline.booking import GpuOwner

_NOBODY: Final = GpuOwner("", 0, "", "", "", "", "", "")


def owner_of(owner: object) -> GpuOwner:
    """The attempt that something was used for; one without a name where it was for none of Weir's."""
    return owner if isinstance(owner, GpuOwner) else _NOBODY


def named(owner: GpuOwner) -> dict[str, str]:
    """The owner in the words of the ledger's records."""
    return {
        "tenant": owner.tenant,
        "workflow": owner.workflow,
        "action": owner.action,
        "route": owner.route,
        "model": owner.model,
        "zone": owner.zone,
        "request": owner.request,
        "attempt": attempt_id(owner.request, owner.attempt) if owner.request else "",
    }
