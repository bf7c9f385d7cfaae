"""One measurement each of throughput, latency and streaming, against one server."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.gateway.bodies import bodies
from bench.gateway.load import CONNECTIONS, STREAMS
from bench.gateway.servers import ROOT, Server, pinned

_LUA: Final = """\
local bodies = {{}}
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
local headers = {{["authorization"] = "Bearer {key}", ["content-type"] = "application/json"}}
local requests, number = {{}}, 0
function init(args)
  for i, body in ipairs(bodies) do
    requests[i] = wrk.format("POST", "/v1/chat/completions", headers, body)
  end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
function done(summary, latency)
  local bad = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration, bad, latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Throughput:
    """Closed-loop load over 64 connections."""

    rps: float
    cpu_us: float  # of the server, per request
    p99_ms: float | None  # None: not measured (without wrk)


@dataclass(frozen=True, slots=True)
class Streaming:
    """500 streams that bring a chunk every 20 ms."""

    chunks: float  # per second
    cpu: float  # share of its core


class Load:
    """Drives a server from a core of its own."""

    def __init__(self, folder: Path, key: str, core: int | None) -> None:
        self._key = key
        self._core = core
        self._wrk = shutil.which("wrk")
        self._script = folder / "load.lua"
        lines = folder / "bodies.jsonl"
        lines.write_bytes(b"\n".join(bodies(256)) + b"\n")
        self._script.write_text(_LUA.format(bodies=lines, key=key))

    @property
    def name(self) -> str:
        """What makes the closed-loop load."""
        return "wrk" if self._wrk else "Python"

    @property
    def fills_nginx(self) -> bool:
        """Whether the load is quick enough to keep nginx's core busy: else its figure is the load's."""
        return self._wrk is not None

    def throughput(self, server: Server, seconds: float) -> Throughput:
        """Requests per second, and the server's CPU for each."""
        before = server.cpu_seconds()
        if self._wrk:
            requests, took, p99 = self._run_wrk(server, seconds)
        else:
            rps = self._run("many", server, seconds)["rps"]
            requests, took, p99 = int(rps * seconds), seconds, None
        return Throughput(requests / took, 1e6 * (server.cpu_seconds() - before) / max(1, requests), p99)

    def latency(self, server: Server, seconds: float) -> float:
        """Microseconds of the median request over one connection."""
        return self._run("one", server, seconds)["p50"]

    def streaming(self, server: Server) -> Streaming:
        """Chunks per second."""
        before = server.cpu_seconds()
        chunks = self._run("streams", server, 0)["chunks"]
        return Streaming(chunks, (server.cpu_seconds() - before) / 5.5)

    def _run_wrk(self, server: Server, seconds: float) -> tuple[int, float, float | None]:
        assert self._wrk is not None
        command = [
            self._wrk,
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds:.0f}s",
            "-s",
            str(self._script),
            server.url,
        ]
        out = subprocess.run(pinned(command, self._core), capture_output=True, text=True, check=True).stdout
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out)
        assert found, out
        requests, micros, bad, slowest = map(int, found.groups())
        if bad:
            raise RuntimeError(f"{server.name} failed {bad} of {requests} requests:\n{out}")
        return requests, micros / 1e6, slowest / 1e3

    def _run(self, mode: str, server: Server, seconds: float) -> dict[str, float]:
        command = [sys.executable, "-m", "bench.gateway.load", mode, server.url, self._key, str(seconds)]
        out = subprocess.run(
            pinned(command, self._core), capture_output=True, text=True, check=True, cwd=ROOT
        )
        return dict(json.loads(out.stdout))


__all__ = ["STREAMS", "Load", "Streaming", "Throughput"]
