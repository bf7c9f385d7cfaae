"""OpenAI, and any provider that speaks its dialect at some base URL."""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Final

from adapters.call import Call, Dialect, Headers, Outgoing, Refusal, Relay
from adapters.dialects import native, translation
from adapters.dialects.chat.answer import read_answer
from adapters.dialects.chat.reading import StreamReader
from adapters.dialects.chat.relay import note_whole
from adapters.dialects.chat.writing import write_request
from adapters.dialects.encoding import to_json
from adapters.dialects.endpoint import endpoint, outgoing_headers
from adapters.dialects.messages.answer import write_answer, write_error
from adapters.dialects.messages.events import StreamWriter
from adapters.dialects.messages.request import read_request
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
    `extra` are headers it wants on every call, as `openai-organization`.
    """

    kind: ClassVar[str] = "openai"
    dialects: ClassVar[frozenset[Dialect]] = frozenset({"chat", "completions", "embeddings"})
    engine: ClassVar[bool] = False  # whether it understands vLLM's own fields

    base_path: str = ""
    api_key: str | None = field(default=None, repr=False)
    user_agent: str = "weir"
    extra: Headers = field(default=(), repr=False)

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """The application's own bytes with this backend's name of the model, or a chat request rebuilt from a
        messages request. Raises Unsupported."""
        if call.dialect in self.dialects:
            dialect, body = call.dialect, native.body(call, model)
        elif call.dialect == "messages":
            write = partial(write_request, model=model, engine=self.engine)
            dialect, body = "chat", to_json(translation.rebuilt(call, read_request, write))
        else:
            raise Unsupported("model", f"a backend of the kind {self.kind} does not serve {call.dialect}")
        headers = outgoing_headers(call, self.user_agent, *_OPENAI_ONLY) + self._authentication() + self.extra
        return Outgoing(b"POST", endpoint(self.base_path, dialect), headers, body)

    def relay(self, call: Call, model: str, headers: Headers) -> Relay:  # noqa: ARG002  # the contract's
        """The provider's bytes for a client of its own dialect, a translation for others."""
        if call.dialect in self.dialects:
            return native.relay(call, headers)
        return translation.relay(call, headers, _TO_MESSAGES)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:  # noqa: ARG002  # the contract's
        """What a non-2xx answer means."""
        return judge(status, body, secret=self.api_key)

    def _authentication(self) -> Headers:
        return ((b"authorization", b"Bearer " + self.api_key.encode()),) if self.api_key else ()
