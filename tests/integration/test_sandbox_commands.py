"""`weir demo` and `weir sandbox` as a person runs them: processes, ports, signals, and what they print."""

import json
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.integration.commands import ROOT, WEIR, environ, read_until, running


def test_the_demo_shows_what_weir_is_for_and_ends_by_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [*WEIR, "demo", "--port", "0"],
        cwd=tmp_path,
        env={**environ(80), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert max(map(len, said.splitlines()[:60])) <= 80
    for expected in (
        "stand-ins",
        "everyday → llama-8b",
        "hard → gpt-5",
        "hard → claude-sonnet",
        "everyday → gpt-5-mini",
        "nowhere (50",
        "restricted (US_SSN)",
        "boundary stays-home",
        "gpt-5 was too busy",
        "llama-8b could not be",
        "the client hung up",
        "VLLM_URL",
    ):
        assert expected in said, f"{expected!r} is missing:\n{said}"
    with_personal_data = re.findall(r"went to (.*)\n\s+label   restricted", said)
    assert len(with_personal_data) == 2
    assert all("home" in where for where in with_personal_data)
    gpu = re.search(r"GPU time: (.*?) = ([\d.]+) s\s+provisioned", said, re.S)
    assert gpu is not None, said
    assert sum(map(float, re.findall(r"([\d.]+)\s+s\s", gpu[1]))) == pytest.approx(float(gpu[2]), abs=0.003)
    assert list(tmp_path.iterdir()) == [], "the demo left something behind"
    assert done.stderr == ""


def test_the_demo_stays_up_beside_whatever_holds_its_port() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        with running("demo", "--stay", "--port", str(taken)) as (process, out):
            said = read_until(out, "Ctrl-C ends it")
            assert f"Port {taken} is taken" in said
            base, key = re.search(r"base URL\s+(\S+)", said), re.search(r"API key\s+(\S+)", said)
            assert base is not None
            assert key is not None
            body = {"model": "auto", "messages": [{"role": "user", "content": "Hello there!"}]}
            request = urllib.request.Request(  # noqa: S310  # its own loopback URL
                f"{base[1]}/chat/completions",
                json.dumps(body).encode(),
                {"authorization": f"Bearer {key[1]}", "content-type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # its own loopback URL
                assert answer.headers["x-weir-route"] == "everyday"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def test_the_sandbox_prints_where_it_is_and_ends_on_a_signal() -> None:
    with running("sandbox") as (process, out):
        said = read_until(out, "Ctrl-C ends them")
        urls = dict(re.findall(r"(vllm|openai|anthropic)\s*│ (http://127\.0\.0\.1:\d+)", said))
        assert urls.keys() == {"vllm", "openai", "anthropic"}
        with urllib.request.urlopen(f"{urls['vllm']}/v1/models", timeout=10) as answer:  # noqa: S310  # as above
            assert answer.headers["server"] == "weir-sandbox"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_the_sandbox_says_which_port_is_taken() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = subprocess.run(
            [*WEIR, "sandbox", "--vllm-port", str(port)],
            env=environ(80),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr
