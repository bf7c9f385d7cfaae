"""`make bench`: what Weir costs, as ratios to nginx in the same run.

    python -m bench [--rounds 3] [--seconds 3]

A mock upstream, nginx as a plain reverse proxy, Weir with everything on (authentication, label, score, decision,
metering, ledger) and the load each have a core of their own; Weir runs twice, as Python and compiled, and the one that
is not asked sleeps. Rounds take turns, and the best of each counts: other work on the machine only ever adds. Ratios
within one run hold; absolute figures are this machine's. The first run for new sources compiles them.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.gateway import servers
from bench.gateway.measure import Load
from bench.gateway.servers import COMPILED, PURE, Server
from compiling.tree import CannotCompile, tree
from gateway.access import keys

_T = TypeVar("_T")

CORES: Final = 4
WIDTH: Final = 100  # characters of the table, into a file too
RPS_BAR: Final = 0.08  # of nginx's requests per second
ADDED_BAR: Final = 500.0  # microseconds at p50 with one connection
CHUNKS_BAR: Final = 0.95  # of nginx's chunks


def main() -> None:
    """Start everything, measure in turns, print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rounds", type=int, default=3, help="how often each measurement is taken")
    arguments.add_argument("--seconds", type=int, default=3, help="length of one throughput measurement")
    chosen = arguments.parse_args()
    console = Console()
    console.width = max(console.width, WIDTH)
    available = sorted(os.sched_getaffinity(0))
    pin = len(available) >= CORES and shutil.which("taskset") is not None
    cores: list[int | None] = list(available[:CORES]) if pin else [None] * CORES
    made = _tree(console)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        folder, key = Path(name), keys.create()
        load = Load(folder, key, cores[3])
        with (
            servers.upstream(cores[0]) as upstream,
            servers.nginx(upstream, folder, cores[1]) as nginx,
            servers.weir(upstream, folder, key, cores[2]) as pure,
            _compiled(made, upstream, folder, key, cores[2]) as compiled,
        ):
            _say_what_is_missing(console, pin=pin, nginx=nginx, load=load)
            bench = Bench(load, (nginx, pure, compiled), chosen.rounds, chosen.seconds)
            _report(console, bench, ratios=pin, full=load.fills_nginx)


def _tree(console: Console) -> Path | None:
    """The compiled packages, where this machine can make them."""
    try:
        return tree(console.print)
    except CannotCompile as error:
        console.print(f"{error} The compiled figures are missing.\n", style="yellow")
        return None


def _compiled(
    made: Path | None, upstream: Server, folder: Path, key: str, core: int | None
) -> AbstractContextManager[Server | None]:
    return nullcontext() if made is None else servers.weir(upstream, folder, key, core, packages=made)


class Bench:
    """All measurements of one run: the best of its rounds."""

    def __init__(self, load: Load, under_test: Sequence[Server | None], rounds: int, seconds: int) -> None:
        self._under_test = [server for server in under_test if server is not None]
        self.throughput = self._rounds(rounds, lambda s: load.throughput(s, seconds), lambda t: t.rps)
        self.latency = self._rounds(rounds, lambda s: load.latency(s, 1.0), lambda p50: -p50)
        self.streaming = self._rounds(max(1, rounds - 1), load.streaming, lambda s: s.chunks)

    def _rounds(
        self, rounds: int, measure: Callable[[Server], _T], goodness: Callable[[_T], float]
    ) -> dict[str, _T]:
        best: dict[str, _T] = {}
        for _ in range(rounds):
            for server in self._under_test:
                found = measure(server)
                held = best.get(server.name)
                best[server.name] = found if held is None else max(held, found, key=goodness)
        return best


def _say_what_is_missing(console: Console, *, pin: bool, nginx: Server | None, load: Load) -> None:
    cores = len(os.sched_getaffinity(0))
    if not pin:
        lacks = f"gives {cores} cores" if cores < CORES else "has no taskset (apt install util-linux)"
        console.print(
            f"This machine {lacks}; a comparison needs {CORES} cores, one each for the upstream, nginx, Weir and the "
            "load. Figures follow, but no ratio.\n",
            style="yellow",
        )
    if nginx is None:
        console.print(
            "nginx is not installed (apt install nginx), so there is no yardstick and no ratio.\n",
            style="yellow",
        )
    if not load.fills_nginx:
        console.print(
            "wrk is not installed (apt install wrk), and Python's load is too slow to fill nginx: requests per second "
            "follow, but no ratio of them.\n",
            style="yellow",
        )
    console.print(f"Closed-loop load by {load.name}. This takes about a minute and a half.\n")


def _report(console: Console, bench: Bench, *, ratios: bool, full: bool) -> None:
    """`ratios`: there is something to compare with; `full`: the load was as much as nginx takes."""
    table = Table(title="Weir, as Python and compiled, against nginx: one worker each")
    table.add_column("measured", no_wrap=True)
    weirs = [name for name in (PURE, COMPILED) if name in bench.throughput]
    for column in ("nginx", *(column for name in weirs for column in (name, "ratio")), "bar"):
        table.add_column(column, justify="right", no_wrap=True)

    def row(
        measured: str, found: Mapping[str, float], form: str, bar: "Bar | None" = None, *, fair: bool = True
    ) -> None:
        cells: list[str | Text] = [form.format(found["nginx"]) if "nginx" in found else "-"]
        for name in weirs:
            cells.append(form.format(found[name]))
            compared = bar is not None and ratios and fair and "nginx" in found
            cells.append(bar.verdict(found[name], found["nginx"]) if bar and compared else "")
        table.add_row(measured, *cells, bar.shown if bar else "")

    streaming, throughput = bench.streaming.items(), bench.throughput.items()
    row(
        "requests/s, 64 connections, 1 KB",
        {name: each.rps for name, each in throughput},
        "{:,.0f}",
        Share(RPS_BAR),
        fair=full,
    )
    row("CPU per request, µs", {name: each.cpu_us for name, each in throughput}, "{:,.0f}")
    if all(each.p99_ms is not None for _, each in throughput):
        row("p99 of 64 connections, ms", {name: each.p99_ms or 0.0 for name, each in throughput}, "{:,.1f}")
    row("p50 of one connection, µs", bench.latency, "{:,.0f}", Added(ADDED_BAR))
    row(
        "chunks/s, 500 streams x 20 ms",
        {name: each.chunks for name, each in streaming},
        "{:,.0f}",
        Share(CHUNKS_BAR),
    )
    row("CPU while streaming", {name: each.cpu for name, each in streaming}, "{:.0%}")
    console.print(table)


@dataclass(frozen=True, slots=True)
class Share:
    """At least this much of what nginx does."""

    least: float

    @property
    def shown(self) -> str:
        """For people."""
        return f"≥ {self.least}"

    def verdict(self, weir: float, nginx: float) -> Text:
        """The ratio, green where it holds."""
        return _marked(f"{weir / nginx:.3f}", holds=weir / nginx >= self.least)


@dataclass(frozen=True, slots=True)
class Added:
    """At most so many microseconds more than nginx."""

    most: float

    @property
    def shown(self) -> str:
        """For people."""
        return f"≤ +{self.most:.0f} µs"

    def verdict(self, weir: float, nginx: float) -> Text:
        """What is added, green where it holds."""
        return _marked(f"+{weir - nginx:,.0f} µs", holds=weir - nginx <= self.most)


Bar = Share | Added


def _marked(text: str, *, holds: bool) -> Text:
    return Text(text, style="green" if holds else "bold red")


if __name__ == "__main__":
    main()
