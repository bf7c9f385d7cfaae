"""Azure OpenAI: OpenAI's dialect behind addresses and a key header of its own."""

from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote

from adapters.call import Dialect, Headers
from adapters.dialects.endpoint import endpoint
from adapters.openai import OpenAI

_WITHOUT_DEPLOYMENT: Final = frozenset(
    {"responses", "response", "files", "file"}
)  # the body's model says it there


@dataclass(frozen=True, slots=True)
class Azure(OpenAI):
    """A backend of the kind `azure`; its models are named by their deployments.

    Without an `api_version` it is asked at `/openai/v1/…`, which takes the deployment from the body; with one, at
    `/openai/deployments/NAME/…?api-version=…`. Filtered prompts are a 400 `content_filter`, filtered answers finish
    with `content_filter`; the filters' notes (`prompt_filter_results`, `content_filter_results`) pass through to
    chat clients.
    """

    kind: ClassVar[str] = "azure"

    api_version: str | None = None

    def _path(self, dialect: Dialect, model: str, place: bytes = b"") -> bytes:
        start = "" if self.base_path.rstrip("/").endswith("/openai") else "/openai"
        tail = (endpoint("/v1", dialect) + place).decode()
        if self.api_version is None:
            return f"{start}/v1{tail}".encode()
        deployment = "" if dialect in _WITHOUT_DEPLOYMENT else f"/deployments/{quote(model, safe='')}"
        return f"{start}{deployment}{tail}?api-version={quote(self.api_version)}".encode()

    def _authentication(self) -> Headers:
        return ((b"api-key", self.api_key.encode()),) if self.api_key else ()
