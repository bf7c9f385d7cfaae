"""An answer that is at fault is set aside, and its request tried once more on the models its route escalates to.

Opt in, per route. An unstreamed answer is judged whole. Of a stream nothing is held back but what comes before its
first word: where it has ended by then, or begins with a refusal, it is judged as if it were whole.
"""

from dataclasses import dataclass
from typing import Final, Literal

from adapters.call import Call, Dialect, Headers, Relay
from adapters.declared import Declared, answered, declared, streamed
from gateway.dispatch.attempt import Attempt
from gateway.dispatch.faulty import fault_of, refused_at_once

LARGEST_JUDGED: Final = 1024 * 1024  # bytes of an answer; a larger one has said something
JUDGED_AT_ONCE: Final = 16 * 1024  # bytes; what is larger is judged in a thread
LARGEST_OPENING: Final = 64 * 1024  # bytes of a stream held before its first word, or while it refuses


@dataclass(frozen=True, slots=True)
class Held:
    """A whole answer that was set aside, to be given after all where no better one comes."""

    attempt: Attempt
    status: int
    headers: Headers  # without Weir's own
    data: bytes


@dataclass(slots=True)
class Escalation:
    """One request's: which faults (`routers.policy.policy.FAULTS`) send it on, and to which models, in order."""

    on: frozenset[str]
    to: tuple[str, ...]
    call: Call
    fault: str = ""  # of the answer that was set aside; empty: none was
    model: str = ""  # whose answer that was
    due: bool = False  # the other models are to be tried now
    held: Held | None = None
    outcome: Literal["failed", "answered", "kept"] = (
        "failed"  # another answered, or the client has the one held
    )
    _declared: Declared | None = None

    def judges(self, model: str) -> bool:
        """Whether this model's answer is judged: the first that is set aside is the last."""
        return not self.fault and model not in self.to

    def broke(self, model: str) -> None:
        """The answer of a judged model broke off before any of it had left."""
        if "cut" in self.on and self.judges(model):
            self._set_aside("cut", model)

    def sets_aside(self, held: Held) -> bool:
        """Whether a whole answer is at fault; it is held then."""
        if len(held.data) > LARGEST_JUDGED:
            return False
        if self._declared is None:
            self._declared = declared(self.call)
        read = streamed if self.call.stream else answered
        answer = read(self.call.dialect, held.data)
        fault = None if answer is None else fault_of(answer, self._declared)
        if fault is None or fault not in self.on:
            return False
        self._set_aside(fault, held.attempt.permit.model)
        self.held = held
        return True

    def told(self) -> str:
        """What happened, for whoever reads the decision; empty where nothing did."""
        if not self.fault:
            return ""
        then = {
            "answered": "another model answered",
            "kept": "no other answer came",
            "failed": "no other answer came",
        }
        return f"the answer of {self.model} was set aside ({self.fault}): {then[self.outcome]}"

    def _set_aside(self, fault: str, model: str) -> None:
        self.fault, self.model, self.due = fault, model, True


class Opening:
    """The beginning of a stream while nothing of it has left."""

    __slots__ = ("_dialect", "_pieces", "size")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._pieces: list[bytes] = []
        self.size = 0  # bytes

    def well(self, out: bytes, relay: Relay) -> bool:
        """Take in the client's next bytes. Whether the answer has begun well, so that all of it may leave."""
        self._pieces.append(out)
        self.size += len(out)
        if self.size > LARGEST_OPENING:
            return True
        if not relay.content_events or relay.complete:
            return False
        begun = streamed(self._dialect, b"".join(self._pieces))
        return begun is None or not refused_at_once(begun)

    def taken(self) -> bytes:
        """All of it."""
        return b"".join(self._pieces)
