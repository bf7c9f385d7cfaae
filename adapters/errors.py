"""What can go wrong upstream, as few types as callers tell apart."""

from typing import Final, Literal

Failure = Literal[
    "connect",  # no connection: refused, unreachable, TLS refused
    "connect_timeout",
    "pool_timeout",  # every connection to the replica was busy for too long
    "first_byte_timeout",
    "idle_timeout",  # the answer stopped coming
    "total_timeout",
    "broken",  # the connection ended before the answer did
    "protocol",  # what came is not HTTP, or not the provider's wire
]


class UpstreamError(Exception):
    """A call to a replica failed below HTTP. `sent` says whether any byte of the request may have left,
    so the provider may have done the work."""

    def __init__(self, failure: Failure, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.failure: Final[Failure] = failure
        self.sent: Final = sent


class Unsupported(Exception):  # noqa: N818  # it says what the backend cannot do; nothing failed
    """The backend's dialect cannot carry what the client asked for; `field` names it (as `tools[2].type`)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field: Final = field


class StreamCut(Exception):  # noqa: N818  # it names an event on the wire
    """The provider's answer ended before it was complete: never to be passed on as a clean stop."""
