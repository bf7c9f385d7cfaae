"""The scores that routes' rolling thresholds are measured by: kept over a restart, and shared where gateways share.

Only numbers are kept, under a name that stands for a rule and the weights that gave the scores. Nobody waits for this:
what requests met is handed in now and then. Nothing rests on it but where a threshold begins, so what is lost is borne.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from gateway.state.whole_file import WholeFile

_log = logging.getLogger("weir.state")

KEPT_MS: Final = 7 * 86_400_000  # a window that nobody added to for so long says nothing of today's traffic
_VERSION: Final = 1  # of the file


class Scores(Protocol):
    """Where they are kept."""

    every: float  # seconds after which it is worth handing in what was met

    async def exchange(self, met: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
        """Add the scores that were met since the last time, by name; each name's latest now, oldest first.
        Raises Gone."""

    async def close(self) -> None:
        """Let go of what it holds open."""


@dataclass(slots=True)
class _Kept:
    """One window: its scores, and when it was last asked for (UTC milliseconds)."""

    scores: deque[float]
    at: int


class LocalScores:
    """Keeps them in a small file of one process's own."""

    every: float = 10.0

    def __init__(self, path: Path, now_ms: Callable[[], int], most: int) -> None:
        """`now_ms`: UTC milliseconds; `most` scores are kept under each name. Reads nothing yet."""
        self._file = WholeFile(path)
        self._turn = threading.Lock()  # a cancelled exchange leaves its thread behind
        self._now_ms = now_ms
        self._most = most
        self._kept: dict[str, _Kept] | None = None

    async def exchange(self, met: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
        """As Scores.exchange; it is never gone."""
        return await asyncio.to_thread(self._exchange, met)

    async def close(self) -> None:
        """As Scores.close."""

    def _exchange(self, met: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
        now = self._now_ms()
        with self._turn:
            if self._kept is None:
                self._kept = self._read(now)
            for name, scores in met.items():
                kept = self._kept.setdefault(name, _Kept(deque(maxlen=self._most), now))
                kept.scores.extend(scores)
                kept.at = now
            if any(met.values()):
                self._write(self._kept)
            return {name: tuple(self._kept[name].scores) for name in met}

    def _read(self, now: int) -> dict[str, _Kept]:
        try:
            found = orjson.loads(self._file.path.read_bytes())
            if found["version"] != _VERSION:
                raise ValueError(f"it is of version {found['version']}")  # noqa: TRY301  # told as any other fault is
            kept = {str(name): self._window(fields) for name, fields in found["windows"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("%s is not used, rolling thresholds begin anew: %s", self._file.path, error)
            return {}
        return {name: window for name, window in kept.items() if 0 <= now - window.at < KEPT_MS}

    def _window(self, fields: Mapping[str, Any]) -> _Kept:
        scores = [float(score) for score in fields["scores"]]
        if not all(map(isfinite, scores)):
            raise ValueError("a score is not finite")
        return _Kept(deque(scores, maxlen=self._most), int(fields["at"]))

    def _write(self, kept: Mapping[str, _Kept]) -> None:
        """Replaces the file whole, so that a kill leaves the one before; a full disk is said and borne."""
        windows = {name: {"at": each.at, "scores": list(each.scores)} for name, each in kept.items()}
        try:
            self._file.write(orjson.dumps({"version": _VERSION, "windows": windows}))
        except OSError as error:
            _log.warning("the scores of rolling thresholds cannot be kept: %s", error)
