"""How long Weir keeps its event loop from everything else: the longest single pause in each situation.

    python -m bench.loop_pause [--rounds 10] [--only WORDS] [--trace 4]

A heartbeat on Weir's own loop asks to be called again at once, always; what lies between two beats is a pause that
every other request would have felt. Each situation is repeated, and the least of its longest pauses is shown beside
the median: other work on the machine lengthens pauses, and never shortens one; what the loop's thread waited for a
processor is not counted, where the kernel tells (Linux). `CPU` is the most that the loop's thread took of the processor
between two beats, in any round, and `with others` the most that all threads of the process took in that round which
took least: one that keeps the interpreter to itself holds the loop as well.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.table import Table

from bench.gateway import servers
from bench.gateway.bodies import asking, bodies, prose, signed_messages, tiny_messages, upload, with_emoji
from bench.gateway.load import CHAT, request, send_in_turn
from bench.gateway.upstream import asking_for
from bench.gpu_window import BusyWindow
from bench.heartbeat import Heartbeat
from gateway.access import keys
from gateway.app import Service, collecting, memory, threads

BAR_MS: Final = 5.0
WINDOWS: Final = (2_000, 10_000)  # requests that one second of one replica saw
LARGE: Final = 100 * 1024  # bytes of a large request
LARGER_MB: Final = (1, 5, 20)
MB: Final = 1024 * 1024
MESSAGES: Final = "/v1/messages"
RESPONSES: Final = "/v1/responses"
FILES: Final = "/v1/files"
_CLAUDE: Final = "  claude: {backend: near, upstream: bench, context: 16777216}"
_FIRST: Final = "the first of 20 MB after a start"
_FIRST_SCRAPE: Final = "the first scrape after a start"
_JUDGED: Final = "judged"  # the workflow whose answers may be set aside
_WATCHED: Final = (
    f"  - {{name: {_JUDGED}, when: {{workflow: {_JUDGED}}}, use: [large], "
    "escalate: {to: [small], on: [refused, empty]}}"
)
_SETTLE: Final = 0.3  # seconds between situations
_ROUTES: Final = 80  # whose series are there for a scrape
_TENANTS: Final = 200
_MODELS: Final = 50
_TERMS: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the client is to send, and how often."""

    path: str
    file: str = ""  # that holds the body; none: a GET
    kind: str = "application/json"
    times: int = 1
    at: str = ""  # where, if not at the gateway's address


@dataclass(frozen=True, slots=True)
class Found:
    """One round of one situation: the most between two beats, in seconds."""

    longest: float
    thread: float
    process: float


Happen = Callable[[], Awaitable[None]]


async def _pauses(rounds: int, words: str, traced: float) -> dict[str, list[Found]]:
    """What was found in each situation, once per round."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name, servers.upstream(None) as upstream:
        folder, key = Path(name), keys.create()
        config = servers.weir_configuration(upstream, folder, key)
        _make_long(config)
        own = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        service = await Service.start([config], own, port=0)
        for number in range(_ROUTES):
            service.metrics.route(f"route-{number}", "small", "home")
        windows = {f"a GPU window of {count:,} requests": BusyWindow(count, folder) for count in WINDOWS}
        heartbeat = Heartbeat(traced=traced)
        client = await _client(service.url, key)
        ask = partial(_ask, client)
        situations: dict[str, Happen] = {
            "idle, engines scraped (72 KB pages)": lambda: asyncio.sleep(1.0),
            **{name: partial(ask, asked) for name, asked in _requests(folder).items()},
            "a scrape of 5,000 series": partial(ask, Asked("/metrics", at=service.metrics_url)),
            "a reload": partial(_reload, service, config, "at_least: 0.9", "at_least: 0.8"),
            "a reload with another dictionary": partial(
                _reload, service, config, "Project Heron,", "Project Egret,"
            ),
            **{name: window.close for name, window in windows.items()},
        }
        situations = {name: happen for name, happen in situations.items() if words in name}
        found: dict[str, list[Found]] = {name: [] for name in (_FIRST_SCRAPE, _FIRST, *situations)}

        async def watch(name: str, happen: Happen) -> None:
            if name in windows:
                await windows[name].fill()
            await asyncio.sleep(_SETTLE)
            heartbeat.reset()
            await happen()
            found[name].append(Found(heartbeat.longest, heartbeat.thread, heartbeat.process))

        try:
            first = _requests(folder)[f"a request of {LARGER_MB[-1]} MB"]
            await ask(_requests(folder)["requests of 100 KB"])  # warm
            collecting.settle()  # as `weir serve` does
            memory.settle()
            threads.settle()
            heartbeat.begin()
            await watch(_FIRST_SCRAPE, partial(ask, Asked("/metrics", at=service.metrics_url)))
            await watch(_FIRST, partial(ask, first))
            for _ in range(rounds):
                for name, happen in situations.items():
                    await watch(name, happen)
        finally:
            heartbeat.stop()
            for window in windows.values():
                window.stop()
            client.kill()
            await client.wait()
            await service.stop()
    return found


def _requests(folder: Path) -> dict[str, Asked]:
    """The requests by what they are called; their bodies are written once."""
    long, notes = prose(20 * MB), bytes(range(256)) * (20 * MB // 256)
    text, kind = upload(long.encode(), "text/plain")
    made = {
        "requests of 1 KB": (bodies(1)[0], Asked(CHAT, times=10)),
        "requests of 100 KB": (bodies(1, size=LARGE)[0], Asked(CHAT, times=10)),
        **{f"a request of {size} MB": (bodies(1, size=size * MB)[0], Asked(CHAT)) for size in LARGER_MB},
        "20 MB in messages of 100 bytes": (tiny_messages(20 * MB), Asked(CHAT)),
        "20 MB in one text with emoji": (with_emoji(20 * MB), Asked(CHAT)),
        "20 MB for another dialect": (_elsewhere(bodies(1, size=20 * MB)[0]), Asked(MESSAGES)),
        "20 MB in messages of 100 bytes for another dialect": (
            _elsewhere(tiny_messages(20 * MB)),
            Asked(MESSAGES),
        ),
        "20 MB in messages of one part for another dialect": (
            _elsewhere(tiny_messages(20 * MB, parts=True)),
            Asked(MESSAGES),
        ),
        "an upload of 20 MB of text": (text, Asked(FILES, kind=kind)),
        "an upload of 20 MB of bytes": (upload(notes, "application/octet-stream")[0], Asked(FILES, kind=kind)),
        "an answer of 20 MB": (asking(asking_for(20)), Asked(CHAT)),
        "an answer of 20 MB in another dialect": (_elsewhere(asking(asking_for(20), max_tokens=256)), Asked(MESSAGES)),
        "20 MB with another provider's signatures": (_for(b"claude", signed_messages(20 * MB)), Asked(MESSAGES)),
        "a JSON answer of 20 MB to be streamed": (
            asking(asking_for(20, whole=True), stream=True),
            Asked(CHAT),
        ),
        "a JSON answer of 20 MB to be streamed in another dialect": (
            _elsewhere(asking(asking_for(20, whole=True), max_tokens=256, stream=True)),
            Asked(MESSAGES),
        ),
        "a JSON answer of 20 MB to be streamed as a response": (
            _elsewhere(json.dumps({"model": "bench", "input": asking_for(20, whole=True), "stream": True}).encode()),
            Asked(RESPONSES),
        ),
        "an event of 5 MB that is judged": (
            asking(asking_for(5), stream=True, metadata={"workflow": _JUDGED}),
            Asked(CHAT),
        ),
        "an event of 5 MB": (asking(asking_for(5), stream=True), Asked(CHAT)),
        "an event of 5 MB in another dialect": (
            _elsewhere(asking(asking_for(5), max_tokens=256, stream=True)),
            Asked(MESSAGES),
        ),
    }  # fmt: skip
    asked: dict[str, Asked] = {}
    for number, (name, (body, how)) in enumerate(made.items()):
        file = folder / f"{number}.body"
        if not file.exists():
            file.write_bytes(body)
        asked[name] = Asked(how.path, str(file), how.kind, how.times)
    return asked


def _elsewhere(body: bytes) -> bytes:
    """The same for the model whose provider speaks chat alone."""
    return _for(b"large", body)


def _for(model: bytes, body: bytes) -> bytes:
    return body.replace(b'"model": "bench"', b'"model": "%b"' % model, 1)


def _make_long(config: Path) -> None:
    """Give the policy many tenants and models, patterns and a dictionary; a provider that speaks messages, and a route
    whose answers are judged."""
    draw = [
        f"{word} {number}" for number in range(_TERMS // 4) for word in ("Alder", "Birch", "Cedar", "Dogwood")
    ]
    models = [f"  m{at}: {{backend: far, upstream: bench-{at}, context: 131072}}" for at in range(_MODELS)]
    tenants = [
        f"  tenant-{at}: {{keys: [{{id: k, sha256: {at:064x}}}], workflows: [chat-{at}, search-{at}]}}"
        for at in range(_TENANTS)
    ]
    text = config.read_text()
    text = text.replace("models:\n", "\n".join([*_anthropic(text), "models:", *models, _CLAUDE, ""]))
    text = text.replace("routes:\n", f"routes:\n{_WATCHED}\n")
    text = text.replace("tenants: {bench: ", "\n".join(["tenants:", *tenants, "  bench: "]))
    text = text.replace('"}]}}\n', '"}]}\n')
    terms = ", ".join(["Project Heron", *draw])
    patterns = ", ".join(f'case-{at}: "CASE{at}-[0-9]{{5}}"' for at in range(20))
    config.write_text(
        f"{text}sensitivity: {{unscanned: {{default: internal}}, terms: [{terms}], patterns: {{{patterns}}}}}\n"
    )


def _anthropic(text: str) -> list[str]:
    """A backend of that kind, at the address of the one that is far."""
    far = next(line for line in text.splitlines() if line.startswith("  far:"))
    return [far.replace("far: ", "near:").replace("openai", "anthropic")]


async def _reload(service: Service, config: Path, one: str, other: str) -> None:
    """Change the policy and wait until it is in force."""
    before = service.runtime
    text = config.read_text()  # noqa: ASYNC240  # some kilobytes
    config.write_text(text.replace(one, other) if one in text else text.replace(other, one))  # noqa: ASYNC240  # as above
    service.reload()
    async with asyncio.timeout(30):
        while service.runtime is before:  # noqa: ASYNC110  # a service announces no reload
            await asyncio.sleep(0.05)
    await asyncio.sleep(_SETTLE)  # what is done with the one before, too


async def _client(url: str, key: str) -> asyncio.subprocess.Process:
    """A process that sends what it is told to, started before the clock counts: to start one is itself a pause."""
    command = [sys.executable, "-m", "bench.loop_pause", "--send", url, key]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, cwd=servers.ROOT, stdin=pipe, stdout=pipe)


async def _ask(client: asyncio.subprocess.Process, asked: Asked) -> None:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(f"{json.dumps(asdict(asked))}\n".encode())
    if not await client.stdout.readline():
        raise RuntimeError("a request failed")


def _send(url: str, key: str) -> None:
    """Be the client: send what each line on standard input says, and tell when it is done."""
    for line in sys.stdin:
        asked = Asked(**json.loads(line))
        body = Path(asked.file).read_bytes() if asked.file else b""
        at = asked.at or url
        send_in_turn(at, request(at, key, body, asked.path, asked.kind), asked.times)
        print("done", flush=True)


def _shown(found: Mapping[str, list[Found]]) -> Table:
    table = Table("situation", title=f"Longest pause of Weir's event loop (bar: {BAR_MS:.0f} ms)")
    for column in ("least, ms", "median, ms", "CPU, ms", "with others, ms"):
        table.add_column(column, justify="right")
    for name, rounds in found.items():
        least = min(each.longest for each in rounds)
        median = statistics.median(each.longest for each in rounds)
        thread = max(each.thread for each in rounds)
        process = min(each.process for each in rounds)
        style = "green" if 1e3 * max(least, thread) <= BAR_MS else "bold red"
        shown = [f"{1e3 * each:.1f}" for each in (least, median, thread, process)]
        table.add_row(name, *[f"[{style}]{each}[/]" for each in shown])
    return table


def main() -> None:
    """Measure and print; with --send, be the client."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--only", default="", metavar="WORDS", help="only what is called so, in part")
    arguments.add_argument(
        "--trace",
        type=float,
        default=0.0,
        metavar="MS",
        help="write all stacks where that much CPU passed between beats",
    )
    arguments.add_argument("--send", nargs=2, metavar=("URL", "KEY"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.send:
        _send(*chosen.send)
        return
    logging.getLogger("weir").setLevel(logging.ERROR)  # each reload warns that the mock upstream has no TLS
    found = uvloop.run(_pauses(chosen.rounds, chosen.only, chosen.trace / 1e3))
    Console().print(_shown(found))


if __name__ == "__main__":
    main()
