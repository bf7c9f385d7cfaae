"""Watches one replica's engines: a metrics page each second, light samples in between."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.errors import UpstreamError
from gateway.fleet.engines.page import boot, engines
from gateway.fleet.engines.reading import EngineReading, Reading

Fetch = Callable[[], Awaitable[bytes]]
SECOND: Final = 1_000_000_000


class Scraper:
    """`fetch_page` gets `/metrics` and raises UpstreamError, OSError or TimeoutError if it cannot; so does
    `fetch_load`, which gets `/load` (an engine started with `--enable-server-load-tracking`). Without it the
    samples in between are whole pages too, which cost the engine's server some milliseconds each: while
    `occupied` says that own requests run there, they are left out. `report` is told each reading; `run` never
    ends by itself.
    """

    def __init__(
        self,
        fetch_page: Fetch,
        report: Callable[[Reading], None],
        *,
        now_ns: Callable[[], int],
        fetch_load: Fetch | None = None,
        occupied: Callable[[], bool] | None = None,
        phase_ns: int = 0,  # added to `now_ns` so that pages are read at the edges of wall-clock seconds
        page_every_ns: int = SECOND,
        sample_every_ns: int = SECOND // 5,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._fetch_page = fetch_page
        self._fetch_load = fetch_load
        self._occupied = occupied
        self._report = report
        self._now = now_ns
        self._phase = phase_ns
        self._page_every = page_every_ns
        self._sample_every = min(sample_every_ns, page_every_ns)
        self._sleep = sleep
        self.last: Reading | None = None  # the last whole page
        self.failure: str | None = None  # why the last attempt brought nothing

    async def run(self) -> None:
        """Read for as long as the task lives, on a fixed beat; a beat that is missed is left out."""
        page_due = 0
        while True:
            now = self._now() + self._phase
            whole = now >= page_due
            if whole:
                page_due = now - now % self._page_every + self._page_every
            if whole or not self._needless():
                await self.read(whole=whole or self._fetch_load is None)
            now = self._now() + self._phase
            await self._sleep((self._sample_every - now % self._sample_every) / SECOND)

    def _needless(self) -> bool:
        """Whether a sample in between would tell nothing: several engines are watched even if one must be busy."""
        single = self.last is not None and len(self.last.engines) == 1
        return single and self._occupied is not None and self._occupied()

    async def read(self, *, whole: bool = True) -> Reading | None:
        """Read once: a page, or else a light sample; None where the replica could not be read."""
        fetch = self._fetch_page if whole or self._fetch_load is None else self._fetch_load
        asked = self._now()
        try:
            async with asyncio.timeout(self._page_every / SECOND):
                body = await fetch()
        except (UpstreamError, OSError, TimeoutError) as error:
            self.failure = f"{type(error).__name__}: {error}"
            return None
        reading = _reading(asked, self._now(), body, whole=whole)
        if reading is None:
            self.failure = "this is no vLLM metrics page" if whole else "/load does not say what runs"
            return None
        self.failure = None
        if whole:
            self.last = reading
        self._report(reading)
        return reading


def _reading(asked: int, answered: int, body: bytes, *, whole: bool) -> Reading | None:
    if whole:
        found = engines(body)
        return Reading(asked, answered, found, boot(body)) if found else None
    running = load(body)
    if running is None:
        return None
    return Reading(asked, answered, (EngineReading("", running=running),), counters=False)


def load(body: bytes) -> float | None:
    """Requests in the server, from the `/load` answer (`{"server_load": 3}`); None where it is another."""
    name, _, value = body.strip().removeprefix(b"{").removesuffix(b"}").partition(b":")
    if name.strip() != b'"server_load"':
        return None
    digits = value.strip()
    return float(digits) if digits.isdigit() else None
