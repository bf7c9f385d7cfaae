"""`weir gpu calibrate` against engines: the stand-in, whose costs are known, and a real vLLM."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

import pytest
import yaml
from click.testing import CliRunner, Result

from gateway.app.costs import first_guess
from gateway.cli.root import weir
from gateway.configuration.loading import load
from gateway.sandbox.engine import Speed
from gateway.sandbox.sandbox import Sandbox
from tests.integration.engines import RealVllm

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
RATE = 100.0  # tokens a second: steps long enough for a clock on a busy machine


class Engine:
    """A stand-in vLLM on a loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stand-in")
        self._thread.start()
        self.sandbox = Sandbox(tokens_per_second=RATE)
        self.run(self.sandbox.start())
        self.late: list[float] = []  # seconds by which each step took longer than it was to
        self.sandbox.vllm.engine._sleep = self._step
        self.url = self.sandbox.environ()["WEIR_SANDBOX_VLLM_URL"]

    async def _step(self, seconds: float) -> None:
        begun = time.perf_counter()
        await asyncio.sleep(seconds)
        self.late.append(time.perf_counter() - begun - seconds)

    def run(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def stop(self) -> None:
        self.run(self.sandbox.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    running = Engine()
    yield running
    running.stop()


def calibrate(*arguments: str) -> Result:
    return CliRunner().invoke(weir, ["gpu", "calibrate", *arguments])


def test_a_stand_in_s_costs_are_found(engine):
    """Those that it had: a busy machine makes each of its steps longer."""
    engine.late.clear()
    result = calibrate("--url", engine.url, "--samples", "3", "--output", "8", "--json")
    assert result.exit_code == 0, result.output
    found, truth = json.loads(result.stdout), Speed.of(RATE)
    assert found["gpu_costs"]["step"] == pytest.approx(truth.step + median(engine.late), rel=0.4)
    assert found["gpu_costs"]["prompt"] == pytest.approx(truth.prompt_token, rel=0.4)
    assert (
        found["fitted"]["step"]["low"] <= found["fitted"]["step"]["value"] <= found["fitted"]["step"]["high"]
    )
    assert found["samples"] == 15
    assert not found["disturbed"]
    assert "15 requests" in result.stderr


CONFIG = """
site: home
server: {{ledger: "{folder}/ledger.sqlite"}}
zones: {{home: {{inside: true, jurisdiction: EU}}}}
backends:
  gpu-a: {{kind: vllm, zone: home, replicas: ["{url}"]}}
models: {{llama: {{backend: gpu-a, upstream: meta-llama/Llama-3.1-8B-Instruct, context: 131072}}}}
aliases: {{auto: routed}}
routes: [{{name: everyday, use: [llama]}}]
"""


def test_what_it_prints_can_be_pasted(engine, tmp_path):
    policy = CONFIG.format(url=engine.url, folder=tmp_path)
    (tmp_path / "weir.yaml").write_text(policy)
    result = calibrate(
        "gpu-a", "--config", str(tmp_path), "--samples", "2", "--output", "4", "--longest", "2000"
    )
    assert result.exit_code == 0, result.output
    pasted = yaml.safe_load(policy)
    pasted["backends"]["gpu-a"] |= yaml.safe_load(result.stdout)["backends"]["gpu-a"]
    (tmp_path / "weir.yaml").write_text(yaml.safe_dump(pasted))
    settings = load([tmp_path], {}, datetime.now(UTC).date()).backends["gpu-a"]
    assert first_guess(settings).source == "gpu_costs"
    assert settings.gpu_costs[0] == pasted["backends"]["gpu-a"]["gpu_costs"]["step"]


def test_a_busy_engine_is_not_measured(engine):
    address = engine.url.removeprefix("http://").split(":")
    body = json.dumps({"model": MODEL, "prompt": "x", "max_tokens": 9000, "ignore_eos": True, "stream": True})
    head = f"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    with socket.create_connection((address[0], int(address[1])), timeout=10) as busy:
        busy.sendall(f"{head}\r\n\r\n{body}".encode())
        busy.recv(4096)
        result = calibrate("--url", engine.url)
    assert result.exit_code == 1
    assert "serves 1 other requests" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--url", "http://127.0.0.1:9"], "cannot be measured"),
        (["gpu-z", "--config", "{config}"], "gpu-a"),
        (["--url", "{url}", "--model", "nobody"], "serves no model 'nobody'"),
        (["--url", "{url}", "--api-key-env", "WEIR_NO_SUCH_KEY"], "WEIR_NO_SUCH_KEY is empty"),
    ],
)
def test_what_cannot_be_measured_is_said(engine, tmp_path, arguments, says):
    (tmp_path / "weir.yaml").write_text(CONFIG.format(url=engine.url, folder=tmp_path))
    result = calibrate(*(each.format(url=engine.url, config=tmp_path) for each in arguments))
    assert result.exit_code != 0
    assert says in result.output


@pytest.mark.vllm
@pytest.mark.timeout(420)
def test_a_real_vllm_is_calibrated(vllm: RealVllm) -> None:
    result = calibrate("--url", vllm.url, "--samples", "2", "--output", "16", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    step = found["fitted"]["step"]  # of ten samples beside other work: how sure it is differs from run to run
    assert 0 <= step["low"] <= step["value"] <= step["high"] < 1
    assert 0 <= found["gpu_costs"]["prompt"] < 1
    assert found["samples"] == 10
