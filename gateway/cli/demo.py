"""`weir demo`: the main job on stand-in engines, shown in a few seconds with nothing to set up."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console

from gateway.access import keys
from gateway.app import Service
from gateway.app.build import ProxyInTheWay
from gateway.cli.demo_client import Seen, ask, ask_and_leave
from gateway.cli.demo_view import Row, farewell, greeting, results
from gateway.configuration.problems import ConfigurationErrors
from gateway.ledger.records import AttemptRecord, GpuBooking, Kind, Record, RequestRecord
from gateway.ledger.store import Store
from gateway.ledger.stores import open_store
from gateway.sandbox.sandbox import Sandbox

_PORT: Final = 4000
_METRICS_PORT: Final = 9464
_TOKENS_PER_SECOND: Final = 300.0
_PATIENCE: Final = 4.0  # seconds to wait for bookings
_FOREVER: Final = 2**63 - 1  # UTC nanoseconds

_R = TypeVar("_R", bound=Record)

_EASY: Final = "Can I cancel my order before it ships?"
_HARD: Final = (
    "Let f be a continuous function on [0,1] with f(0)=f(1). Show that for every n there is an x with "
    "f(x)=f(x+1/n). Is 1/n necessary? Calculate a counterexample for 2/5."
)
_PERSONAL: Final = (
    "Jane Miller, SSN 536-22-1846, paid 22% tax on 7 months of an $84,000 salary. Write a Python function that "
    "calculates in O(n) what she owes per state if she moves in May, and prove that it is right."
)
_LONG: Final = (
    "Please tell the story of our product launch, with all the teams that took part and what each did."
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One request of the tour, and what is done to the engines before it."""

    title: str
    prompt: str
    before: Callable[[Sandbox], Awaitable[None]] | None = None
    leave: bool = False  # the client gives up in the middle of the stream
    stream: bool = False


async def _gpu_down(sandbox: Sandbox) -> None:
    await sandbox.vllm.down()


async def _openai_busy(sandbox: Sandbox) -> None:
    await sandbox.openai.fault("429", count=1)


SCENES: Final = (
    Scene("An easy question", _EASY),
    Scene("A hard one", _HARD),
    Scene("Hard, with personal data", _PERSONAL),
    Scene("Hard, while OpenAI turns us away", _HARD, before=_openai_busy, stream=True),
    Scene("A client that leaves in mid-answer", _LONG, leave=True),
    Scene("Easy, while the GPU is down", _EASY, before=_gpu_down),
    Scene("Personal data, while the GPU is down", _PERSONAL),
)


@click.command()
@click.option("--stay", is_flag=True, help="Stay up afterwards, until Ctrl-C.")
@click.option("--port", type=int, default=_PORT, show_default=True, help="Weir's port, if it is free.")
def demo(stay: bool, port: int) -> None:
    """Run Weir on stand-in engines and send it a few requests that show what it is for.

    Everything stays on this machine: the engines are stand-ins on loopback that speak the wire formats of vLLM,
    OpenAI and Anthropic, and answer with canned text. Requests, routing, metering and money are real.
    """
    try:
        asyncio.run(_run(Console(), stay=stay, port=port))
    except TimeoutError:
        click.echo("The demo gave up: not every request reached the ledger in time.", err=True)
        sys.exit(1)
    except (ConfigurationErrors, ProxyInTheWay, OSError) as error:
        click.echo(f"The demo could not go on: {error}", err=True)
        sys.exit(1)


async def _run(console: Console, *, stay: bool, port: int) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with tempfile.TemporaryDirectory(prefix="weir-demo-") as name:
        folder = Path(name)
        async with Sandbox(tokens_per_second=_TOKENS_PER_SECOND, first_token=0.05) as sandbox:
            key = keys.create()
            config = folder / "weir.yaml"
            shutil.copyfile(str(files("gateway.sandbox").joinpath("demo.yaml")), config)
            service = await Service.start(
                [config], _environ(sandbox, key, folder), port=_free(console, port, "Weir")
            )
            try:
                greeting(console, sandbox, service.url)
                rows, engine = await _tour(console, sandbox, service, key)
                results(console, rows, engine)
                farewell(console, service.url, service.metrics_url, key, config, stay=stay)
                if stay:
                    await stopping.wait()
            finally:
                await service.stop()


async def _tour(
    console: Console, sandbox: Sandbox, service: Service, key: str
) -> tuple[list[Row], list[GpuBooking]]:
    """Send the requests one after another; then read in the ledger what became of them."""
    seen: list[tuple[Scene, Seen]] = []
    with console.status("Asking …"):
        for scene in SCENES:
            if scene.before is not None:
                await scene.before(sandbox)
            if scene.leave:
                got = await asyncio.to_thread(ask_and_leave, service.url, key, scene.prompt)
            else:
                got = await asyncio.to_thread(ask, service.url, key, scene.prompt, stream=scene.stream)
            seen.append((scene, got))
    await sandbox.vllm.up()
    with console.status("Waiting until the GPU's last second is booked …"):
        return await _booked(service, seen, until=time.time_ns())


async def _booked(
    service: Service, seen: Sequence[tuple[Scene, Seen]], *, until: int
) -> tuple[list[Row], list[GpuBooking]]:
    """Each request's rows, and all GPU time, once the windows up to `until` (UTC nanoseconds) are closed."""
    deadline = time.monotonic() + _PATIENCE
    async with asyncio.timeout(2 * _PATIENCE):
        while True:
            await service.flush()
            books = await asyncio.to_thread(_read, service.ledger_store)
            whole = all(got.request in books.requests for _, got in seen)
            if whole and (books.closed >= until or time.monotonic() > deadline):
                break
            await asyncio.sleep(0.1)
    rows = [
        Row(
            scene.title,
            scene.prompt,
            books.requests[got.request],
            tuple(each for each in books.attempts if each.request == got.request),
            tuple(each for each in books.gpu if each.request == got.request),
        )
        for scene, got in seen
    ]
    return rows, books.gpu


@dataclass(frozen=True, slots=True)
class _Books:
    """All that the ledger holds."""

    requests: Mapping[str, RequestRecord]
    attempts: list[AttemptRecord]
    gpu: list[GpuBooking]

    @property
    def closed(self) -> int:
        """Until when GPU time is booked, UTC nanoseconds."""
        return max((each.window + each.window_ns for each in self.gpu), default=0)


def _read(path: str | Path) -> _Books:
    store = open_store(path)
    try:
        requests = _all(store, RequestRecord, "request")
        attempts, gpu = _all(store, AttemptRecord, "attempt"), _all(store, GpuBooking, "gpu")
    finally:
        store.close()
    return _Books({each.id: each for each in requests}, attempts, gpu)


def _all(store: Store, shape: type[_R], kind: Kind) -> list[_R]:
    """Every record of one kind."""
    return [each for each in store.records(kind, 0, _FOREVER) if isinstance(each, shape)]


def _environ(sandbox: Sandbox, key: str, folder: Path) -> Mapping[str, str]:
    """What the configuration is filled in from: nothing of this machine's own Weir."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
    return {
        **own,
        **sandbox.environ(),
        "OPENAI_API_KEY": "stand-in",  # a real key has no business with a stand-in
        "ANTHROPIC_API_KEY": "stand-in",
        "WEIR_DEMO_KEY_SHA256": keys.digest(key),
        "WEIR_DEMO_METRICS_PORT": str(_METRICS_PORT if _is_free(_METRICS_PORT) else 0),
        "WEIR_DEMO_FOLDER": str(folder),
    }


def _free(console: Console, port: int, who: str) -> int:
    """The port, or 0 (any free one) where something else holds it; that is said aloud."""
    if port and not _is_free(port):
        console.print(f"Port {port} is taken by something else, so {who} takes a free one.\n", style="yellow")
        return 0
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
