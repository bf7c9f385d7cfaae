"""A small valid configuration in a folder, to change and to load."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors

TODAY = date(2026, 11, 21)

SMALL = """\
site: home
zones:
  home: {inside: true, jurisdiction: EU}
  cloud: {inside: false, jurisdiction: US}
backends:
  gpu: {kind: vllm, zone: home, replicas: [http://10.0.0.1:8000]}
  cloud: {kind: openai, zone: cloud, api_key: "${CLOUD_KEY:-sk-hidden}"}
models:
  small: {backend: gpu, upstream: org/small, context: 8000, can: [tools]}
  large: {backend: cloud}
aliases: {auto: routed}
boundaries:
  - {name: stays-home, data: {at_least: confidential}, only: {inside: true}}
routes:
  - {name: hard, when: {complexity: {at_least: 0.7}}, use: [large], on_failure: [small]}
  - {name: everyday, use: [small]}
tenants:
  acme: {}
"""


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small configuration as weir.yaml."""
    (tmp_path / "weir.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Any]:
    """Load YAML texts, each as a file of its own (a.yaml, b.yaml …)."""

    def build(*texts: str, environ: dict[str, str] | None = None, today: date = TODAY) -> Any:
        for name, text in zip("abcdef", texts, strict=False):
            (tmp_path / f"{name}.yaml").write_text(text)
        return load([tmp_path], environ or {}, today)

    return build


@pytest.fixture
def refused(loaded: Callable[..., Any], tmp_path: Path) -> Callable[..., list[str]]:
    """The problems of YAML texts, as printed, with the folder's name left away."""

    def build(*texts: str, **more: Any) -> list[str]:
        with pytest.raises(ConfigurationErrors) as caught:
            loaded(*texts, **more)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return build
