"""Where learning begins, and that what was learned outlives the process."""

import json
import logging
from decimal import Decimal

import pytest

from gateway.app.costs import LearnedCosts, first_guess
from gateway.configuration.settings import BackendSettings
from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import Coefficients, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.learning import GROUP, Learner

LLAMA = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
}


def backend(**more) -> BackendSettings:
    return BackendSettings("gpu-a", "vllm", "home", ("http://a",), **more)


def test_costs_that_were_measured_come_first():
    guess = first_guess(backend(gpu="H100", model_sizes=LLAMA, gpu_costs=(0.01, 1e-5, 1e-8, 1e-6)))
    assert guess.costs == Coefficients(0.01, 1e-5, 1e-8, 1e-6)
    assert not guess.neutral


@pytest.mark.parametrize("gpu", ["H100", "h100", "NVIDIA H100 80GB HBM3"])
def test_a_model_on_a_known_gpu_has_a_first_guess(gpu):
    one = first_guess(backend(gpu=gpu, gpus=1, model_sizes=LLAMA))
    four = first_guess(backend(gpu=gpu, gpus=4, model_sizes=LLAMA))
    assert one.costs.prompt == pytest.approx(4 * four.costs.prompt)
    assert not one.neutral


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, "neither"),
        ({"model_sizes": LLAMA}, "`gpu` is not set"),
        ({"model_sizes": LLAMA, "gpu": "Voodoo 2"}, "'Voodoo 2' is not known"),
        ({"model_sizes": {"model_type": "x"}, "gpu": "H100"}, "hidden_size"),
    ],
)
def test_what_is_not_known_begins_neutral_and_says_why(facts, says):
    guess = first_guess(backend(**facts))
    assert guess.costs == NEUTRAL
    assert guess.neutral
    assert says in guess.source


def ours(guess: Coefficients = NEUTRAL) -> GpuBackend:
    return GpuBackend("gpu-a", ("http://a",), 1, Decimal(2), guess, engine="llama on 1 H100")


def learner() -> Learner:
    learned = Learner(NEUTRAL)
    for window in range(4 * GROUP):
        learned.add(window, 0.9, Counted(steps=90, computed=3_000, generated=2_000, context=1e6))
    return learned


def test_what_was_learned_comes_back(tmp_path):
    file = LearnedCosts(tmp_path / "costs.json")
    assert file.load([ours()]) == {}
    memory = learner().memory
    file.save({"llama on 1 H100": memory})
    assert LearnedCosts(tmp_path / "costs.json").load([ours()]) == {"llama on 1 H100": memory}
    assert Learner(NEUTRAL, memory).coefficients == learner().coefficients
    assert list(tmp_path.iterdir()) == [tmp_path / "costs.json"]


def test_nothing_learned_writes_nothing(tmp_path):
    LearnedCosts(tmp_path / "costs.json").save({"llama on 1 H100": Learner(NEUTRAL).memory})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-9],
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace('"gram"', '"grams"'),
        lambda text: json.dumps([1]),
        lambda text: text.replace('"noise": 0', '"noise": "loud", "x": 0'),
    ],
)
def test_a_file_that_does_not_fit_is_left_out_and_said(tmp_path, caplog, spoil):
    path = tmp_path / "costs.json"
    LearnedCosts(path).save({"llama on 1 H100": learner().memory})
    path.write_text(spoil(path.read_text()))
    with caplog.at_level(logging.WARNING, "weir.gpu"):
        assert LearnedCosts(path).load([ours()]) == {}
    assert "learned anew" in caplog.text


def test_what_began_elsewhere_is_left_out_and_said(tmp_path, caplog):
    path = tmp_path / "costs.json"
    LearnedCosts(path).save({"llama on 1 H100": learner().memory})
    with caplog.at_level(logging.WARNING, "weir.gpu"):
        assert LearnedCosts(path).load([ours(Coefficients(0.01, 1e-5, 1e-8, 0.0))]) == {}
    assert "another first guess" in caplog.text


async def test_a_disk_that_takes_nothing_is_said_and_borne(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "weir.gpu"):
        await LearnedCosts(tmp_path / "gone" / "costs.json").keep({"x": learner().memory})
    assert "cannot be kept" in caplog.text
