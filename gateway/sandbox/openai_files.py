"""The files that the stand-in for OpenAI keeps: made by a form, and named in requests by their ids."""

import email.policy
from collections.abc import Iterator
from email import message_from_bytes
from time import time
from typing import Any

import orjson

from gateway.sandbox.http import Request

Told = tuple[int, bytes, str]  # status, body, media type


class StoredFiles:
    """All that anybody made: to a provider, a gateway's tenants are one."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[dict[str, Any], bytes]] = {}

    def asked(self, request: Request) -> Told:
        """Answer a request at or below `/v1/files`."""
        if request.path == "/v1/files" and request.method == "POST":
            return self._make(request)
        name, _, tail = request.path.removeprefix("/v1/files/").partition("/")
        if name not in self._files:
            return _refused(404, f"No such File object: {name}", "id")
        described, content = self._files[name]
        match request.method, tail:
            case "GET", "":
                return 200, orjson.dumps(described), "application/json"
            case "GET", "content" if described["purpose"] == "user_data":
                return 200, content, "application/octet-stream"
            case "GET", "content":
                return _refused(400, f"Not allowed to download files of purpose: {described['purpose']}")
            case "DELETE", "":
                del self._files[name]
                return (
                    200,
                    orjson.dumps({"id": name, "object": "file", "deleted": True}),
                    "application/json",
                )
        return _refused(404, f"Invalid URL ({request.method} {request.path})")

    def missing(self, body: Any) -> str | None:
        """A file that a request names and nobody made."""
        return next((name for name in _named(body) if name not in self._files), None)

    def _make(self, request: Request) -> Told:
        kind = request.headers.get("content-type", "")
        head = f"content-type: {kind}\r\n\r\n".encode()
        form = message_from_bytes(head + request.body, policy=email.policy.HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        if "file" not in parts or "purpose" not in parts:
            return _refused(400, "Missing required parameter: 'file' or 'purpose'.", "file")
        content = _content(parts["file"])
        name = f"file-{len(self._files) + 1:022d}"
        described = {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time()),
            "filename": parts["file"].get_filename(),
            "purpose": _content(parts["purpose"]).decode(),
            "status": "processed",
            "expires_at": None,
        }
        self._files[name] = (described, content)
        return 200, orjson.dumps(described), "application/json"


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


def _refused(status: int, message: str, param: str | None = None) -> Told:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return status, orjson.dumps({"error": error}), "application/json"
