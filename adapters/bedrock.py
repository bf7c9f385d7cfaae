"""Amazon Bedrock's Anthropic models: messages with the model in the path, signed, streamed in AWS's own framing."""

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import quote

from adapters.anthropic import Anthropic
from adapters.call import Call, Dialect, Headers, Outgoing, Refusal, Relay, header
from adapters.chat import Json
from adapters.dialects import native, translation
from adapters.dialects.chat.request import read_request
from adapters.dialects.checks import own_changes
from adapters.dialects.encoding import to_json
from adapters.dialects.messages.counted import Counted
from adapters.dialects.messages.writing import uses_files, write_request
from adapters.dialects.pieces import to_body
from adapters.dialects.relaying import event_object
from adapters.dialects.responses.translating import carried
from adapters.errors import StreamCut, Unsupported, UpstreamError
from adapters.eventstream import Frames, Message
from adapters.refusals import judge, read_complaint
from adapters.sigv4 import Credentials, Scope, signed

VERSION: Final = "bedrock-2023-05-31"
_STATUSES: Final = {  # an error's type → the HTTP status that says the same
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 502,
    "ModelNotReadyException": 503,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 429,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnrecognizedClientException": 403,
}
_REGIONS: Final = frozenset(
    {"us", "us-gov", "eu", "apac", "jp", "au", "ca", "global"}
)  # of inference profiles
_NO_SUCH_MODEL: Final = ("model identifier is invalid", "end of its life")
_MISCONFIGURED: Final = "on-demand throughput"  # the model wants an inference profile's id


@dataclass(frozen=True, slots=True)
class Bedrock(Anthropic):
    """A backend of the kind `bedrock`. `host` is its `host` header and `region` AWS's name of where it stands; it is
    asked with an `api_key` (a Bedrock API key), or signed with `credentials` or those that `renewed` gives at the time.
    `clock` dates signatures."""

    kind: ClassVar[str] = "bedrock"
    dialects: ClassVar[frozenset[Dialect]] = frozenset({"messages", "count_tokens"})

    host: str = ""
    region: str = ""
    credentials: Credentials | None = None
    renewed: Callable[[], Credentials | None] | None = field(default=None, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """The call as an invocation of a model, or a count of what one would be given. Raises Unsupported."""
        if call.dialect == "count_tokens":
            model, verb, body = counted_by(model), "count-tokens", _counting(self._invocation(call, model))
        else:
            verb, body = (
                "invoke-with-response-stream" if call.stream else "invoke",
                self._invocation(call, model),
            )
        path = f"/model/{quote(model, safe='')}/{verb}".encode()
        headers = (
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"user-agent", self.user_agent.encode()),
        )
        return Outgoing(b"POST", path, (*headers, *self._proof(path, headers, body), *self.extra), body)

    def relay(self, call: Call, model: str, headers: Headers) -> Relay:
        """The way back: a message, AWS's frames with a message's events in them, or a count."""
        if call.dialect == "count_tokens":
            return Counted(call, headers)
        inner = Anthropic.relay(self, call, model, headers)
        return Unframed(inner) if call.stream else inner

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """What a non-2xx answer means; `x-amzn-errortype` says it."""
        kind = (header(headers, b"x-amzn-errortype") or b"").decode("latin-1").partition(":")[0]
        message = read_complaint(body).message or f"Bedrock answered {status}."
        status = _STATUSES.get(kind, status)
        if status == 400 and any(words in message for words in _NO_SUCH_MODEL):
            status, message = 404, f"The model does not exist: {message}"
        elif status == 400 and _MISCONFIGURED in message:
            status = 403
        complaint = {"error": {"message": message, "type": kind or "error", "param": None, "code": None}}
        return judge(status, to_json(complaint), secret=self.api_key)

    def _invocation(self, call: Call, model: str) -> bytes:
        """The body: a messages request without model and stream, which the path says, and with a version."""
        betas = [
            beta.strip()
            for beta in (header(call.headers, b"anthropic-beta") or b"").decode().split(",")
            if beta
        ]
        if call.dialect in self.dialects:
            changes = own_changes(call.document.values, model)
            changes |= {"model": None, "stream": None, "anthropic_version": json.dumps(VERSION)}
            if call.dialect == "count_tokens":
                changes["max_tokens"] = str(
                    1 + _thinking(call.document.values)
                )  # a count has no limit of its own
            if betas:
                changes["anthropic_beta"] = json.dumps(betas)
            return bytes(native.changed(call, changes))
        if call.dialect not in ("chat", "responses"):
            raise Unsupported(
                "model", f"a backend of the kind {self.kind} does not serve {call.dialect} requests"
            )
        write = partial(write_request, model=model)
        chat = call.dialect == "chat"
        written = translation.rebuilt(call, read_request, write) if chat else carried(call, write)
        if uses_files(written):
            raise Unsupported("messages", "Bedrock keeps no files: send the file's content")
        without = ("model", "stream", "service_tier")
        told = {**_without(written, without), "anthropic_version": VERSION}
        return bytes(to_body(told, large=call.large))

    def _proof(self, path: bytes, headers: Headers, body: bytes) -> Headers:
        if self.api_key:
            return ((b"authorization", b"Bearer " + self.api_key.encode()),)
        who = self.credentials if self.renewed is None else self.renewed()
        if who is None:
            return ()
        target = self.base_path.rstrip("/").encode() + path
        covered = ((b"host", self.host.encode()), headers[0])
        at = datetime.fromtimestamp(self.clock(), UTC)
        scope = Scope(self.region, "bedrock")
        return signed("POST", target, covered, body, who, scope, at)


def counted_by(model: str) -> str:
    """The name under which a model's tokens are counted: its own, without the region that a profile's begins with."""
    region, _, rest = model.partition(".")
    return rest if region in _REGIONS and rest.startswith("anthropic.") else model


def _thinking(values: Mapping[str, Any]) -> int:
    """Tokens that an invocation may think, which its limit has to exceed."""
    budget = (values.get("thinking") or {}).get("budget_tokens")
    return budget if isinstance(budget, int) else 0


def _counting(invocation: bytes) -> bytes:
    """A request to count the tokens of an invocation."""
    return to_json({"input": {"invokeModel": {"body": base64.b64encode(invocation).decode()}}})


def _without(body: Json, keys: tuple[str, ...]) -> Json:
    return {key: value for key, value in body.items() if key not in keys}


class Unframed:
    """A relay that takes AWS's frames off before another relay reads what is in them."""

    __slots__ = (
        "_frames",
        "_inner",
        "complaint",
        "complete",
        "content_events",
        "error",
        "finish_reason",
        "made",
        "metrics",
        "usage",
    )

    def __init__(self, inner: Relay) -> None:
        self._inner = inner
        self._frames = Frames()
        self._take_counters()

    @property
    def held(self) -> int:
        return self._inner.held

    def headers(self) -> Headers:
        return self._inner.headers()

    def feed(self, data: bytes) -> bytes:
        events = b"".join(map(_event, self._frames.feed(data)))
        if not events:
            return b""
        try:
            return self._inner.feed(events)
        finally:
            self._take_counters()

    def finish(self) -> bytes:
        if self._frames.pending:
            raise StreamCut("the provider's stream ended inside a message")
        try:
            return self._inner.finish()
        finally:
            self._take_counters()

    def failure(self, message: str) -> bytes:
        return self._inner.failure(message)

    def _take_counters(self) -> None:
        inner = self._inner
        self.usage, self.content_events, self.made = inner.usage, inner.content_events, inner.made
        self.finish_reason, self.error, self.complete = inner.finish_reason, inner.error, inner.complete
        self.metrics, self.complaint = inner.metrics, inner.complaint


def _event(message: Message) -> bytes:
    """One frame as the server-sent event that Anthropic itself would have sent."""
    kind = message.headers.get(":message-type")
    if kind == "event" and message.headers.get(":event-type") != "chunk":
        return b""  # of a kind nobody has heard of: it tells nothing of the answer
    if kind == "event":
        held: Any = event_object(message.payload).get("bytes")
        try:
            event = base64.b64decode(held, validate=True)
        except (TypeError, binascii.Error):
            raise UpstreamError(
                "protocol", "a chunk of the provider's stream holds no event", sent=True
            ) from None
        read = event_object(event)
        data = to_json(read) if b"\n" in event or b"\r" in event else event
        return b"event: %b\ndata: %b\n\n" % ("".join(str(read.get("type")).split()).encode(), data)
    name = message.headers.get(":exception-type") or message.headers.get(":error-code") or "error"
    said = read_complaint(message.payload).message or message.headers.get(":error-message") or name
    error = {"type": "error", "error": {"type": _EVENT_ERRORS.get(name, "api_error"), "message": said}}
    return b"event: error\ndata: %b\n\n" % to_json(error)


_EVENT_ERRORS: Final = {
    "throttlingException": "rate_limit_error",
    "serviceUnavailableException": "overloaded_error",
    "validationException": "invalid_request_error",
    "modelTimeoutException": "timeout_error",
}
