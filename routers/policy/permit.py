"""The permit: the right to send one request to one model, which nobody can make but the policy.

Its constructor wants a seal that never leaves this module, it is final and immutable, and copying hands back the same
object while pickling is refused. `permits` alone has permits made (`granted`), for its boundaries to hand out.
"""

from dataclasses import dataclass
from typing import Final, Never, Self, TypeVar

from routers.policy.facts import Model, Zone

_SEAL: Final = object()
_SEAL_REDACTED: Final = object()  # of permits that cover nothing but the redacted form

_Form = TypeVar("_Form")


class Permit:
    """The right to send one request to one model under the policy `policy` (a hash): as it is, or `redacted` only.
    The other fields are the model's in the policy: `model` its name, `upstream` the backend's own name for it,
    `replicas` the base URLs that the request may be sent to."""

    __slots__ = ("_facts", "_seal", "backend", "model", "policy", "redacted", "replicas", "upstream", "zone")
    policy: str
    redacted: bool  # whether it covers the redacted form alone
    model: str
    backend: str
    upstream: str
    zone: Zone
    replicas: tuple[str, ...]
    _facts: Model
    _seal: object

    def __new__(cls, seal: object, facts: Model, policy: str) -> Self:
        if seal is not _SEAL and seal is not _SEAL_REDACTED:
            raise TypeError("a permit is granted by the policy, never constructed")
        self = object.__new__(cls)
        _set(self, "_seal", seal)
        _set(self, "_facts", facts)
        _set(self, "policy", policy)
        _set(self, "redacted", seal is _SEAL_REDACTED)
        _set(self, "model", facts.name)
        for name in ("backend", "upstream", "zone", "replicas"):
            _set(self, name, getattr(facts, name))
        return self

    def __init_subclass__(cls) -> Never:
        raise TypeError("a permit has no subclasses: they could grant themselves")

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"a permit does not change: {name}")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"a permit does not change: {name}")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a permit does not travel: the process that sends asks its own policy")

    def __repr__(self) -> str:
        only = ", redacted=True" if self.redacted else ""
        return f"Permit(model={self.model!r}, zone={self.zone.name!r}, policy={self.policy!r}{only})"

    def form(self, plain: _Form, redacted: _Form | None) -> _Form:
        """Of the two forms of one request, the one that may be sent under this permit. Raises PermissionError where
        only the redacted one may be, and there is none."""
        if self._seal is _SEAL:
            return plain
        if self._seal is not _SEAL_REDACTED or redacted is None:
            raise PermissionError("this permit covers the redacted form only")
        return redacted

    def within(self, earlier: "Permit") -> "Permit":
        """This permit, but for the redacted form alone where the request's earlier one covered no more: what a request
        gives up does not grow while it is under way, whatever a reload allows."""
        return Permit(_SEAL_REDACTED, self._facts, self.policy) if earlier.redacted else self


_set = object.__setattr__


def is_genuine(permit: object) -> bool:
    """Whether the boundary code made this permit; dispatch asks before it opens a connection."""
    return type(permit) is Permit and getattr(permit, "_seal", None) in (_SEAL, _SEAL_REDACTED)


@dataclass(frozen=True, slots=True)
class Grant:
    """What can be granted for a model: its two permits hold nothing of any request, so they are made once."""

    model: Model
    plain: Permit
    redacted: Permit


def granted(model: Model, policy: str) -> Grant:
    """The permits for a model under the policy of that hash."""
    return Grant(model, Permit(_SEAL, model, policy), Permit(_SEAL_REDACTED, model, policy))
