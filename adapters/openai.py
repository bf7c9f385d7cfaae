"""OpenAI, and any provider that speaks its dialect at some base URL."""

from dataclasses import dataclass, field
from typing import ClassVar, Final

from adapters.call import Call, Dialect, Headers, Outgoing, Refusal, Relay
from adapters.dialects.chat.ingress import outgoing_body
from adapters.dialects.chat.relay import relay
from adapters.dialects.endpoint import endpoint, outgoing_headers
from adapters.errors import Unsupported
from adapters.refusals import judge

_OPENAI_ONLY: Final = (b"openai-beta", b"idempotency-key")


@dataclass(frozen=True, slots=True)
class OpenAI:
    """A backend of the kind `openai`.

    `base_path` is the path of its replicas' base URLs, with or without `/v1`, the same for all;
    `extra` are headers it wants on every call, as `openai-organization`.
    """

    kind: ClassVar[str] = "openai"
    dialects: ClassVar[frozenset[Dialect]] = frozenset({"chat"})

    base_path: str = ""
    api_key: str | None = field(default=None, repr=False)
    user_agent: str = "weir"
    extra: Headers = field(default=(), repr=False)

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """The application's own bytes, with this backend's name of the model. Raises Unsupported."""
        if call.dialect not in self.dialects:
            raise Unsupported(
                "model", f"a backend of the kind {self.kind} does not serve {call.dialect} requests yet"
            )
        headers = outgoing_headers(call, self.user_agent, *_OPENAI_ONLY) + self._authentication() + self.extra
        return Outgoing(b"POST", endpoint(self.base_path, call.dialect), headers, outgoing_body(call, model))

    def relay(self, call: Call, model: str, headers: Headers) -> Relay:  # noqa: ARG002  # the contract's signature
        """The provider's bytes, passed on."""
        return relay(call, headers)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:  # noqa: ARG002  # the contract's signature
        """What a non-2xx answer means."""
        return judge(status, body, secret=self.api_key)

    def _authentication(self) -> Headers:
        return ((b"authorization", b"Bearer " + self.api_key.encode()),) if self.api_key else ()
