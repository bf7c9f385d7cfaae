"""The server-neutral face of one HTTP exchange: what the pipeline needs of whatever server runs it."""

from collections.abc import Callable
from typing import Final, Protocol

from adapters.call import Headers

_OWN_HEADERS: Final = tuple(
    (name.encode(), name)
    for name in ("x-weir-action", "x-weir-workflow", "x-weir-conversation", "x-weir-sensitivity")
)
_OWN_NAMES: Final = frozenset([wire for wire, _ in _OWN_HEADERS])
_SENSITIVITY: Final = b"x-weir-sensitivity"
_LONGEST_HEADER: Final = 512


class Exchange(Protocol):
    """One request and the way to answer it."""

    id: str  # this request's, as the ledger and the answer name it
    path: str

    @property
    def method(self) -> str:
        """The request's, in capitals."""

    @property
    def query(self) -> bytes:
        """The request's, as it came."""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a request header; the name in lower case."""

    def has_any(self, names: frozenset[bytes]) -> bool:
        """Whether any of these request headers is there; the names in lower case."""

    def every(self, name: bytes) -> list[bytes]:
        """All values of a request header; the name in lower case."""

    def allowed_headers(self) -> Headers:
        """The request headers that may travel on to a provider."""

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole body. Raises BodyTooLarge, BodyTooSlow, ClientGone."""

    def when_client_leaves(self, leave: Callable[[], None]) -> None:
        """From now on call `leave` once if the client disconnects before the answer has ended."""

    def note(self, headers: Headers) -> None:
        """What an error answer should say of the request: its route, label and attempts, as far as they are known."""

    async def start(self, status: int, headers: Headers) -> None:
        """Send the answer's head."""

    async def send(self, data: bytes) -> None:
        """Send bytes of the answer; waits while the client's connection is full."""

    async def end(self, data: bytes = b"") -> None:
        """The answer is complete; `data` are its last bytes."""


def own_headers(exchange: Exchange) -> dict[str, str]:
    """Weir's own request headers that are set. Of a repeated one the first counts; of `x-weir-sensitivity` all, with
    commas between: whoever stands before Weir may add one to a client's own."""
    told: dict[str, str] = {}
    if not exchange.has_any(_OWN_NAMES):
        return told
    for wire, name in _OWN_HEADERS:
        value = exchange.header(wire)
        if value:
            if wire == _SENSITIVITY:
                value = b",".join(exchange.every(wire))
            told[name] = value[:_LONGEST_HEADER].decode("latin-1")
    return told
