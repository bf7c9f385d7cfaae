"""An air-gapped Weir, watched by the kernel: no connection of its process leaves the machine, from start to end.

strace records every connect() and every datagram with an address, of all threads, whoever asks for it
(Python, uvloop, a C library).
"""

import asyncio
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.access import keys
from gateway.sandbox.sandbox import Sandbox
from tests.integration.collectors import StandInCollector, collecting
from tests.integration.commands import ROOT, WEIR, environ, read_until

STRACE: Final = shutil.which("strace")
_GUARD: Final = ("-f", "-qq", "-D", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e", "signal=none")
_ADDRESS: Final = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
POLICY: Final = """
air_gapped: true
site: home
zones: {home: {inside: true}}
backends:
  gpu-a: {kind: vllm, zone: home, replicas: ["%(vllm)s"], gpu: H100, gpus: 1, usd_per_gpu_hour: 2.10}
  other: {kind: openai, zone: home, replicas: ["%(openai)s"], api_key: sk-stand-in}
models:
  llama: {backend: gpu-a, upstream: meta-llama/Llama-3.1-8B-Instruct}
  gpt: {backend: other, upstream: gpt-5}
routes: [{name: everyday, use: [llama], on_failure: [gpt]}]
tenants: {acme: {keys: [{id: app, sha256: "%(sha256)s"}]}}
telemetry: {otlp: {endpoint: "%(collector)s", zone: home, every: 300ms}}
server: {ledger: "%(folder)s/ledger.sqlite", port: 0, metrics: {port: 0}}
"""


def _can_trace() -> bool:
    if STRACE is None:
        return False
    return subprocess.run([STRACE, *_GUARD, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not _can_trace(), reason="strace cannot watch processes here")


class Watched:
    """A process under the guard."""

    def __init__(self, folder: Path, *command: str) -> None:
        self._log = folder / "calls"
        self._alive, held = os.pipe()  # whoever is left of it holds the other end, and so does the recorder
        try:
            self.process = subprocess.Popen(
                [str(STRACE), *_GUARD, "-o", str(self._log), *command],
                cwd=ROOT,
                env=environ(200),
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=[held],
            )
        finally:
            os.close(held)

    def seen(self) -> list[str]:
        """Every IP address that it named to the kernel, once it and its recorder, a process apart, have ended."""
        with os.fdopen(self._alive, "rb") as alive:
            ended, _, _ = select.select([alive], [], [], 60)
        assert ended, "it or its recorder has not ended"
        return [v4 or v6 for v4, v6 in _ADDRESS.findall(self._log.read_text())]


def served(config: Path) -> Watched:
    """`weir serve` under the guard."""
    return Watched(config.parent, *WEIR, "serve", "--config", str(config))


def asked(url: str, key: str, body: dict[str, Any] | None = None) -> int:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)  # noqa: S310  # loopback
    request.add_header("authorization", f"Bearer {key}")
    request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # loopback
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_guard_sees_who_knocks_outside(tmp_path: Path) -> None:
    """A broadcast address takes no TCP, so nothing leaves, and yet it was asked for."""
    knock = (
        "import asyncio, uvloop\n"
        "async def main():\n"
        "    try: await asyncio.get_running_loop().create_connection(asyncio.Protocol, '255.255.255.255', 9)\n"
        "    except OSError: pass\n"
        "uvloop.run(main())"
    )
    watched = Watched(tmp_path, sys.executable, "-c", knock)
    watched.process.communicate(timeout=60)
    assert watched.seen() == ["255.255.255.255"]


async def test_no_connection_leaves_the_machine(tmp_path: Path) -> None:
    key, config = keys.create(), tmp_path / "weir.yaml"
    async with Sandbox(tokens_per_second=2000) as sandbox:
        with collecting() as collector:
            await lived(sandbox, collector, config, key)
    assert collector.spans, "it told its collector"


async def lived(sandbox: Sandbox, collector: StandInCollector, config: Path, key: str) -> None:
    policy = POLICY % {
        "vllm": sandbox.vllm.url,
        "openai": sandbox.openai.url,
        "collector": collector.url,
        "sha256": keys.digest(key),
        "folder": config.parent,
    }
    await asyncio.to_thread(config.write_text, policy)
    watched = served(config)
    process = watched.process
    assert process.stderr is not None
    try:
        await asyncio.to_thread(_live, process, sandbox, config, policy, key, asyncio.get_running_loop())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stderr.close()
    found = watched.seen()
    assert found, "it spoke to its engines"
    assert {each for each in found if not ip_address(each).is_loopback} == set()


def _live(
    process: subprocess.Popen[str],
    sandbox: Sandbox,
    config: Path,
    policy: str,
    key: str,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """A day in its life: requests, failures, an explicit name, scrapes, a reload, prices, the end."""
    assert process.stderr is not None
    said = read_until(process.stderr, "listens on")
    url, metrics = re.findall(r"http://[0-9.]+:\d+(?:/metrics)?", said)[:2]
    chat = f"{url}/v1/chat/completions"
    body = {"model": "auto", "messages": [{"role": "user", "content": "My SSN is 536-22-8741."}]}
    assert asked(chat, key, body) == 200
    assert asked(chat, key, {**body, "model": "gpt"}) == 200
    assert asked(f"{url}/v1/models", key) == 200
    asyncio.run_coroutine_threadsafe(sandbox.vllm.fault("503"), loop).result(10)
    assert asked(chat, key, {**body, "stream": True}) == 200
    asyncio.run_coroutine_threadsafe(sandbox.vllm.fault("none"), loop).result(10)
    prices = config.with_name("prices.yaml")
    prices.write_text((ROOT / "config" / "prices.yaml").read_text())
    config.write_text(policy.replace("server: {", f'server: {{prices: "{prices}", '))
    process.send_signal(signal.SIGHUP)
    time.sleep(1.5)  # engines' pages are read once a second
    assert asked(chat, key, body) == 200
    assert asked(metrics, key) == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.mark.parametrize("used_by", ["nobody", "the collector"])
def test_a_zone_outside_is_refused_before_anything_listens(tmp_path: Path, used_by: str) -> None:
    config = tmp_path / "weir.yaml"
    policy = POLICY % {
        "vllm": "http://127.0.0.1:1",
        "openai": "http://127.0.0.1:2",
        "collector": "http://127.0.0.1:3",
        "sha256": "0" * 64,
        "folder": tmp_path,
    }
    policy = policy.replace("zones: {home", "zones: {cloud: {inside: false}, home")
    if used_by == "the collector":
        policy = policy.replace('3", zone: home', '3", zone: cloud')
    config.write_text(policy)
    watched = served(config)
    _, said = watched.process.communicate(timeout=60)
    assert watched.process.returncode == 1
    assert "outside, and `air_gapped: true` admits none" in said
    assert watched.seen() == []
