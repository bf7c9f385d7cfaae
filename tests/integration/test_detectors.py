"""A further detector can raise a label; one that fails in any way means the highest; none sees what may not leave."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.sandbox.http import Listener, Reply, Request
from tests.integration.sandboxed import HELLO, POLICY, SECRET, Sandboxed

HERON = [{"role": "user", "content": "Tell me of the heron."}]


class StandInDetector:
    """Finds `heron`; `mode` says how it behaves."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.seen: list[Any] = []
        self.listener = Listener(self._answer)

    async def _answer(self, request: Request, reply: Reply) -> None:
        asked = json.loads(request.body)
        self.seen.append(asked)
        if self.mode == "hang":
            await asyncio.sleep(60)  # or until whoever asked has gone
        answers: dict[str, Any] = {
            "words": "nonsense",
            "nowhere": {"spans": [{"type": "CUSTOM_TERM", "segment": 99, "start": 0, "end": 1}]},
            "backwards": {"spans": [{"type": "CUSTOM_TERM", "segment": 0, "start": 3, "end": 1}]},
            "nothing": {},
        }
        found = [
            {"type": "CUSTOM_TERM", "segment": i, "start": at, "end": at + 5}
            for i, each in enumerate(asked.get("segments", ()))
            if (at := each["text"].find("heron")) >= 0
        ]
        if "text" in asked:
            at = asked["text"].find("Jane")
            person = {"entity_type": "PERSON", "start": at, "end": at + 4, "score": 0.9}
            await reply.json(200, [person] if at >= 0 else [])
            return
        answer = answers.get(self.mode, {"spans": found})
        await reply.json(500 if self.mode == "500" else 200, answer)


DETECTORS = """
sensitivity:
  detectors:
    - {name: here, url: "${HOME_DETECTOR}/scan", zone: home, deadline: 3s}
    - {name: there, url: "${AWAY_DETECTOR}/scan", zone: openai, deadline: 30s}
    - {name: people, kind: presidio, url: "${PRESIDIO}/analyze", zone: home, deadline: 30s}
"""


class Detected(Sandboxed):
    """A Weir with three detectors: one at home, one outside, and one at home that speaks as Presidio does."""

    def before_start(self) -> None:
        super().before_start()
        self.home, self.away, self.presidio = self.detectors = [StandInDetector() for _ in range(3)]
        for name, each in zip(("HOME_DETECTOR", "AWAY_DETECTOR", "PRESIDIO"), self.detectors, strict=True):
            self.run(each.listener.open())
            self.environ[name] = each.listener.url

    def stop(self) -> None:
        for each in self.detectors:
            self.run(each.listener.close())
        super().stop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detected]:
    running = Detected(tmp_path_factory.mktemp("weir"), POLICY + DETECTORS)
    yield running
    running.stop()


@pytest.fixture
def weir(whole: Detected) -> Detected:
    whole.calm()
    for each in whole.detectors:
        each.mode = "ok"
        each.seen.clear()
    return whole


def test_what_all_detectors_find_harmless_may_leave(weir: Detected) -> None:
    status, headers, _ = weir.ask(HELLO, model="gpt")
    assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
    assert len(weir.home.seen) == len(weir.away.seen) == len(weir.presidio.seen) == 1


def test_a_detector_raises_the_label_and_those_outside_are_not_shown_it(weir: Detected) -> None:
    assert weir.ask(HERON, model="gpt")[0] == 403
    assert len(weir.home.seen) == 1
    assert weir.away.seen == []
    assert len(weir.sandbox.openai.received) == 0
    assert weir.ask(SECRET)[0] == 200
    assert weir.away.seen == []


@pytest.mark.parametrize("mode", ["500", "words", "nowhere", "backwards", "nothing", "hang"])
def test_one_that_does_not_judge_means_the_highest(weir: Detected, mode: str) -> None:
    weir.home.mode = mode
    assert weir.ask(HELLO, model="gpt")[0] == 403
    assert len(weir.sandbox.openai.received) == 0
    row = weir.rows("requests")[-1]
    assert row["level"] == "restricted"
    assert "here" in json.loads(row["detectors_failed"])


def test_a_person_alone_keeps_nothing_home(weir: Detected) -> None:
    status, headers, _ = weir.ask([{"role": "user", "content": "Who was Jane Austen?"}], model="gpt")
    assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
    assert json.loads(weir.rows("requests")[-1]["types"]) == {"PERSON": 1}
