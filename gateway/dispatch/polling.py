"""Asks a provider how a response stands that it works on in the background: an id goes out, its figures come back."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import orjson

from adapters.call import Backend
from adapters.dialects.relaying import MISSHAPEN
from adapters.dialects.responses import kept
from adapters.dialects.responses.kept import Ended
from adapters.errors import Unsupported, UpstreamError
from gateway.dispatch.job import Engines
from gateway.fleet.replicas import Fleet, Replica

LARGEST: Final = 64 * 1024 * 1024  # bytes of a response
Standing = Ended | Literal["working", "missing", "unknown"]


class Poller:
    """Asks by the configuration in force. One per process."""

    def __init__(self, fleet: Fleet, current: Callable[[], Engines]) -> None:
        self._fleet = fleet
        self._current = current

    async def ask(self, backend: str, replica: str, upstream: str, response: str) -> Standing:
        """How the response stands at the replica that made it, or at another where that has left: ended, `working`,
        `missing` there; `unknown` where nobody can be asked just now."""
        speaks = self._current().backends.get(backend)
        place = _place(self._fleet.replicas(), backend, replica)
        if speaks is None or place is None:
            return "unknown"
        try:
            return await _asked(speaks, place, upstream, response)
        except (UpstreamError, Unsupported, *MISSHAPEN):
            return "unknown"


def _place(replicas: Mapping[tuple[str, str], Replica], backend: str, url: str) -> Replica | None:
    others = (replica for (name, _), replica in replicas.items() if name == backend)
    return replicas.get((backend, url)) or next(others, None)


async def _asked(backend: Backend, replica: Replica, upstream: str, response: str) -> Standing:
    call = kept.read(kept.asked(response, "retrieve", b"", b"", upstream))
    async with await replica.pool.exchange(backend.outgoing(call, upstream)) as answer:
        parts, size = [], 0
        while size <= LARGEST and (data := await answer.read()):
            parts.append(data)
            size += len(data)
        if answer.status in (404, 410):
            return "missing"
        if answer.status != 200 or size > LARGEST:
            return "unknown"
        return kept.ended(orjson.loads(b"".join(parts))) or "working"
