"""One request to be served: what dispatch is handed for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.call import Backend, Call, Headers, Refusal
from adapters.errors import Unsupported, UpstreamError
from gateway.dispatch.attempt import Books, Reply
from gateway.dispatch.escalation import Escalation
from gateway.fleet.replicas import Replica
from routers.policy.permits import Permit
from routers.policy.policy import Policy
from routers.signals import Signals


@dataclass(frozen=True, slots=True)
class Engines:
    """What attempts need of one snapshot: the policy that permits, and the backends that speak."""

    policy: Policy
    backends: Mapping[str, Backend]


@dataclass(slots=True)
class Job:
    """One request to be served: what to send, where it may go, and who hears of it."""

    call: Call
    signals: Signals
    targets: tuple[Permit, ...]
    engines: Engines  # of the snapshot the request began with
    reply: Reply
    books: Books
    attempts: int = 0
    last: Refusal | UpstreamError | None = None
    last_headers: Headers = ()
    unsupported: Unsupported | None = None
    cannot: dict[str, str] = field(default_factory=dict)  # targets that cannot carry the call, and why
    tried: list[Replica] = field(default_factory=list)
    escalation: Escalation | None = None  # what is done about answers at fault, where the route asks for it
