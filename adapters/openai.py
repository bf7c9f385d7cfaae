"""OpenAI, and any provider that speaks its dialect at some base URL."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Final

from adapters.call import STORED, Call, Dialect, Headers, Outgoing, Refusal, Relay
from adapters.chat import Json, Request
from adapters.deviations import NONE, REMOVED, Deviations
from adapters.dialects import files, native, translation
from adapters.dialects.chat import answer as chat
from adapters.dialects.chat.answer import read_answer
from adapters.dialects.chat.reading import StreamReader
from adapters.dialects.chat.relay import note_whole
from adapters.dialects.chat.writing import write_request
from adapters.dialects.encoding import to_text
from adapters.dialects.endpoint import endpoint, outgoing_headers
from adapters.dialects.messages.answer import write_answer, write_error
from adapters.dialects.messages.events import StreamWriter
from adapters.dialects.messages.request import read_request
from adapters.dialects.pieces import to_body
from adapters.dialects.responses import kept as kept_responses
from adapters.dialects.responses.ingress import outgoing_body
from adapters.dialects.responses.sealing import of_engine, of_openai
from adapters.dialects.responses.translating import carried, told
from adapters.document import Body
from adapters.errors import Unsupported
from adapters.refusals import judge

_OPENAI_ONLY: Final = (b"openai-beta", b"idempotency-key")
_TO_MESSAGES: Final = translation.Translation(
    note=note_whole,
    read=read_answer,
    write=write_answer,
    failure=write_error,
    reader=StreamReader,
    writer=StreamWriter,
)


@dataclass(frozen=True, slots=True)
class OpenAI:
    """A backend of the kind `openai`.

    `base_path` is the path of its replicas' base URLs, with or without `/v1`, the same for all;
    `extra` are headers it wants on every call, as `openai-organization`. `deviations` say where this endpoint departs
    from OpenAI's own. `clock` gives the seconds since 1970 that a translated answer carries as `created_at`.
    """

    kind: ClassVar[str] = "openai"
    dialects: ClassVar[frozenset[Dialect]] = frozenset(
        {"chat", "completions", "embeddings", "responses", "response", "files", "file"}
    )
    engine: ClassVar[bool] = False  # whether it understands vLLM's own fields

    base_path: str = ""
    api_key: str | None = field(default=None, repr=False)
    user_agent: str = "weir"
    extra: Headers = field(default=(), repr=False)
    deviations: Deviations = field(default=NONE, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    # by dialect, model and whether it is streamed: of calls that bring no headers of their own
    _heads: dict[tuple[Dialect, str, bool], tuple[bytes, Headers]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """The application's own bytes with this backend's name of the model, or a chat request rebuilt from a
        messages or responses request. Raises Unsupported."""
        if call.dialect in STORED and self.speaks(call):
            return self._kept(call, model)
        dialect: Dialect = "chat"
        body: Body
        if self.speaks(call):
            dialect, body = call.dialect, self._own(call, model)
        else:
            body = self._as_chat(call, model)
        path, headers = self._head(call, dialect, model)
        return Outgoing(b"POST", path, headers, body)

    def relay(self, call: Call, model: str, headers: Headers) -> Relay:  # noqa: ARG002  # the contract's
        """The provider's bytes for a client of its own dialect, a translation for others."""
        if self.speaks(call):
            return native.relay(call, headers)
        if call.dialect == "responses":
            return translation.relay(call, headers, self._to_responses(call))
        return translation.relay(call, headers, _TO_MESSAGES)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:  # noqa: ARG002  # the contract's
        """What a non-2xx answer means."""
        return judge(status, body, secret=self.api_key)

    def speaks(self, call: Call) -> bool:
        """Whether this endpoint can be given the call in its own dialect."""
        return call.dialect in self.dialects and call.dialect not in self.deviations.lacks

    def _kept(self, call: Call, model: str) -> Outgoing:
        """An upload, or a request about a file or a response that is kept. Raises Unsupported."""
        headers = outgoing_headers(call, self.user_agent) + self._authentication() + self.extra
        if call.dialect == "response":
            if "responses" in self.deviations.lacks:
                raise Unsupported("response_id", "this model's provider keeps no responses")
            return kept_responses.outgoing(call, headers, self._path(call.dialect, model))
        path = self._path(call.dialect, model, files.place(call.document.values))
        return files.outgoing(call, headers, path, call.document.body)

    def _own(self, call: Call, model: str) -> Body:
        """The call in its own dialect."""
        if call.dialect == "responses":
            return outgoing_body(call, model, of_engine if self.engine else of_openai)
        if call.dialect == "chat" and self.deviations is not NONE:
            fitted = self.deviations.changes(call.document.values)
            return native.body(
                call, model, {k: None if v is REMOVED else to_text(v) for k, v in fitted.items()}
            )
        return native.body(call, model)

    def _as_chat(self, call: Call, model: str) -> Body:
        """The call rebuilt as a chat request."""
        write = partial(self._written, model=model)
        if call.dialect == "messages":
            written = translation.rebuilt(call, read_request, write)
        elif call.dialect == "responses":
            written = carried(call, write)
        else:
            raise Unsupported("model", f"a backend of the kind {self.kind} does not serve {call.dialect}")
        return to_body(written, large=call.large)

    def _written(self, request: Request, model: str) -> Json:
        """A request of another dialect as chat."""
        asks = self.deviations
        body = write_request(
            request, model=model, engine=self.engine, signs=asks.signs, thinks_on=asks.thinks_on
        )
        fitted = body | self.deviations.changes(body)
        return {key: value for key, value in fitted.items() if value is not REMOVED}

    def _head(self, call: Call, dialect: Dialect, model: str) -> tuple[bytes, Headers]:
        """Where to send a call, and with which headers. Raises Unsupported."""
        known = None if call.headers else self._heads.get((dialect, model, call.stream))
        if known is not None:
            return known
        headers = outgoing_headers(call, self.user_agent, *_OPENAI_ONLY) + self._authentication() + self.extra
        head = (self._path(dialect, model), headers)
        if not call.headers:
            self._heads[dialect, model, call.stream] = head
        return head

    def _path(self, dialect: Dialect, model: str, place: bytes = b"") -> bytes:  # noqa: ARG002  # Azure's names it
        return endpoint(self.base_path, dialect) + place

    def _to_responses(self, call: Call) -> translation.Translation:
        whole, streamed = told(call.document.values, int(self.clock()))
        return translation.Translation(
            note=note_whole,
            read=read_answer,
            write=whole,
            failure=chat.write_error,
            reader=StreamReader,
            writer=streamed,
        )

    def _authentication(self) -> Headers:
        return ((b"authorization", b"Bearer " + self.api_key.encode()),) if self.api_key else ()
