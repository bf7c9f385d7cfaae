"""Anthropic's API, for messages clients as they are and for chat clients by translation."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from adapters.call import FILING, Call, Dialect, Headers, Outgoing, Refusal, Relay
from adapters.chat import Answer, Json
from adapters.dialects import files as kept
from adapters.dialects import native, translation
from adapters.dialects.chat import legacy
from adapters.dialects.chat.answer import write_answer, write_error
from adapters.dialects.chat.events import StreamWriter
from adapters.dialects.chat.request import read_format, read_request
from adapters.dialects.endpoint import endpoint, outgoing_headers
from adapters.dialects.messages.answer import read_answer
from adapters.dialects.messages.reading import StreamReader
from adapters.dialects.messages.relay import note_whole
from adapters.dialects.messages.writing import FILES_BETA, answer_tool, uses_files, write_request
from adapters.dialects.pieces import to_body
from adapters.dialects.responses import request as responses
from adapters.dialects.responses.translating import carried, told
from adapters.errors import Unsupported
from adapters.refusals import judge

VERSION = b"2023-06-01"


@dataclass(frozen=True, slots=True)
class Anthropic:
    """A backend of the kind `anthropic`. `base_path`, `extra`, `user_agent` as in `OpenAI`; `clock` gives the seconds
    since 1970 that chat answers carry as `created`."""

    kind: ClassVar[str] = "anthropic"
    dialects: ClassVar[frozenset[Dialect]] = frozenset({"messages", "count_tokens", "files", "file"})

    base_path: str = ""
    api_key: str | None = field(default=None, repr=False)
    user_agent: str = "weir"
    extra: Headers = field(default=(), repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """The call as a messages request. Raises Unsupported."""
        if call.dialect in FILING:
            return self._filed(call)
        if call.dialect in self.dialects:
            dialect, body, files = call.dialect, native.body(call, model), False
        elif call.dialect in ("chat", "responses"):
            write = partial(write_request, model=model)
            chat = call.dialect == "chat"
            written = translation.rebuilt(call, read_request, write) if chat else carried(call, write)
            files = uses_files(written)
            dialect, body = "messages", to_body(written, large=call.large)
        else:
            raise Unsupported(
                "model", f"a backend of the kind {self.kind} does not serve {call.dialect} requests"
            )
        headers = (
            outgoing_headers(call, self.user_agent, b"anthropic-beta") + self._authentication() + self.extra
        )
        if files:
            headers += ((b"anthropic-beta", FILES_BETA),)
        return Outgoing(b"POST", endpoint(self.base_path, dialect), headers, body)

    def _filed(self, call: Call) -> Outgoing:
        """An upload, or a request about a file that is kept."""
        beta = ((b"anthropic-beta", FILES_BETA),)
        headers = outgoing_headers(call, self.user_agent) + self._authentication() + self.extra + beta
        path = endpoint(self.base_path, call.dialect) + kept.place(call.document.values)
        form = kept.file_alone(call.document.body) if call.dialect == "files" else b""
        return kept.outgoing(call, headers, path, form)

    def relay(self, call: Call, model: str, headers: Headers) -> Relay:
        """The provider's bytes for a messages client, a translation for others."""
        if call.dialect in self.dialects:
            return native.relay(call, headers)
        read = responses.read_format if call.dialect == "responses" else read_format
        held = self._translation(call, answer_tool(read(call.document.values), model))
        return translation.relay(call, headers, held)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:  # noqa: ARG002  # the contract's
        """What a non-2xx answer means."""
        return judge(status, body, secret=self.api_key)

    def _translation(self, call: Call, stand_in: str | None) -> translation.Translation:
        created = int(self.clock())
        old = call.dialect == "chat" and legacy.asks(call.document.values)
        whole: Callable[[Answer], Json] = partial(write_answer, created=created, old=old)
        streamed: Callable[[], translation.Writer] = partial(
            StreamWriter, created, wants_usage=call.wants_usage, old=old
        )
        if call.dialect == "responses":
            whole, streamed = told(call.document.values, created)
        return translation.Translation(
            note=note_whole,
            read=partial(read_answer, answer_tool=stand_in),
            write=whole,
            failure=write_error,
            reader=partial(StreamReader, stand_in),
            writer=streamed,
        )

    def _authentication(self) -> Headers:
        version = ((b"anthropic-version", VERSION),)
        return ((b"x-api-key", self.api_key.encode()), *version) if self.api_key else version
