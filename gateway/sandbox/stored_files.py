"""The files that stand-ins for OpenAI and Anthropic keep: made by a form, and named in requests by their ids."""

import email.policy
from collections.abc import Iterator
from email import message_from_bytes
from time import time
from typing import Any, ClassVar

import orjson

from gateway.sandbox.http import Request

Told = tuple[int, bytes, str]  # status, body, media type


class StoredFiles:
    """All that anybody made, as OpenAI describes it: to a provider, a gateway's tenants are one."""

    needed: ClassVar[tuple[str, ...]] = ("file", "purpose")
    prefix: ClassVar[str] = "file-"

    def __init__(self) -> None:
        self._files: dict[str, tuple[dict[str, Any], bytes]] = {}

    def asked(self, request: Request) -> Told:
        """Answer a request at or below `/v1/files`."""
        if request.path == "/v1/files" and request.method == "POST":
            return self._make(request)
        name, _, tail = request.path.removeprefix("/v1/files/").partition("/")
        if name not in self._files:
            return self.refused(404, f"No such File object: {name}")
        described, content = self._files[name]
        match request.method, tail:
            case "GET", "":
                return 200, orjson.dumps(described), "application/json"
            case "GET", "content":
                return 200, content, "application/octet-stream"
            case "DELETE", "":
                del self._files[name]
                return 200, orjson.dumps(self.deleted(name)), "application/json"
        return self.refused(404, f"Invalid URL ({request.method} {request.path})")

    def missing(self, body: Any) -> str | None:
        """A file that a request names and nobody made."""
        return next((name for name in _named(body) if name not in self._files), None)

    def described(self, name: str, parts: dict[str, Any], content: bytes) -> dict[str, Any]:
        """What is said of a file."""
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time()),
            "filename": parts["file"].get_filename(),
            "purpose": _content(parts["purpose"]).decode(),
            "status": "processed",
            "expires_at": None,
        }

    def deleted(self, name: str) -> dict[str, Any]:
        """What is said of a file that is gone."""
        return {"id": name, "object": "file", "deleted": True}

    def refused(self, status: int, message: str) -> Told:
        """An error."""
        error = {"message": message, "type": "invalid_request_error", "param": "id", "code": None}
        return status, orjson.dumps({"error": error}), "application/json"

    def _make(self, request: Request) -> Told:
        kind = request.headers.get("content-type", "")
        head = f"content-type: {kind}\r\n\r\n".encode()
        form = message_from_bytes(head + request.body, policy=email.policy.HTTP)
        parts: dict[str, Any] = {
            str(part.get_param("name", header="content-disposition")): part for part in form.iter_parts()
        }
        if sorted(parts.keys() & {"file", "purpose"}) != sorted(self.needed):
            return self.refused(400, f"A form of {' and '.join(self.needed)} is wanted.")
        content = _content(parts["file"])
        name = f"{self.prefix}{len(self._files) + 1:022d}"
        self._files[name] = (self.described(name, parts, content), content)
        return 200, orjson.dumps(self._files[name][0]), "application/json"


class AnthropicFiles(StoredFiles):
    """The same in Anthropic's words; it knows no purposes."""

    needed = ("file",)
    prefix = "file_"

    def described(self, name: str, parts: dict[str, Any], content: bytes) -> dict[str, Any]:
        """What is said of a file."""
        return {
            "id": name,
            "type": "file",
            "filename": parts["file"].get_filename(),
            "mime_type": parts["file"].get_content_type(),
            "size_bytes": len(content),
            "created_at": "2026-11-21T00:00:00Z",
            "downloadable": False,
        }

    def deleted(self, name: str) -> dict[str, Any]:
        """What is said of a file that is gone."""
        return {"id": name, "type": "file_deleted"}

    def refused(self, status: int, message: str) -> Told:
        """An error."""
        kind = "not_found_error" if status == 404 else "invalid_request_error"
        return (
            status,
            orjson.dumps({"type": "error", "error": {"type": kind, "message": message}}),
            "application/json",
        )


def _content(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _named(value: Any) -> Iterator[str]:
    """The files that content parts name."""
    if isinstance(value, dict):
        if isinstance(value.get("file_id"), str):
            yield value["file_id"]
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)
