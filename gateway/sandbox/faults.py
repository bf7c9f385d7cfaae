"""What can be made to go wrong with a stand-in, how often, and what it received meanwhile."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.sandbox.http import Request

KEPT: Final = 1000  # requests remembered

MODES: Final = {
    "refuse": "nobody listens: connections are refused and open ones are dropped (not counted: until `none`)",
    "cut": "the connection drops in the middle of the answer",
    "stall": "the answer stops coming in its middle, the connection stays open",
    "error_event": "an error inside the stream, after a 200 (an answer that is not streamed is cut)",
    "hang": "the request is read and never answered",
    "slow": "the answer begins `seconds` late",
    "held": "the answer begins when the fault is next changed, to `none` or to another",
    "garbage": "what comes is not HTTP",
    "nonsense": "a 200 whose body is not the dialect",
    "refusal": "the model says that it will not answer, in its wire's words where that has some",
    "empty": "the model says nothing",
    "misshapen": "the model answers in JSON that no schema asked for",
    "limit": "the model stops at a limit, half way",
    "none": "all is well again",
}  # and any status from 400 to 599, answered as the provider words it


SPOILT: Final = frozenset({"refusal", "empty", "misshapen", "limit"})  # whole answers, and bad ones


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing going wrong: a mode of MODES or an HTTP status as text."""

    mode: str
    seconds: float = 2.0  # for `slow`
    lifted: asyncio.Event = field(default_factory=asyncio.Event, compare=False)  # for `held`

    @property
    def status(self) -> int | None:
        """The status to answer, where the mode is one."""
        return int(self.mode) if self.mode.isdigit() else None


class Faults:
    """The faults still to come for one stand-in."""

    def __init__(self) -> None:
        self._latest = Fault("none")  # as it was set last, whether or not anything is still to meet it
        self._fault: Fault | None = None
        self._left: int | None = None

    def set(self, mode: str, *, count: int | None = None, seconds: float = 2.0) -> None:
        """Let the next `count` requests (None: all, from now on) meet this fault. Raises ValueError."""
        known = mode in MODES or (mode.isdigit() and 400 <= int(mode) <= 599)
        if not known:
            raise ValueError(
                f"unknown fault {mode!r}: one of {', '.join(MODES)}, or a status from 400 to 599"
            )
        if count is not None and count < 1:
            raise ValueError(f"count must be 1 or more, got {count}")
        self._latest.lifted.set()
        self._latest = Fault(mode, seconds)
        self._fault = None if mode == "none" else self._latest
        self._left = count

    def take(self) -> Fault | None:
        """The fault that the request at hand meets, if any."""
        fault = self._fault
        if fault is not None and self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._fault = None
        return fault


class Received:
    """The requests that reached a stand-in, newest last, so that tests can show what never did."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque(maxlen=KEPT)
        self._arrived = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._requests)

    def __getitem__(self, index: int) -> Request:
        return self._requests[index]

    async def add(self, request: Request) -> None:
        """Remember one request."""
        self._requests.append(request)
        async with self._arrived:
            self._arrived.notify_all()

    async def wait_for(self, count: int) -> None:
        """Wait until `count` requests are remembered."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self._requests) >= count)

    def clear(self) -> None:
        """Forget them."""
        self._requests.clear()

    def listing(self) -> list[dict[str, Any]]:
        """For `/_sandbox/requests`: method, path, headers and body of each."""
        return [
            {
                "method": r.method,
                "path": r.path,
                "headers": dict(r.headers),
                "body": r.body.decode(errors="replace"),
            }
            for r in self._requests
        ]
