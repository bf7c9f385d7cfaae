"""Starts a real vLLM for the tests that want one, and stops it by process id."""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
READY_SECONDS = 240


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RealVllm:
    """One vLLM server on loopback with the tiny model of shared/vllm. `start`, `kill` and `start` again."""

    def __init__(self, log: Path) -> None:
        needs = SHARED / "vllm" / "requirements-vllmcpu.txt"
        if not needs.exists():
            pytest.skip("shared/vllm is missing: no real vLLM to test against")
        digest = hashlib.sha256(needs.read_bytes()).hexdigest()[:12]
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._python = cache / "weir" / f"vllm-{digest}" / "bin" / "python"
        if not (self._python.parents[1] / ".complete").exists():
            pytest.skip("vLLM for CPU is not installed: run `make vllm`")
        self._log = log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "TORCHDYNAMO_DISABLE": "1",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_ENABLE_RESPONSES_API_STORE": "1",
        }
        arguments = (
            "--model", str(SHARED / "vllm" / "tiny"), "--served-model-name", "tiny",
            "--host", "127.0.0.1", "--port", str(self.port),
            "--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "16", "--enforce-eager",
            "--enable-request-id-headers", "--enable-prompt-tokens-details", "--enable-per-request-metrics",
            "--enable-server-load-tracking", "--enable-auto-tool-choice", "--tool-call-parser", "hermes",
            "--override-generation-config", '{"temperature": 0}',  # the same answers in every run
        )  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._python), "-m", "vllm.entrypoints.openai.api_server", *arguments],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._healthy():
            if self._process.poll() is not None:
                pytest.fail(f"vLLM stopped while starting:\n{self._log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"vLLM was not ready in {READY_SECONDS} s:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.5)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:  # noqa: S310  # loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self) -> str:
        """Its whole /metrics page."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310  # loopback
            text: str = answer.read().decode()
            return text

    def kill(self) -> None:
        """kill -9 of the server and its engine process: the session it leads, by id."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
