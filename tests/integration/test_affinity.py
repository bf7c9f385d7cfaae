"""A conversation keeps its replica through a whole Weir, and moves where it must."""

import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.engine import Speed
from gateway.sandbox.vllm import VllmSettings, VllmStandIn
from tests.integration.sandboxed import POLICY, Sandboxed

REPLICAS = POLICY.replace(
    '["${WEIR_SANDBOX_VLLM_URL}"]', '["${WEIR_SANDBOX_VLLM_URL}", "${WEIR_SANDBOX_SECOND_URL}"]'
)
SYSTEM = "You are the assistant of a company that mends boats. " * 20


class TwoEngines(Sandboxed):
    """`engines` are two stand-ins of one vLLM backend."""

    def before_start(self) -> None:
        super().before_start()
        second = VllmStandIn(VllmSettings(speed=Speed.of(2000)))
        self.run(second.start())
        self.engines = (self.sandbox.vllm, second)
        self.environ["WEIR_SANDBOX_SECOND_URL"] = second.url

    def stop(self) -> None:
        self.run(self.engines[1].stop())
        super().stop()

    def asked(self) -> list[int]:
        """How many requests each engine has had."""
        return [len(engine.received) for engine in self.engines]

    def scraped(self) -> dict[str, float]:
        """Every series of affinity."""
        with urllib.request.urlopen(self.service.metrics_url) as answer:  # noqa: S310  # its own loopback URL
            lines = [
                line for line in answer.read().decode().splitlines() if line.startswith("weir_affinity_")
            ]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def weir(tmp_path: Path) -> Iterator[TwoEngines]:
    running = TwoEngines(tmp_path, REPLICAS)
    yield running
    running.stop()


def talk(
    weir: Sandboxed, opening: str, turns: int, /, *, system: str = "", **headers: Any
) -> list[dict[str, Any]]:
    """A conversation of several turns; what came of each."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    answers = []
    for turn in range(turns):
        messages.append({"role": "user", "content": opening if turn == 0 else f"And then, {turn}?"})
        status, _, answer = weir.ask(messages, max_tokens=16, **headers)
        assert status == 200
        messages.append(answer["choices"][0]["message"])
        answers.append(answer)
    return answers


def replicas_of(weir: TwoEngines) -> list[str]:
    return [row["replica"] for row in weir.rows("requests")]


def test_turns_go_to_one_replica_by_their_opening_and_find_its_cache(weir: TwoEngines) -> None:
    for each in range(12):
        answers = talk(weir, f"My boat number {each} leaks.", 3, system=SYSTEM)
        for answer in answers[1:]:
            assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    went = replicas_of(weir)
    assert all(len(set(went[at : at + 3])) == 1 for at in range(0, 36, 3))
    assert min(weir.asked()) >= 3, "all conversations went to one engine"
    assert weir.scraped()['weir_affinity_replicas_total{outcome="kept"}'] == 36


def test_turns_go_to_one_replica_without_a_system_prompt_too(weir: TwoEngines) -> None:
    for each in range(8):
        talk(weir, f"My boat number {each} leaks.", 3)
    went = replicas_of(weir)
    assert all(len(set(went[at : at + 3])) == 1 for at in range(0, 24, 3))


def test_a_named_conversation_keeps_its_replica_whatever_its_turns_show(weir: TwoEngines) -> None:
    for each in range(8):
        for turn in range(3):
            talk(weir, f"Turn {turn} by itself", 1, x_weir_conversation=f"named-{each}")
    went = replicas_of(weir)
    assert all(len(set(went[at : at + 3])) == 1 for at in range(0, 24, 3))
    assert len(set(went)) == 2


def test_one_conversation_that_asks_much_at_once_is_spread(weir: TwoEngines) -> None:
    for engine in weir.engines:
        weir.run(engine.fault("slow", seconds=0.5))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: talk(weir, "all at once", 1, x_weir_conversation="busy"), range(16)))
    assert min(weir.asked()) >= 5
    assert weir.scraped()['weir_affinity_replicas_total{outcome="busy"}'] >= 5


def test_a_conversation_goes_on_elsewhere_when_its_replica_dies(weir: TwoEngines) -> None:
    talk(weir, "My boat leaks.", 1, x_weir_conversation="moves")
    own = weir.asked().index(1)
    weir.run(weir.engines[own].down())
    answers = talk(weir, "My boat leaks.", 5, x_weir_conversation="moves")
    assert len(answers) == 5
    assert weir.asked()[1 - own] == 5
    assert [row["model"] for row in weir.rows("requests")] == ["llama"] * 6
    assert weir.scraped()['weir_affinity_replicas_total{outcome="away"}'] == 5
    weir.run(weir.engines[own].up())
    weir.calm()
    talk(weir, "My boat leaks.", 1, x_weir_conversation="moves")
    assert Counter(replicas_of(weir))[weir.engines[own].url] == 2, "back where it was"


def test_without_affinity_the_least_busy_has_it(tmp_path: Path) -> None:
    weir = TwoEngines(tmp_path, f"{REPLICAS}\naffinity: {{replica: false}}\n")
    try:
        talk(weir, "My boat leaks.", 2, x_weir_conversation="any")
        assert sum(weir.scraped().values()) == 0
    finally:
        weir.stop()
