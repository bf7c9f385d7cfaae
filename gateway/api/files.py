"""`GET /v1/files`: a tenant's own files, from what Weir noted of them; their provider would list everybody's."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from adapters.dialects.pieces import to_body
from gateway.access.keys import AccessDenied
from gateway.api.errors import HttpError, openai_error, render
from gateway.api.paths import anthropic
from gateway.pipeline.pipeline import Runtime, shown_key
from gateway.state.belongings import LISTED, Upload
from gateway.state.claims import Gone

_LIMIT: Final = re.compile("[1-9][0-9]{0,3}")  # up to LISTED, which is all there is
List = Callable[[str], Awaitable[Sequence[Upload]]]  # a tenant's files, the newest first

_DESCRIPTION: Final = """
The files that came through Weir for this key's tenant, the newest first: `limit`, `after`, `order` and `purpose` as
OpenAI has them. Their names are not kept here: `GET /v1/files/{id}` asks the provider.
"""


def add_files(app: FastAPI, runtime: Callable[[], Runtime], listed: List) -> None:
    """Serve the path on `app`."""

    @app.get("/v1/files", summary="This tenant's files", description=_DESCRIPTION)
    async def files(request: Request) -> Response:
        def header(name: bytes) -> bytes | None:
            value = request.headers.get(name.decode())
            return value.encode("latin-1") if value else None

        try:
            principal = runtime().keyring.authenticate(shown_key(header))
            uploads = await listed(principal.tenant)
            theirs = anthropic(request.url.path, request.headers.get("anthropic-version"))
            told = anthropics_page if theirs else page
            body = await asyncio.to_thread(_written, told, uploads, request.query_params)
            return Response(body, media_type="application/json")
        except AccessDenied as error:
            return _response(render(error))
        except Gone:
            return _response(
                openai_error(503, "Whose files are whose is not known just now.", "server_error")
            )


def _written(
    told: Callable[[Sequence[Upload], Mapping[str, str]], dict[str, Any]],
    uploads: Sequence[Upload],
    asked: Mapping[str, str],
) -> bytes:
    """A page as JSON; on a thread, a file at a time, since there may be thousands."""
    return bytes(to_body(told(uploads, asked), large=True))


def page(uploads: Sequence[Upload], asked: Mapping[str, str]) -> dict[str, Any]:
    """One page of a list, as OpenAI's clients read it."""
    found = [each for each in uploads if asked.get("purpose") in (None, each.purpose)]
    if asked.get("order") == "asc":
        found.reverse()
    names = [each.id for each in found]
    start = names.index(asked["after"]) + 1 if asked.get("after") in names else 0
    limit = asked.get("limit", "")
    most = int(limit) if _LIMIT.fullmatch(limit) else LISTED
    shown = [_object(each) for each in found[start : start + most]]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(found) > start + most,
    }


def anthropics_page(uploads: Sequence[Upload], asked: Mapping[str, str]) -> dict[str, Any]:
    """The same as Anthropic's clients read it: `limit`, `after_id`."""
    after = {"after": asked["after_id"]} if "after_id" in asked else {}
    told = page(uploads, {"limit": asked.get("limit", "20"), **after})
    data = [
        {
            "id": each["id"],
            "type": "file",
            "filename": "",
            "mime_type": "application/octet-stream",
            "size_bytes": each["bytes"],
            "created_at": datetime.fromtimestamp(each["created_at"], UTC).isoformat().replace("+00:00", "Z"),
            "downloadable": False,
        }
        for each in told["data"]
    ]
    return {
        "data": data,
        "has_more": told["has_more"],
        "first_id": told["first_id"],
        "last_id": told["last_id"],
    }


def _object(each: Upload) -> dict[str, Any]:
    return {
        "id": each.id,
        "object": "file",
        "bytes": each.size,
        "created_at": each.created,
        "filename": "",
        "purpose": each.purpose,
        "status": "processed",
    }


def _response(error: HttpError) -> Response:
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.body, error.status, headers)
