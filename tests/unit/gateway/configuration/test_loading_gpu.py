"""What a backend's GPU costs begin from, as platform engineers write it."""

import json
from datetime import date

import pytest

from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors

POLICY = """
site: home
zones: {home: {inside: true, jurisdiction: EU}}
backends:
  gpu-a: {kind: vllm, zone: home, replicas: ["http://127.0.0.1:8000"], gpu: H100, gpus: 1, %s}
models: {llama: {backend: gpu-a, upstream: llama, context: 131072}}
aliases: {auto: routed}
routes: [{name: everyday, use: [llama]}]
"""


def loaded(folder, more: str):
    (folder / "weir.yaml").write_text(POLICY % more)
    return load([folder / "weir.yaml"], {}, date(2026, 11, 1)).backends["gpu-a"]


def test_measured_costs_and_a_model_s_shape_are_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 4096}))
    found = loaded(
        tmp_path, "gpu_costs: {step: 0.008, prompt: 3e-5, context: 5.0e-8}, model_config: config.json"
    )
    assert found.gpu_costs == (0.008, 3e-5, 5e-8, 0.0)
    assert found.model_sizes == {"hidden_size": 4096}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("gpu_costs: {step: 0, prompt: 3.0e-5, context: 5.0e-8}", "gpu_costs.step"),
        ("gpu_costs: {step: 1}", "prompt"),
        ("model_config: nowhere.json", "there is no file"),
        ("model_config: weir.yaml", "is not a JSON object"),
    ],
)
def test_mistakes_are_named(tmp_path, more, says):
    with pytest.raises(ConfigurationErrors) as told:
        loaded(tmp_path, more)
    assert says in str(told.value)
