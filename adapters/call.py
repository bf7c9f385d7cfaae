"""The contract between the gateway and every backend kind: a call goes out, an answer is relayed back.

All of it is free of I/O. `dispatch` moves the bytes (through `adapters.transport`) and asks a backend
three things: what to send (`outgoing`), how to pass the answer on (`relay`), what a refusal means
(`refusal`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Literal, Protocol

from adapters.chat import TokenUsage
from adapters.document import Body, Document

Headers = tuple[tuple[bytes, bytes], ...]  # names in lower case
Dialect = Literal[
    "chat",
    "completions",
    "responses",
    "messages",
    "embeddings",
    "rerank",
    "score",
    "count_tokens",  # of a messages request
    "tokenize",
    "detokenize",
    "files",  # an upload
    "file",  # one that is kept, by its id
    "response",  # one that is kept, by its id
]
FILING: Final[frozenset[Dialect]] = frozenset({"files", "file"})
STORED: Final[frozenset[Dialect]] = FILING | {"response"}  # about what a provider keeps
MODELLESS: Final[frozenset[Dialect]] = frozenset(  # they run no model
    {"count_tokens", "tokenize", "detokenize", "files", "file", "response"}
)


@dataclass(slots=True)  # not frozen, as `Outgoing` is not: one for every request; nobody changes one
class Call:
    """One request by an application, in the dialect it came in. `headers` passed the allow-list."""

    dialect: Dialect
    document: Document
    stream: bool
    wants_usage: bool  # the client itself asked for `stream_options.include_usage`
    headers: Headers = ()
    background: bool = False  # the provider goes on working on it, whoever waits (responses)

    @property
    def large(self) -> bool:
        """Whether to do something to all of it would hold others up."""
        return self.document.large


@dataclass(slots=True)
class Outgoing:
    """What to write to a replica. `path` is appended to the replica's base URL path; `headers` hold
    no `host` and no `content-length`: the transport adds them."""

    method: bytes
    path: bytes
    headers: Headers
    body: Body = field(repr=False)


def traced(outgoing: Outgoing, traceparent: bytes) -> Outgoing:
    """The same, as a part of that trace (W3C)."""
    others = tuple(each for each in outgoing.headers if each[0] != b"traceparent")
    return replace(outgoing, headers=(*others, (b"traceparent", traceparent)))


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error answer of a provider, judged. `body` is OpenAI-shaped JSON fit for the client:
    it never holds our key or the provider's name for us."""

    status: int
    kind: Literal[
        "client",  # the request is at fault: the client gets `body`, no other target is tried
        "busy",  # 408, 409, 429, 503, 529: another target may take it
        "broken",  # 5xx and redirects
        "ours",  # 401/403: our key or configuration is at fault; the client must not think it is theirs
        "gone",  # the upstream model is retired or unknown there
    ]
    message: str
    body: bytes = field(repr=False)


class Relay(Protocol):
    """One answer on its way through: the provider's bytes in, the client's bytes out.

    Counters are exact at any moment, so that a cancelled answer is booked for what had come by then.
    """

    @property
    def usage(self) -> TokenUsage:
        """`source` is `unknown` until reported; `estimated()` stands in for it then."""

    @property
    def content_events(self) -> int:
        """Events that carried generated content so far (an estimate of output tokens)."""

    @property
    def finish_reason(self) -> str | None:
        """How the answer ended, in the canonical words."""

    @property
    def error(self) -> str | None:
        """What error the provider sent inside the stream: the outcome is a failure."""

    @property
    def complaint(self) -> bytes:
        """What the provider sent under its 200 instead of an answer (JSON), for `Backend.refusal`; empty:
        nothing of the kind."""

    @property
    def complete(self) -> bool:
        """Whether the answer is known to have ended as the dialect says (`[DONE]`, `message_stop`, whole JSON)."""

    @property
    def metrics(self) -> dict[str, float] | None:
        """Per-request metrics of the engine, where it reports them (vLLM)."""

    @property
    def made(self) -> tuple[str, ...]:
        """Ids of what the provider keeps of this answer, by which it can be named later."""

    @property
    def held(self) -> int:
        """Bytes of an event, or of an answer, that is not whole yet."""

    def headers(self) -> Headers:
        """Content headers of the client's answer: its content-type, known before the first byte is fed."""

    def feed(self, data: bytes) -> bytes:
        """Bytes for the client, `b""` where an event is not whole yet. Raises UpstreamError('protocol'). Where much is
        `held`, feed it in a thread, and finish it there: what was long in coming is long to read."""

    def finish(self) -> bytes:
        """The provider's answer ended properly at the HTTP level: the last bytes for the client.
        Raises StreamCut if the answer was not complete; not if the provider said why (`error`), for then
        the client has been told."""

    def failure(self, message: str) -> bytes:
        """Bytes that end the client's answer with an error in its own dialect, never with a clean stop."""


class Backend(Protocol):
    """One backend kind, with its key and address resolved. Built at load, shared by all requests."""

    kind: ClassVar[str]
    dialects: ClassVar[frozenset[Dialect]]  # spoken natively

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """The call as this backend wants it, for its own name of the model. Raises Unsupported."""

    def relay(self, call: Call, model: str, headers: Headers) -> Relay:
        """The way back for a 2xx answer; `model` is the upstream name."""

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """What a non-2xx answer means."""


def header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first value of a header, or None; names are in lower case."""
    for key, value in headers:
        if key == name:
            return value
    return None
