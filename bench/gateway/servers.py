"""The processes under test: started, pinned to a core each, waited for, and ended."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.access import keys

ROOT: Final = Path(__file__).resolve().parents[2]
PURE: Final = "Python"
COMPILED: Final = "compiled"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_READY: Final = 30.0  # seconds

_NGINX: Final = """\
worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""

_WEIR: Final = """\
site: home
zones: {{home: {{inside: true, jurisdiction: EU}}, away: {{inside: true, jurisdiction: US}}}}
backends:
  gpu:  {{kind: vllm, zone: home, replicas: ["http://127.0.0.1:{upstream}"], gpus: 1, usd_per_gpu_hour: 2.10,
         max_connections: 1024}}
  far:  {{kind: openai, zone: away, replicas: ["http://127.0.0.1:{upstream}"], api_key: none, max_connections: 1024}}
models:
  small: {{backend: gpu, upstream: bench, context: 16777216, can: [tools, json_schema]}}
  large: {{backend: far, upstream: bench, context: 16777216, can: [tools, json_schema, files, vision]}}
aliases: {{bench: routed, files: large}}
boundaries: [{{name: stays-home, data: {{at_least: confidential}}, only: {{jurisdiction: [EU]}}}}]
routes:
  - {{name: hard, when: {{complexity: {{at_least: 0.9}}}}, use: [large], on_failure: [small]}}
  - {{name: everyday, use: [small], on_failure: [large]}}
tenants: {{bench: {{keys: [{{id: bench, sha256: "{digest}"}}]}}}}
server: {{log_level: warning, ledger: "{folder}/ledger.sqlite", shutdown_grace: 1s, metrics: {{port: {metrics}}}}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """One process under test."""

    name: str
    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time it has used so far, user and system, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command, held to one core (None: wherever the kernel likes)."""
    return list(command) if core is None else ["taskset", "-c", str(core), *command]


@contextmanager
def upstream(core: int | None) -> Iterator[Server]:
    """The mock upstream."""
    port = free_port()
    command = [sys.executable, "-m", "bench.gateway.upstream", str(port)]
    with _running("upstream", pinned(command, core), port) as server:
        yield server


@contextmanager
def nginx(behind: Server, folder: Path, core: int | None) -> Iterator[Server | None]:
    """nginx in front of the upstream, as the yardstick; None where it is not installed."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        yield None
        return
    port, folder = free_port(), folder / "nginx"
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, upstream=behind.url.rpartition(":")[2]))
    with _running("nginx", pinned([binary, "-c", str(config), "-p", str(folder)], core), port) as server:
        yield server


@contextmanager
def weir(
    behind: Server, folder: Path, key: str, core: int | None, *, packages: Path | None = None
) -> Iterator[Server]:
    """Weir in front of the upstream, with everything on: the checkout's, or what lies compiled in `packages`."""
    name = PURE if packages is None else COMPILED
    port, config = free_port(), weir_configuration(behind, folder / name, key)
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config), "--port", str(port)]
    own = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
    with _running(name, pinned(command, core), port, own, packages or ROOT) as server:
        yield server


def weir_configuration(behind: Server, folder: Path, key: str) -> Path:
    """The file that Weir is run with: two zones, a boundary, two routes, one tenant with this key."""
    folder = folder / "weir"
    folder.mkdir(parents=True)
    text = _WEIR.format(
        upstream=behind.url.rpartition(":")[2], digest=keys.digest(key), folder=folder, metrics=free_port()
    )
    config = folder / "weir.yaml"
    config.write_text(text)
    return config


@contextmanager
def _running(
    name: str, command: list[str], port: int, environ: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[Server]:
    process = subprocess.Popen(
        command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(name, process, command, port)
        yield Server(name, f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(name: str, process: subprocess.Popen[bytes], command: list[str], port: int) -> None:
    end = time.monotonic() + _READY
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended at its start with {process.returncode}: {' '.join(command)}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{name} did not listen on port {port} within {_READY:.0f} s")
