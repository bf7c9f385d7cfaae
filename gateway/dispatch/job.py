"""One request to be served: what dispatch is handed for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.call import Backend, Call, Headers, Refusal
from adapters.errors import Unsupported, UpstreamError
from adapters.redacting import RedactedCall
from gateway.dispatch.attempt import Books, CannotCarry, NoTargetLeft, Reply
from gateway.dispatch.escalation import Escalation
from gateway.dispatch.waves import ALONE, Waves
from gateway.fleet.replicas import Replica
from gateway.state.conversations import digest
from routers.policy.permit import Permit
from routers.policy.permits import Dropped
from routers.policy.policy import Policy
from routers.sensitivity.label import Label
from routers.signals import Signals


@dataclass(frozen=True, slots=True)
class Engines:
    """What attempts need of one snapshot: the policy that permits, and the backends that speak."""

    policy: Policy
    backends: Mapping[str, Backend]


@dataclass(frozen=True, slots=True)
class Redacted:
    """The redacted form of a request, and the label it has by itself."""

    form: RedactedCall
    label: Label


@dataclass(slots=True)
class Job:
    """One request to be served: what to send, where it may go, and who hears of it. Which of its two forms is sent
    the permit of each attempt says (`Permit.form`)."""

    plain: Call
    signals: Signals
    targets: tuple[Permit, ...]
    engines: Engines  # of the snapshot the request began with
    reply: Reply
    books: Books
    redacted: Redacted | None = None
    attempts: int = 0
    last: Refusal | UpstreamError | None = None
    last_headers: Headers = ()
    unsupported: Unsupported | None = None
    cannot: dict[str, str] = field(default_factory=dict)  # targets that cannot carry the call, and why
    tried: list[Replica] = field(default_factory=list)
    traceparent: Callable[[int], bytes] | None = (
        None  # what the nth attempt's provider is told, where that is traced
    )
    waves: Waves = ALONE  # the others that are served at the same time
    escalation: Escalation | None = None  # what is done about answers at fault, where the route asks for it
    kept_at: str = ""  # the replica that keeps what it names, where one is known to
    # what tells its conversation from others, and so which replica has its prefix; empty: any will do
    conversation: str = field(default="", repr=False)

    def permitted(self, policy: Policy, model: str) -> Permit | Dropped:
        """The right to try a model by this policy now."""
        label = self.redacted.label if self.redacted is not None else None
        return policy.permit(self.signals, model, label)

    def unanswered(self) -> NoTargetLeft | CannotCarry:
        """Why nobody answered it."""
        if self.last is None and self.unsupported is not None:
            return CannotCarry(self.unsupported.field, str(self.unsupported))
        return NoTargetLeft(self.last, self.last_headers, self.attempts)

    def place(self) -> bytes:
        """What weighs replicas for it; tenants never share one."""
        return digest(f"{self.signals.tenant}\n{self.conversation}")
