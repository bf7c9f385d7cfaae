"""Further detectors behind HTTP: any server that speaks Weir's small wire, or Presidio's analyzer.

Weir's wire: `POST url` with `{"segments": [{"text", "origin"}]}`, answered with
`{"spans": [{"type", "segment", "start", "end"}]}`; places are code points. Presidio's analyzer
(https://microsoft.github.io/presidio/api-docs/) takes one text, `{"text", "language"}`, and answers
`[{"entity_type", "start", "end", "score"}]`; it is sent the segments with a blank line between.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson

from adapters.call import Outgoing
from adapters.transport import Pool
from gateway.detectors.presidio import joined, placed
from routers.sensitivity.detector import Nonsense, Span
from routers.sensitivity.label import Segment

_LARGEST: Final = 4 * 1024 * 1024  # bytes of an answer
_HEADERS: Final = ((b"content-type", b"application/json"), (b"accept", b"application/json"))


class DetectorRefused(RuntimeError):  # noqa: N818  # it names what the detector did
    """The detector answered with an error status, or too much."""


class HttpDetector:
    """One detector at one address."""

    def __init__(self, name: str, kind: Literal["http", "presidio"], pool: Pool, path: str) -> None:
        """`path` is what follows the pool's own base address."""
        self.name: Final = name
        self._presidio = kind == "presidio"
        self._pool = pool
        self._path = path.encode()

    async def scan(self, segments: Sequence[Segment]) -> Sequence[Span]:
        """As Detector.scan. Raises UpstreamError, DetectorRefused, Nonsense."""
        asked: dict[str, Any]
        if self._presidio:
            asked = {"text": joined(segments), "language": "en"}
        else:
            asked = {"segments": [{"text": each.text, "origin": each.origin} for each in segments]}
        answer = await self._answer(orjson.dumps(asked))
        try:
            found = orjson.loads(answer)
            if self._presidio:
                return placed([(each["entity_type"], each["start"], each["end"]) for each in found], segments)
            return [
                Span(each["type"], each["segment"], each["start"], each["end"]) for each in found["spans"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise Nonsense(type(error).__name__) from None  # the error itself may quote the text

    async def _answer(self, body: bytes) -> bytes:
        parts, size = [], 0
        async with await self._pool.exchange(Outgoing(b"POST", self._path, _HEADERS, body)) as answer:
            if answer.status != 200:
                raise DetectorRefused(f"{self.name} answered {answer.status}")
            while data := await answer.read():
                size += len(data)
                if size > _LARGEST:
                    raise DetectorRefused(f"{self.name} answered too much")
                parts.append(data)
        return b"".join(parts)

    async def aclose(self) -> None:
        """Close what is idle."""
        await self._pool.aclose()
