"""What is built for a configuration that turns out to be unusable is let go of again."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.app import build
from gateway.configuration.loading import load
from gateway.configuration.settings import DetectorSettings, PresidioSettings
from gateway.configuration.snapshot import Snapshot
from gateway.detectors.forks import Unready
from gateway.detectors.presidio import PresidioDetector

POLICY = """
site: home
zones: {home: {inside: true}}
backends: {gpu-a: {kind: vllm, zone: home, replicas: ["http://127.0.0.1:1"]}}
models: {small: {backend: gpu-a}}
routes: [{name: all, use: [small]}]
"""


class Loaded(PresidioDetector):
    """One whose interpreter is there, with no process of its own."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]  # in place of the real one's
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    file = tmp_path / "weir.yaml"
    file.write_text(POLICY)
    return load([file], {}, date(2026, 11, 21))


def test_detectors_that_were_loaded_before_one_that_cannot_be_end(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Loaded] = []

    def detector(settings: DetectorSettings) -> Loaded:
        if settings.name == "broken":
            raise Unready("pip install it")
        made.append(Loaded(settings.name))
        return made[-1]

    monkeypatch.setattr(build, "detector", detector)
    names = ("first", "second", "broken")
    three = tuple(DetectorSettings(each, "presidio", None, "home", 1.0, PresidioSettings()) for each in names)
    with pytest.raises(Unready, match="pip install it"):
        build.panel(replace(snapshot, sensitivity=replace(snapshot.sensitivity, detectors=three)))
    assert [(each.name, each.closed) for each in made] == [("first", True), ("second", True)]
    build.panel(replace(snapshot, sensitivity=replace(snapshot.sensitivity, detectors=three[:2])))
    assert [each.closed for each in made[2:]] == [False, False]
