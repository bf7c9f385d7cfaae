"""What one tenant's answers left at a provider no other tenant can name.

What is not known belongs to nobody and is not found: made past Weir, or longer ago than providers keep it.
"""

from collections.abc import Sequence
from typing import Final

from adapters.dialects.checks import InvalidRequest
from gateway.pipeline.faults import Overloaded
from gateway.state.belongings import Belongings
from gateway.state.claims import Gone

_RETRY_AFTER: Final = 5  # seconds


async def keeper_of(belongings: Belongings, tenant: str, ids: Sequence[str]) -> str:
    """The backend that keeps all of these objects. Raises InvalidRequest for what is not this tenant's, in the same
    words whether it is another's or nobody's, and Overloaded where nobody can tell."""
    try:
        known = await belongings.keepers(ids)
    except Gone:
        raise Overloaded(
            "Whose the objects are that this request names is not known just now. Try again later, or send "
            "the conversation itself.",
            _RETRY_AFTER,
        ) from None
    found = ""
    for name in ids:
        kept = known.get(name)
        if kept is None or kept.tenant != tenant:
            raise InvalidRequest(f"No object with the id {name[:80]!r} was found.", None, "object_not_found")
        if found not in ("", kept.backend):
            raise InvalidRequest(
                f"{name[:80]!r} is kept by another provider than the other objects of this request.",
                None,
                "object_not_found",
            )
        found = kept.backend
    return found
