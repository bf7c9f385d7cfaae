"""How long Weir keeps its event loop from everything else: the longest single pause in each situation.

    python -m bench.loop_pause [--rounds 10]

A heartbeat on Weir's own loop asks to be called again at once, always; what lies between two beats is a pause that
every other request would have felt. Each situation is repeated, and the least of its longest pauses is shown beside
the median: other work on the machine lengthens pauses, and never shortens one. `CPU` is the loop thread's own time in
that pause; wall time includes what other threads and processes took.
"""

import argparse
import asyncio
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.table import Table

from bench.gateway import servers
from bench.gateway.bodies import bodies, tiny_messages, with_emoji
from bench.gateway.load import CHAT, send_in_turn
from bench.gpu_window import BusyWindow
from gateway.access import keys
from gateway.app import Service, collecting, memory, threads

BAR_MS: Final = 5.0
WINDOWS: Final = (2_000, 10_000)  # requests that one second of one replica saw
LARGE: Final = 100 * 1024  # bytes of a large request
LARGER_MB: Final = (1, 5, 20)
MB: Final = 1024 * 1024
MESSAGES: Final = "/v1/messages"
_FIRST: Final = "the first of 20 MB after a start"
_SETTLE: Final = 0.3  # seconds between situations


@dataclass(slots=True)
class Heartbeat:
    """Beats on the loop; notes the longest pause since `reset`, in wall and in thread-CPU seconds."""

    longest: float = 0.0
    cpu: float = 0.0
    _last: float = field(default_factory=time.perf_counter)
    _last_cpu: float = field(default_factory=time.thread_time)
    _on: bool = True

    def beat(self) -> None:
        """One beat; asks for the next."""
        now, cpu = time.perf_counter(), time.thread_time()
        if now - self._last > self.longest:
            self.longest, self.cpu = now - self._last, cpu - self._last_cpu
        self._last, self._last_cpu = now, cpu
        if self._on:
            asyncio.get_running_loop().call_soon(self.beat)

    def reset(self) -> None:
        """Forget the pauses so far."""
        self.longest = self.cpu = 0.0
        self._last, self._last_cpu = time.perf_counter(), time.thread_time()

    def stop(self) -> None:
        """Beat no more."""
        self._on = False


async def _pauses(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """The longest pause of each situation, (wall, CPU) in milliseconds, once per round."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name, servers.upstream(None) as upstream:
        folder, key = Path(name), keys.create()
        config = servers.weir_configuration(upstream, folder, key)
        own = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        service = await Service.start([config], own, port=0)
        small, large = folder / "small.json", folder / "large.json"
        small.write_bytes(bodies(1)[0])
        large.write_bytes(bodies(1, size=LARGE)[0])
        larger = {f"a request of {size} MB": f"{CHAT} {folder}/{size}MB.json" for size in LARGER_MB}
        larger |= {
            "20 MB in messages of 100 bytes": f"{CHAT} {folder}/tiny.json",
            "20 MB in one text with emoji": f"{CHAT} {folder}/emoji.json",
            "20 MB for another dialect": f"{MESSAGES} {folder}/messages.json",
            "the same in messages of 100 bytes": f"{MESSAGES} {folder}/tiny_messages.json",
        }
        _write_larger(folder)
        heartbeat = Heartbeat()

        command = [sys.executable, "-m", "bench.loop_pause", "--send", service.url, key]
        client = await asyncio.create_subprocess_exec(
            *command, cwd=servers.ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )  # once, before the clock counts: starting a process is itself a pause

        async def request(what: str) -> None:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(f"{what}\n".encode())
            if not await client.stdout.readline():
                raise RuntimeError("a request failed")

        windows = {number: BusyWindow(number, folder) for number in WINDOWS}
        prepared = {f"a GPU window of {number:,} requests": each.fill for number, each in windows.items()}
        situations: dict[str, Callable[[], Awaitable[None]]] = {
            "idle, engines scraped (72 KB pages)": lambda: asyncio.sleep(1.0),
            "requests of 1 KB": lambda: request(f"{CHAT} {small}"),
            "requests of 100 KB": lambda: request(f"{CHAT} {large}"),
            **{
                name: lambda what=what: request(what)  # type: ignore[misc]  # bound now
                for name, what in larger.items()
            },
            "a reload": lambda: _reload(service, config),
            **dict(zip(prepared, (each.close for each in windows.values()), strict=True)),
        }
        try:
            await request(f"{CHAT} {large}")  # warm
            collecting.settle()  # as `weir serve` does
            memory.settle()
            threads.settle()
            heartbeat.beat()
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in (_FIRST, *situations)}
            await asyncio.sleep(_SETTLE)
            heartbeat.reset()
            await request(larger[f"a request of {LARGER_MB[-1]} MB"])
            found[_FIRST].append((1e3 * heartbeat.longest, 1e3 * heartbeat.cpu))
            for _ in range(rounds):
                for name, happen in situations.items():
                    if name in prepared:
                        await prepared[name]()
                    await asyncio.sleep(_SETTLE)
                    heartbeat.reset()
                    await happen()
                    found[name].append((1e3 * heartbeat.longest, 1e3 * heartbeat.cpu))
        finally:
            heartbeat.stop()
            for window in windows.values():
                window.stop()
            client.kill()
            await client.wait()
            await service.stop()
    return found


def _write_larger(folder: Path) -> None:
    """The bodies of some megabytes, and those for the other dialect, whose model's provider speaks chat alone."""
    for size in LARGER_MB:
        (folder / f"{size}MB.json").write_bytes(bodies(1, size=size * MB)[0])
    (folder / "tiny.json").write_bytes(tiny_messages(20 * MB))
    (folder / "emoji.json").write_bytes(with_emoji(20 * MB))
    for name, body in (("messages", bodies(1, size=20 * MB)[0]), ("tiny_messages", tiny_messages(20 * MB))):
        (folder / f"{name}.json").write_bytes(body.replace(b'"model": "bench"', b'"model": "large"', 1))


async def _reload(service: Service, config: Path) -> None:
    """Change the policy and wait until it is in force."""
    before = service.runtime
    text = config.read_text()  # noqa: ASYNC240  # a kilobyte
    changed = text.replace("at_least: 0.9", "at_least: 0.8")
    config.write_text(changed if changed != text else text.replace("at_least: 0.8", "at_least: 0.9"))  # noqa: ASYNC240  # a kilobyte
    service.reload()
    async with asyncio.timeout(30):
        while service.runtime is before:  # noqa: ASYNC110  # a service announces no reload
            await asyncio.sleep(0.05)


def main() -> None:
    """Measure and print; with --send, be the client: for each path and file on standard input, ten requests, or one."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--send", nargs=2, metavar=("URL", "KEY"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.send:
        url, key = chosen.send
        for line in sys.stdin:
            path, _, name = line.strip().partition(" ")
            body = Path(name).read_bytes()
            send_in_turn(url, key, body, 10 if len(body) <= LARGE else 1, path)
            print("done", flush=True)
        return
    logging.getLogger("weir").setLevel(logging.ERROR)  # each reload warns that the mock upstream has no TLS
    found = uvloop.run(_pauses(chosen.rounds))
    table = Table("situation", title=f"Longest pause of Weir's event loop (bar: {BAR_MS:.0f} ms)")
    for column in ("least, ms", "CPU in it, ms", "median, ms"):
        table.add_column(column, justify="right")
    for name, pauses in found.items():
        wall, cpu = min(pauses)
        style = "green" if wall <= BAR_MS else "bold red"
        median = statistics.median(each for each, _ in pauses)
        table.add_row(name, f"[{style}]{wall:.1f}[/]", f"{cpu:.1f}", f"{median:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
