"""One call to one replica and how it ended: what is measured, counted and booked."""

from dataclasses import dataclass
from typing import Literal, Protocol

from adapters.call import Headers, Refusal
from adapters.chat import UNKNOWN_USAGE, TokenUsage
from adapters.dialects.responses.kept import Ended
from adapters.errors import UpstreamError
from routers.policy.permit import Permit

Outcome = Literal[
    "ok",
    "client_error",  # the provider found fault with the request itself
    "refused",  # the provider would not take it: busy, broken, our key, model gone
    "failed",  # no answer: connection, timeout, broken before a byte reached the client
    "set_aside",  # its whole answer was at fault, and the request escalated
    "cut",  # the answer broke after bytes had reached the client
    "cancelled",  # the client left
]


class Ticket(Protocol):
    """The GPU account of one attempt, opened when the request is sent."""

    def tokens(self, now_ns: int, count: int) -> None:
        """`count` output tokens arrived at `now_ns` (monotonic)."""


@dataclass(slots=True)
class Attempt:
    """One call to one replica. Times are monotonic nanoseconds; `at` is wall-clock (UTC, ns since the epoch)."""

    number: int
    permit: Permit
    replica: str
    at: int
    started: int
    first_byte: int | None = None  # the answer's status line was here
    first_token: int | None = None
    last_token: int | None = None
    ended: int = 0
    status: int | None = None
    outcome: Outcome = "failed"
    fault: str = ""  # which failure or refusal, for metrics: never the provider's words
    sent: bool = True  # whether any byte of the request may have left
    upstream_id: str = ""
    usage: TokenUsage = UNKNOWN_USAGE
    content_events: int = 0
    engine_metrics: dict[str, float] | None = None
    ticket: Ticket | None = None
    finish: str = ""  # why the answer ended, in its own dialect's word
    made: tuple[str, ...] = ()  # ids of what the provider keeps of the answer
    awaited: str = ""  # the response that the provider still works on, in the background
    told: Ended | None = None  # how a response ended that was asked about


class NoTargetLeft(Exception):  # noqa: N818  # it names where the journey ends
    """Every permitted target was tried, and none answered. `last` is what the final one did."""

    def __init__(self, last: Refusal | UpstreamError | None, headers: Headers, attempts: int) -> None:
        super().__init__("no permitted target answered")
        self.last = last
        self.headers = headers
        self.attempts = attempts


class Refused(Exception):  # noqa: N818  # it names an answer
    """The provider found fault with the request itself; no other target would judge otherwise."""

    def __init__(self, refusal: Refusal, headers: Headers, attempt: Attempt) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.headers = headers
        self.attempt = attempt


class CannotCarry(Exception):  # noqa: N818  # it names what is asked too much
    """No target can carry a field the client sent. `field` names it."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name


class Reply(Protocol):
    """The client's side of one answer."""

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head. Once only."""

    async def send(self, data: bytes) -> None:
        """Send bytes; returns when the client's connection can take more."""

    async def end(self, data: bytes = b"") -> None:
        """The answer is complete; `data` are its last bytes."""


class Books(Protocol):
    """What dispatch asks of the pipeline: to open accounts, to name the answer's headers, to book."""

    def opened(self, attempt: Attempt) -> None:
        """A request is about to be sent: open its GPU account."""

    def head(self, attempt: Attempt) -> Headers:
        """Weir's own headers for an answer that comes from this attempt."""

    def closing(self, attempt: Attempt, data: bytes) -> bytes:
        """The settled attempt has the client's answer and `data` are its last bytes, not sent yet: close the request
        with it, and give them back (with the decision and charge in them, where the client asked for those). `kept`
        comes before they leave."""

    def kept(self) -> None:
        """See that what was booked is written: the last byte of an answer leaves after its booking is safe. Others who
        book at the same time are written along."""

    async def note(self, attempt: Attempt) -> None:
        """The attempt left objects at its provider (`attempt.made`): note whose they are. Asked before the last bytes
        of a clean answer leave, so that the client's next request may name them."""

    async def forget(self, attempt: Attempt) -> None:
        """The attempt may have deleted objects at its provider: forget those. Asked before the answer that says so
        leaves, so that the client's next request may not name them."""

    def given(self, attempt: Attempt, data: bytes) -> bytes:
        """An answer that was set aside, and booked, is the client's after all: close the request with it. `kept` comes
        before its last bytes leave."""

    async def awaits(self, attempt: Attempt) -> None:
        """A stream begins to leave whose answer the provider goes on with, whoever reads it (`attempt.awaited`): see
        that it is booked, and note whose it is, whatever becomes of the stream."""

    def settle(self, attempt: Attempt) -> None:
        """The attempt is over, however it ended: book what it used, or, where the provider still works on it
        (`attempt.awaited`), see that it will be. Once for each."""
