"""Presidio in a process of its own, behind a whole Weir: what it finds raises labels, and it can break nothing."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sandboxed import HELLO, POLICY, Sandboxed
from tests.integration.waiting import until

ROOT = Path(__file__).parents[2]
LICENCE = [{"role": "user", "content": "He shows medical certificate BB1388568 at the door."}]
LONG = [{"role": "user", "content": "Room 12 of 345 costs 67.80, or 91.20 with 3 of 4 meals. " * 12_000}]


def interpreter() -> str:
    """A Python that has Presidio: the one of these tests, or that of `make presidio`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weir"
    needs = hashlib.sha256((ROOT / "requirements/presidio.txt").read_bytes()).hexdigest()[:12]
    apart = cache / f"presidio-{needs}"
    if (apart / ".complete").is_file():
        return str(apart / "bin/python")
    if (
        subprocess.run([sys.executable, "-c", "import presidio_analyzer"], capture_output=True).returncode
        == 0
    ):
        return sys.executable
    pytest.skip("Presidio is not installed (make presidio)")


class WithPresidio(Sandboxed):
    """A Weir that asks Presidio, too."""

    def process(self) -> int:
        """The number of Presidio's process."""
        return int(self.service.runtime.panel._turns[0][0].detector._apart.start()._process.pid)  # type: ignore[attr-defined]  # as built


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithPresidio]:
    detectors = f"""
sensitivity:
  levels: {{US_DEA: confidential}}
  detectors:
    - {{name: names, kind: presidio, python: "{interpreter()}", languages: [en, de], deadline: 5s}}
"""
    running = WithPresidio(tmp_path_factory.mktemp("weir"), POLICY + detectors)
    yield running
    running.stop()


def test_what_it_finds_stays_home(weir: WithPresidio) -> None:
    status, headers, _ = weir.ask(HELLO, model="gpt")
    assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
    status, headers, _ = weir.ask(LICENCE)
    assert (status, headers["x-weir-zone"], headers["x-weir-sensitivity"]) == (200, "home", "confidential")
    row = weir.rows("requests")[-1]
    assert json.loads(row["types"]) == {"US_DEA": 1}
    assert json.loads(row["rules"])[-1] == "detector names"
    assert weir.ask(LICENCE, model="gpt")[0] == 403


def test_what_it_is_too_slow_for_counts_as_the_highest_and_the_next_request_is_judged(
    weir: WithPresidio,
) -> None:
    process = weir.process()
    assert weir.ask(LONG, model="gpt")[0] == 403
    row = weir.rows("requests")[-1]
    assert (row["level"], json.loads(row["detectors_failed"])) == ("restricted", ["names"])
    status, headers, _ = weir.ask(HELLO, model="gpt")
    assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
    assert weir.process() == process


def test_a_process_that_is_gone_means_the_highest_until_it_is_back(weir: WithPresidio) -> None:
    os.kill(weir.process(), signal.SIGKILL)

    def judged_again() -> bool:
        if weir.ask(HELLO, model="gpt")[0] == 200:
            return True
        assert weir.rows("requests")[-1]["level"] == "restricted"
        return False

    until(judged_again)


def test_a_reload_takes_another_one_and_ends_the_first(weir: WithPresidio) -> None:
    first = weir.process()
    text = weir.config.read_text().replace(weir._common, "")
    weir.write(text.replace("deadline: 5s", "deadline: 6s, score: 0.9"))
    weir.wait_for_policy_change()
    assert weir.process() != first
    assert weir.ask(HELLO, model="gpt")[0] == 200


def test_a_model_that_is_not_installed_is_a_refused_start(tmp_path: Path) -> None:
    detectors = (
        f'\nsensitivity: {{detectors: [{{name: names, kind: presidio, python: "{interpreter()}",'
        " spacy_models: {en: en_none}}]}\n"
    )
    running = WithPresidio.__new__(WithPresidio)  # so that what has started can be stopped
    try:
        with pytest.raises(OSError, match="there is no spaCy model `en_none`"):
            running.__init__(tmp_path, POLICY + detectors)  # type: ignore[misc]  # as above
    finally:
        running.run(running.sandbox.stop())
        running.stop_loop()
