"""A whole Weir begins with the costs it knows, says where they come from, and keeps what was learned."""

import json
import logging

from gateway.app.costs import LearnedCosts
from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import Coefficients
from gateway.metering.gpu.learning import Learner
from tests.integration.sandboxed import HELLO, POLICY, Sandboxed

COSTS = Coefficients(0.007, 4e-5, 4e-8, 1e-6)
MEASURED = POLICY.replace(
    "gpu: H100,", "gpu: H100, gpu_costs: {step: 0.007, prompt: 4.0e-5, context: 4.0e-8, attention: 1.0e-6},"
)
NAME = "meta-llama/Llama-3.1-8B-Instruct on 1 H100"


def test_what_was_learned_outlives_the_process(tmp_path, caplog):
    learner = Learner(COSTS)
    for window in range(30):
        learner.add(window, 0.9, Counted(steps=90, computed=3_000, generated=2_000, context=1e6))
    kept = tmp_path / "ledger.gpu-costs.json"
    LearnedCosts(kept).save({NAME: learner.memory})
    with caplog.at_level(logging.INFO, "weir.gpu"):
        running = Sandboxed(tmp_path, MEASURED)
        running.post({"model": "llama", "messages": HELLO})
        running.stop()
    assert "gpu-a: GPU costs begin from gpu_costs" in caplog.text
    assert json.loads(kept.read_bytes())["engines"][NAME]["groups"] >= learner.groups


def test_an_engine_nobody_described_begins_neutral_and_says_so(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "weir.gpu"):
        Sandboxed(tmp_path).stop()
    assert "neither `gpu_costs` nor `model_config` is set" in caplog.text
    assert not (tmp_path / "ledger.gpu-costs.json").exists()
