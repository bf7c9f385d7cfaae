"""`make bench`: what Weir costs, as ratios to nginx in the same run.

    python -m bench [--rounds 3] [--seconds 3]

A mock upstream, nginx as a plain reverse proxy, Weir with everything on (authentication, label, score, decision,
metering, ledger) and the load each have a core of their own. Rounds alternate between the two, and the best of each
counts: other work on the machine only ever adds. Ratios within one run hold; absolute figures are this machine's.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.gateway import servers
from bench.gateway.measure import Load
from bench.gateway.servers import Server
from gateway.access import keys

_T = TypeVar("_T")

CORES: Final = 4
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
    available = sorted(os.sched_getaffinity(0))
    pin = len(available) >= CORES and shutil.which("taskset") is not None
    cores: list[int | None] = list(available[:CORES]) if pin else [None] * CORES
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        folder, key = Path(name), keys.create()
        load = Load(folder, key, cores[3])
        with (
            servers.upstream(cores[0]) as upstream,
            servers.nginx(upstream, folder, cores[1]) as nginx,
            servers.weir(upstream, folder, key, cores[2]) as weir,
        ):
            _say_what_is_missing(console, pin=pin, nginx=nginx, load=load)
            bench = Bench(load, nginx, weir, chosen.rounds, chosen.seconds)
            _report(console, bench, ratios=pin)


class Bench:
    """All measurements of one run: the best of its rounds."""

    def __init__(self, load: Load, nginx: Server | None, weir: Server, rounds: int, seconds: int) -> None:
        self._under_test = [server for server in (nginx, weir) if server is not None]
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
    if not pin:
        console.print(
            f"This machine gives {len(os.sched_getaffinity(0))} cores; a comparison needs {CORES}, one each for the "
            "upstream, nginx, Weir and the load. Figures follow, but no ratio.\n",
            style="yellow",
        )
    if nginx is None:
        console.print(
            "nginx is not installed (apt install nginx), so there is no yardstick and no ratio.\n",
            style="yellow",
        )
    console.print(f"Closed-loop load by {load.name}. This takes about a minute.\n")


def _report(console: Console, bench: Bench, *, ratios: bool) -> None:
    table = Table(title="Weir against nginx")
    table.add_column("measured")
    for column in ("nginx", "Weir", "ratio", "bar"):
        table.add_column(column, justify="right")
    rps = {name: each.rps for name, each in bench.throughput.items()}
    cpu = {name: each.cpu_us for name, each in bench.throughput.items()}
    chunks = {name: each.chunks for name, each in bench.streaming.items()}
    load = {name: each.cpu for name, each in bench.streaming.items()}
    compared = ratios and "nginx" in rps
    _row(
        table,
        "requests/s, 64 connections, 1 KB",
        rps,
        "{:,.0f}",
        _quotient(rps, RPS_BAR) if compared else None,
    )
    _row(table, "CPU per request, µs", cpu, "{:,.0f}", None)
    if all(each.p99_ms is not None for each in bench.throughput.values()):
        p99 = {name: each.p99_ms or 0.0 for name, each in bench.throughput.items()}
        _row(table, "p99 of 64 connections, ms", p99, "{:,.1f}", None)
    _row(
        table,
        "p50 of one connection, µs",
        bench.latency,
        "{:,.0f}",
        _added(bench.latency) if compared else None,
    )
    _row(
        table,
        "chunks/s, 500 streams x 20 ms",
        chunks,
        "{:,.0f}",
        _quotient(chunks, CHUNKS_BAR) if compared else None,
    )
    _row(table, "CPU while streaming", load, "{:.0%}", None)
    console.print(table)


def _quotient(found: Mapping[str, float], bar: float) -> tuple[str, str, bool]:
    ratio = found["Weir"] / found["nginx"]
    return f"{ratio:.3f}", f"≥ {bar}", ratio >= bar


def _added(p50: Mapping[str, float]) -> tuple[str, str, bool]:
    added = p50["Weir"] - p50["nginx"]
    return f"+{added:,.0f} µs", f"≤ +{ADDED_BAR:.0f} µs", added <= ADDED_BAR


def _row(
    table: Table, name: str, found: Mapping[str, float], form: str, verdict: tuple[str, str, bool] | None
) -> None:
    """One line; `verdict` is the comparison, its bar and whether it holds, where there is one."""
    ratio, bar, holds = verdict or ("", "", True)
    style = "" if not ratio else "green" if holds else "bold red"
    nginx = form.format(found["nginx"]) if "nginx" in found else "-"
    table.add_row(name, nginx, form.format(found["Weir"]), Text(ratio, style=style), bar)


if __name__ == "__main__":
    main()
