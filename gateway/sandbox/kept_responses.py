"""The responses that a stand-in for OpenAI keeps, those that it works on in the background among them: looked at,
streamed again, cancelled, deleted."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs
from zlib import crc32

import orjson

from gateway.sandbox.http import Reply, Request
from gateway.sandbox.responses import ResponsesFrame

Turns = tuple[tuple[str, str], ...]
Headers = Mapping[str, str]

_MOST: Final = 10_000  # responses; the oldest are forgotten first
_JSON: Final = {"content-type": "application/json"}


class Kept:
    """One response. What works in the background is done `seconds` after it was begun."""

    def __init__(self, frame: ResponsesFrame, usage: Mapping[str, Any], turns: Turns, seconds: float) -> None:
        self.turns = turns
        self.background = frame.body.get("background") is True
        self._frame = frame
        self._usage = usage
        self._began = asyncio.get_running_loop().time()
        self._seconds = seconds if self.background else 0.0
        self._cancelled = False

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        return self._cancelled or self._elapsed >= self._seconds

    @property
    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def cancel(self) -> None:
        """Stop working on it."""
        self._cancelled = self._cancelled or not self.done

    def finish(self) -> None:
        """Be done with it now."""
        self._seconds = 0.0

    def whole(self) -> dict[str, Any]:
        """As it stands now."""
        response = self._frame.whole(self._usage)
        if not self.done or self._cancelled:
            status = "queued" if self._elapsed < self._seconds / 4 else "in_progress"
            response |= {"status": "cancelled" if self._cancelled else status, "output": [], "usage": None}
        return response

    def items(self) -> list[dict[str, Any]]:
        """What it was asked, the newest first."""
        given = self._frame.body.get("input") or []
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        told = []
        for number, item in enumerate(items):
            content = item.get("content")
            parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
            name = f"msg_{crc32(f'{self._frame.id}/{number}'.encode()):024x}"
            told.append({"id": name, "type": "message", "status": "completed", **item, "content": parts})
        return told[::-1]

    async def stream(self, reply: Reply, headers: Headers, after: int = -1) -> None:
        """Its events behind the one numbered `after`, as they come."""
        events = [*self._frame.opening(), *self._frame.items(), self._frame.closing(self._usage)]
        await reply.begin(200, {"content-type": "text/event-stream; charset=utf-8", **headers})
        for number, event in enumerate(events):
            due = self._seconds * number / len(events)
            while not self.done and self._elapsed < due:  # noqa: ASYNC110  # time passes, or somebody cancels
                await asyncio.sleep(0.005)
            if self._cancelled:
                last = {"type": "response.cancelled", "sequence_number": number, "response": self.whole()}
                await reply.write(b"event: response.cancelled\ndata: " + orjson.dumps(last) + b"\n\n")
                break
            if number > after:
                await reply.write(event)
        await reply.end()


class KeptResponses:
    """All that anybody made, by id: to a provider, a gateway's tenants are one."""

    def __init__(self) -> None:
        self.seconds = 0.05  # that one in the background takes
        self.queries: Final[list[str]] = []  # of what was asked about them
        self._kept: dict[str, Kept] = {}

    def turns(self, name: str | None) -> Turns:
        """What was said up to a response; nothing where it is not kept."""
        kept = self._kept.get(name or "")
        return () if kept is None else kept.turns

    def finish(self) -> None:
        """Be done with all that is worked on in the background."""
        for kept in self._kept.values():
            kept.finish()

    def keep(self, frame: ResponsesFrame, usage: Mapping[str, Any], turns: Turns) -> Kept:
        """Begin a response, and keep it unless its request says otherwise."""
        kept = Kept(frame, usage, turns, self.seconds)
        if frame.body.get("store") is not False:
            self._kept[frame.id] = kept
            if len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
        return kept

    async def asked(self, request: Request, reply: Reply, headers: Headers) -> None:
        """Answer a request below `/v1/responses`."""
        self.queries.append(f"{request.method} {request.path}?{request.query}")
        name, _, tail = request.path.removeprefix("/v1/responses/").partition("/")
        kept, query = self._kept.get(name), parse_qs(request.query)
        if kept is None:
            await self._refused(reply, 404, f"Response with id '{name}' not found.", headers)
            return
        match request.method, tail:
            case "GET", "" if query.get("stream") == ["true"]:
                await kept.stream(reply, headers, int(query.get("starting_after", ["-1"])[0]))
            case "GET", "":
                await reply.json(200, kept.whole(), headers)
            case "GET", "input_items":
                await reply.json(200, _page(kept.items(), query), headers)
            case "DELETE", "":
                del self._kept[name]
                await reply.json(200, {"id": name, "object": "response", "deleted": True}, headers)
            case "POST", "cancel" if kept.background:
                kept.cancel()
                await reply.json(200, kept.whole(), headers)
            case "POST", "cancel":
                await self._refused(reply, 400, "Cannot cancel a synchronous response.", headers)
            case _:
                invalid = f"Invalid URL ({request.method} {request.path})"
                await self._refused(reply, 404, invalid, headers)

    async def _refused(self, reply: Reply, status: int, message: str, headers: Headers) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        await reply.whole(status, orjson.dumps({"error": error}), {**_JSON, **headers})


def _page(items: list[dict[str, Any]], query: Mapping[str, list[str]]) -> dict[str, Any]:
    if query.get("order") == ["asc"]:
        items = items[::-1]
    names = [item["id"] for item in items]
    after = query.get("after", [""])[0]
    start = names.index(after) + 1 if after in names else 0
    shown = items[start : start + int(query.get("limit", ["20"])[0])]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(items) > start + len(shown),
    }
