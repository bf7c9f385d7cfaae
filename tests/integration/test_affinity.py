"""A conversation keeps its replica and its model through a whole Weir, and moves where it must."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.engine import Speed
from gateway.sandbox.vllm import VllmStandIn
from gateway.sandbox.vllm_flags import VllmSettings
from tests.integration.redises import SERVER
from tests.integration.sandboxed import HELLO, POLICY, SECRET, Sandboxed
from tests.integration.sharing import two_gateways
from tests.integration.waiting import until

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
    for each in range(16):
        answers = talk(weir, f"My boat number {each} leaks.", 3, system=SYSTEM)
        for answer in answers[1:]:
            assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    went = replicas_of(weir)
    assert all(len(set(went[at : at + 3])) == 1 for at in range(0, 48, 3))
    assert min(weir.asked()) >= 3, "all conversations went to one engine"
    assert weir.scraped()['weir_affinity_replicas_total{outcome="kept"}'] == 48


def test_turns_go_to_one_replica_without_a_system_prompt_too(weir: TwoEngines) -> None:
    for each in range(16):
        talk(weir, f"My boat number {each} leaks.", 3)
    went = replicas_of(weir)
    assert all(len(set(went[at : at + 3])) == 1 for at in range(0, 48, 3))
    assert len(set(went)) == 2, "all conversations went to one engine"


def test_a_named_conversation_keeps_its_replica_whatever_its_turns_show(weir: TwoEngines) -> None:
    for each in range(16):
        for turn in range(3):
            talk(weir, f"Turn {turn} by itself", 1, x_weir_conversation=f"named-{each}")
    went = replicas_of(weir)
    assert all(len(set(went[at : at + 3])) == 1 for at in range(0, 48, 3))
    assert len(set(went)) == 2


def test_one_conversation_that_asks_much_at_once_is_spread(weir: TwoEngines) -> None:
    for engine in weir.engines:
        weir.run(engine.fault("held"))
    with ThreadPoolExecutor(16) as pool:
        asking = [pool.submit(talk, weir, "all at once", 1, x_weir_conversation="busy") for _ in range(16)]
        until(lambda: sum(weir.asked()) == 16)
        for engine in weir.engines:
            weir.run(engine.fault("none"))
        for each in asking:
            each.result()
    assert min(weir.asked()) >= 4
    assert weir.scraped()['weir_affinity_replicas_total{outcome="busy"}'] >= 4


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
        assert all(count == 0 for name, count in weir.scraped().items() if "replicas" in name)
    finally:
        weir.stop()


HARDEST = POLICY.replace("when: {workflow: hard}", "when: {complexity: {at_least: 0.25}}").replace(
    "{name: everyday, use: [llama], on_failure: [gpt]}", "{name: everyday, use: [llama]}"
)
EASY = HELLO
HARD: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": "Prove that every bounded sequence of real numbers has a convergent subsequence, then derive the"
        " regret bound of follow-the-regularised-leader step by step and write a lock-free queue in C++ with a proof"
        " of linearizability.",
    }
]


@pytest.fixture
def routed(tmp_path: Path) -> Iterator[Sandboxed]:
    running = Sandboxed(tmp_path, HARDEST)
    yield running
    running.stop()


def model(weir: Sandboxed, messages: list[dict[str, Any]], **more: Any) -> tuple[str, list[str]]:
    """Which model answered, and the reasons that concern the conversation."""
    status, headers, answer = weir.ask(messages, x_weir_debug="1", **more)
    assert status == 200
    reasons = answer["weir"]["decision"]["reasons"]
    return headers["x-weir-model"], [
        each for each in reasons if each.startswith(("kept", "moved", "routed as"))
    ]


def test_a_conversation_moves_up_with_a_harder_turn_and_not_down(routed: Sandboxed) -> None:
    assert model(routed, EASY) == ("llama", [])
    assert model(routed, HARD) == ("gpt", [])
    name = {"x_weir_conversation": "climbs"}
    assert model(routed, EASY, **name) == ("llama", [])
    assert model(routed, EASY, **name) == ("llama", ["kept: the conversation's model is llama"])
    assert model(routed, HARD, **name) == (
        "gpt",
        ["moved from llama to gpt: this turn is harder than those before"],
    )
    for _ in range(3):
        went, reasons = model(routed, EASY, **name)
        assert went == "gpt"
        assert reasons[0].startswith("routed as the conversation's hardest turn: ")
        assert reasons[1:] == ["kept: the conversation's model is gpt"]
    assert model(routed, EASY, x_weir_conversation="another") == ("llama", [])
    body = {"model": "auto", "messages": EASY}
    _, headers, _ = routed.post(body, key=routed.other_key, x_weir_conversation="climbs")
    assert headers["x-weir-model"] == "llama", "another tenant's conversation of that name"
    rows = routed.rows("requests")
    assert rows[5]["complexity"] < 0.33, "a row has the turn's own score"
    assert any("kept:" in each for each in json.loads(rows[5]["reasons"]))


def test_a_label_that_rises_moves_it_home_for_good(routed: Sandboxed) -> None:
    name = {"x_weir_conversation": "home"}
    assert model(routed, HARD, **name)[0] == "gpt"
    went, reasons = model(routed, SECRET, **name)
    assert went == "llama"
    assert reasons[-1] == "moved from gpt to llama: that may not or cannot take it now"
    assert model(routed, HARD, **name)[0] == "llama"


def test_a_fallback_answers_for_its_turn_only(routed: Sandboxed) -> None:
    name = {"x_weir_conversation": "back"}
    assert model(routed, HARD, **name)[0] == "gpt"
    routed.run(routed.sandbox.openai.fault("500", count=1))
    assert model(routed, EASY, **name)[0] == "claude"
    assert model(routed, EASY, **name)[0] == "gpt"


def test_a_model_that_an_answer_escalated_to_is_kept(tmp_path: Path) -> None:
    rule = "use: [llama], escalate: {to: [claude], on: [empty]}}"
    policy = POLICY.replace("use: [llama], on_failure: [gpt]}", rule)
    weir = Sandboxed(tmp_path, policy)
    try:
        name = {"x_weir_conversation": "escalates"}
        weir.run(weir.sandbox.vllm.fault("empty", count=1))
        assert model(weir, EASY, **name)[0] == "claude"
        assert model(weir, EASY, **name) == ("claude", ["kept: the conversation's model is claude"])
    finally:
        weir.stop()


def test_a_reload_that_takes_the_model_away_moves_it(routed: Sandboxed) -> None:
    name = {"x_weir_conversation": "reloaded"}
    assert model(routed, HARD, **name)[0] == "gpt"
    routed.write(HARDEST.replace("use: [gpt], on_failure: [claude, llama]", "use: [claude, gpt]"))
    routed.wait_for_policy_change()
    assert model(routed, EASY, **name)[0] == "gpt", "the route has another order for others only"
    routed.write(HARDEST.replace("use: [gpt], on_failure: [claude, llama]", "use: [claude]"))
    routed.wait_for_policy_change()
    assert model(routed, EASY, **name)[0] == "claude"
    routed.write(f"{HARDEST}affinity: {{model: false}}\n")
    routed.wait_for_policy_change()
    assert model(routed, EASY, **name) == ("llama", [])


@pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
def test_gateways_share_it_and_do_without(tmp_path: Path) -> None:
    with two_gateways(tmp_path, HARDEST, "{labels: allow}") as (redis, one, two):
        assert model(one, HARD, x_weir_conversation="shared")[0] == "gpt"
        until(lambda: model(two, EASY, x_weir_conversation="shared")[0] == "gpt")
        redis.stop()
        assert model(two, EASY, x_weir_conversation="shared") == ("llama", [])
