"""A conversation that was sensitive once stays home, whatever its later turns still show."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.explain import explain
from tests.integration.redises import SERVER
from tests.integration.sandboxed import HELLO, POLICY, SECRET, Sandboxed
from tests.integration.sharing import two_gateways

HEALTH = [{"role": "user", "content": "Patient John Miller, MRN: 00482913, was diagnosed with diabetes."}]
EUROPE = """
  - {name: health-in-europe, data: {category: [HEALTH]}, only: {jurisdiction: [EU]}}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    running = Sandboxed(
        tmp_path_factory.mktemp("weir"), POLICY.replace("\nroutes:", f"{EUROPE.rstrip()}\nroutes:")
    )
    yield running
    running.stop()


def outside(weir: Sandboxed) -> int:
    return len(weir.sandbox.openai.received) + len(weir.sandbox.anthropic.received)


def test_later_turns_stay_home_though_the_client_cuts_the_history(weir: Sandboxed) -> None:
    assert weir.ask(SECRET, x_weir_conversation="cut")[0] == 200
    status, headers, answer = weir.ask(
        HELLO, x_weir_conversation="cut", x_weir_workflow="hard", x_weir_debug="1"
    )
    assert (status, headers["x-weir-model"], headers["x-weir-sensitivity"]) == (200, "llama", "restricted")
    assert "the conversation was restricted before" in answer["weir"]["decision"]["reasons"]
    assert weir.ask(HELLO, model="gpt", metadata={"conversation": "cut"})[0] == 403
    assert outside(weir) == 0
    row = weir.rows("requests")[-1]
    assert json.loads(row["types"]) == {"US_SSN": 0}


def test_no_header_lowers_it_and_a_raised_turn_counts_too(weir: Sandboxed) -> None:
    assert weir.ask(HELLO, x_weir_conversation="raised", x_weir_sensitivity="confidential")[0] == 200
    assert weir.ask(HELLO, x_weir_conversation="raised", x_weir_sensitivity="public", model="gpt")[0] == 403
    assert outside(weir) == 0


def test_categories_stick_so_that_their_boundaries_hold(weir: Sandboxed) -> None:
    assert weir.ask(HEALTH, x_weir_conversation="ward")[0] == 200
    _, _, answer = weir.ask(HELLO, x_weir_conversation="ward", x_weir_debug="1")
    assert "boundary health-in-europe is in force" in answer["weir"]["decision"]["reasons"]


def test_what_could_not_be_read_sticks(weir: Sandboxed) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    weir.ask([{"role": "user", "content": [image]}], x_weir_conversation="scan")
    assert weir.ask(HELLO, x_weir_conversation="scan", model="gpt")[0] == 403


def test_other_conversations_and_other_tenants_are_not_held_to_it(weir: Sandboxed) -> None:
    assert weir.ask(SECRET, x_weir_conversation="ours")[0] == 200
    assert weir.ask(HELLO, x_weir_conversation="another", model="gpt")[0] == 200
    assert weir.ask(HELLO, model="gpt")[0] == 200
    body = {"model": "gpt", "messages": HELLO}
    assert weir.post(body, key=weir.other_key, x_weir_conversation="ours")[0] == 200


def explained(weir: Sandboxed, conversation: str) -> Any:
    """What `weir explain` says of a turn of it."""
    asked = ["--config", str(weir.config), "--conversation", conversation, "--json", "Say hello."]
    return json.loads(CliRunner(env=weir.environ).invoke(explain, asked).output)


@pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
def test_gateways_share_it_and_keep_home_what_they_cannot_ask_about(tmp_path: Path) -> None:
    with two_gateways(tmp_path) as (redis, one, two):
        assert one.ask(SECRET, x_weir_conversation="moves")[0] == 200
        assert two.ask(HELLO, model="gpt", x_weir_conversation="moves")[0] == 403
        assert two.ask(HELLO, model="gpt", x_weir_conversation="fresh")[0] == 200
        held = explained(one, "moves")
        assert held["label"]["level"] == "restricted"
        assert "the conversation was restricted before" in held["reasons"]
        assert "kept: the conversation's model is llama" in held["reasons"]
        assert (held["targets"], held["left_out"]) == (["llama"], [])
        assert explained(one, "fresh")["label"]["level"] == "internal"
        redis.stop()
        assert "Redis does not answer" in explained(one, "fresh")["left_out"][0]
        assert two.ask(HELLO, model="gpt", x_weir_conversation="fresh")[0] == 403
        status, headers, answer = two.ask(HELLO, x_weir_conversation="fresh", x_weir_debug="1")
        assert (status, headers["x-weir-sensitivity"]) == (200, "restricted")
        assert any("not known just now" in each for each in answer["weir"]["decision"]["reasons"])
        assert two.ask(HELLO, model="gpt")[0] == 200, "a request without a conversation waits for nobody"
