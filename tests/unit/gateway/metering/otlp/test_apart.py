"""The exporting process is started again, also where that does not succeed at first."""

import sys
import time
from pathlib import Path

import pytest

from gateway.configuration.settings import OtlpSettings
from gateway.ledger.ledger import Ledger
from gateway.metering.otlp import apart
from gateway.metering.otlp.apart import ExporterApart

pytest.importorskip("opentelemetry.proto")


def test_a_process_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_RESTART", 0.01)
    ledger = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "journal")
    exporter = ExporterApart(ledger, "1")
    try:
        with monkeypatch.context() as starved:
            starved.setattr(sys, "executable", str(tmp_path / "no-python"))
            exporter.follow(OtlpSettings("http://127.0.0.1:9/", "home"), {})
            _wait(lambda: "cannot be started" in exporter.trouble)
        _wait(lambda: "cannot be started" not in exporter.trouble)
    finally:
        exporter.close()
        ledger.close()


def _wait(come):  # type: ignore[no-untyped-def]  # a question without arguments
    deadline = time.monotonic() + 30
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.01)
