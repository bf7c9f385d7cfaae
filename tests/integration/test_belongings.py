"""What a provider keeps for one tenant: named through any gateway and after any restart, by that tenant alone."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.sandbox.engine import Speed
from gateway.sandbox.vllm import VllmStandIn
from gateway.sandbox.vllm_flags import VllmSettings
from tests.integration.redises import SERVER
from tests.integration.sandboxed import HELLO, POLICY, Sandboxed
from tests.integration.sharing import two_gateways
from tests.integration.waiting import until

KEEPING = f"{POLICY}\nsensitivity: {{unscanned: {{response_id: internal}}}}\n"
Told = tuple[int, Any]


def ask(weir: Sandboxed, text: str, before: str = "", key: str | None = None, **more: Any) -> Told:
    """One turn of a conversation that OpenAI keeps."""
    named = {"previous_response_id": before} if before else {}
    status, _, body = weir.post(
        {"model": "gpt", "input": text, **named, **more}, path="/v1/responses", key=key
    )
    return status, json.loads(body) if not more.get("stream") else body


def test_a_restart_forgets_nobodys_answers(tmp_path: Path) -> None:
    weir = Sandboxed(tmp_path, KEEPING)
    try:
        first = ask(weir, "My word is weir.")[1]["id"]
        streamed = ask(weir, "And mine is dam.", stream=True)[1].decode()
        second = json.loads(streamed.split("event: response.completed\ndata: ")[1].split("\n")[0])[
            "response"
        ]["id"]
        weir.restart()
        for name in (first, second):
            assert ask(weir, "What was it?", name)[0] == 200
            weir.sandbox.openai.received.clear()
            status, told = ask(weir, "What was it?", name, key=weir.other_key)
            assert (status, told["error"]["code"]) == (404, "object_not_found")
            assert not weir.sandbox.openai.received
    finally:
        weir.stop()


@pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
def test_gateways_share_it_and_refuse_what_they_cannot_ask_about(tmp_path: Path) -> None:
    with two_gateways(tmp_path, KEEPING) as (redis, one, two):
        made = ask(one, "My word is weir.")[1]["id"]
        # each has a provider of its own here, so `two`'s does not know the response: its refusal shows it was asked
        status, told = ask(two, "What was it?", made)
        assert (status, told["error"]["code"]) == (400, "previous_response_not_found")
        two.sandbox.openai.received.clear()
        status, told = ask(two, "What was it?", made, key=two.other_key)
        assert (status, told["error"]["code"]) == (404, "object_not_found")
        redis.stop()
        status, told = ask(two, "What was it?", made)
        assert (status, told["error"]["code"]) == (503, "overloaded")
        assert not two.sandbox.openai.received
        assert ask(two, "A new one.", store=False)[0] == 200, "what names and leaves nothing waits for nobody"
        unnoted = ask(two, "Kept, and paid for.")
        assert unnoted[0] == 200
        redis.start()
        until(lambda: ask(two, "What was it?", unnoted[1]["id"])[0] != 503)
        status, told = ask(two, "What was it?", unnoted[1]["id"])
        assert (status, told["error"]["code"]) == (404, "object_not_found"), "nobody can tell whose it is"


class Keepers(Sandboxed):
    """`engines` are two stand-ins of one vLLM backend, each of which keeps its own responses."""

    def before_start(self) -> None:
        super().before_start()
        self.engines = [
            VllmStandIn(VllmSettings(speed=Speed.of(2000), keeps_responses=True)) for _ in range(2)
        ]
        for name, engine in zip(("FIRST", "SECOND"), self.engines, strict=True):
            self.run(engine.start())
            self.environ[f"WEIR_SANDBOX_{name}_URL"] = engine.url

    def stop(self) -> None:
        for engine in self.engines:
            self.run(engine.stop())
        super().stop()


def test_a_response_is_continued_on_the_replica_that_keeps_it(tmp_path: Path) -> None:
    replicas = '["${WEIR_SANDBOX_FIRST_URL}", "${WEIR_SANDBOX_SECOND_URL}"], keeps: [responses]'
    weir = Keepers(tmp_path, KEEPING.replace('["${WEIR_SANDBOX_VLLM_URL}"]', replicas))
    try:
        for number in range(8):  # each opens differently, so that they spread
            before, places = "", set()
            for turn in range(3):
                body = {"model": "llama", "input": f"Conversation {number}, turn {turn}.", "store": True}
                named = {"previous_response_id": before} if before else {}
                status, _, raw = weir.post({**body, **named}, path="/v1/responses")
                assert status == 200, raw
                before = json.loads(raw)["id"]
                places.add(weir.rows("requests")[-1]["replica"])
            assert len(places) == 1
        assert {row["replica"] for row in weir.rows("requests")} == {each.url for each in weir.engines}
        status, _, raw = weir.post(
            {"model": "llama", "input": "Mine?", "previous_response_id": before},
            path="/v1/responses",
            key=weir.other_key,
        )
        assert (status, json.loads(raw)["error"]["code"]) == (404, "object_not_found")
    finally:
        weir.stop()


FILE = [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]
DOCUMENT = [
    {"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}
]
NAMED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"model": "gpt", "messages": FILE}),
    ("/v1/chat/completions", {"model": "llama", "messages": FILE}),
    ("/v1/chat/completions", {"model": "gpt", "messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}),
    ("/v1/chat/completions", {"model": "gpt", "messages": HELLO, "extra_body": {"cached_content": "c/1"}}),
    ("/v1/messages", {"model": "claude", "max_tokens": 9, "messages": DOCUMENT}),
    ("/v1/messages/count_tokens", {"model": "claude", "messages": DOCUMENT}),
    ("/v1/messages", {"model": "claude", "max_tokens": 9, "messages": HELLO, "container": "container_1"}),
    ("/v1/responses", {"model": "gpt", "input": "x", "conversation": "conv_1"}),
    ("/v1/responses", {"model": "gpt", "prompt": {"id": "pmpt_1"}}),
    ("/v1/responses", {"model": "gpt", "input": "x", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
    ("/v1/responses", {"model": "gpt", "input": [
        {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
    ("/v1/embeddings", {"model": "llama", "messages": [
        {"role": "user", "content": [{"type": "image_url", "image_url": None, "uuid": "u"}]}]}),
]  # fmt: skip


def test_what_nobody_is_known_to_own_nobody_can_name_in_any_dialect(tmp_path: Path) -> None:
    weir = Sandboxed(tmp_path)
    try:
        for path, body in NAMED:
            status, _, raw = weir.post(body, path=path)
            told = json.loads(raw)["error"]
            assert status == 404, (path, body, raw)
            assert "No object with this id" in told["message"], raw
            assert not any(each.received for each in weir.sandbox.stand_ins)
        assert {row["error"] for row in weir.rows("requests")} == {"no_such_object"}
    finally:
        weir.stop()


def test_the_configuration_can_say_whose_it_is(tmp_path: Path) -> None:
    files = POLICY.replace("can: [tools, json_schema, vision, reasoning]", "can: [tools, files]")
    weir = Sandboxed(tmp_path, f"{files}\nsensitivity: {{unscanned: {{file_id: internal}}}}\n")
    try:
        past_weir = httpx.post(
            f"{weir.sandbox.openai.url}/v1/files",
            data={"purpose": "user_data"},
            files={"file": ("a.txt", b"x")},
            headers={"authorization": "Bearer sk"},
        ).json()["id"]
        body = {"model": "gpt", "messages": json.loads(json.dumps(FILE).replace("file-1", past_weir))}
        assert weir.post(body)[0] == 404
        owned = weir.config.read_text().replace(
            "acme: {keys:", f"acme: {{owns: {{openai: [{past_weir}]}}, keys:"
        )
        weir.config.write_text(owned)
        weir.wait_for_policy_change()
        assert weir.post(body)[0] == 200
        assert weir.post(body, key=weir.other_key)[0] == 404
        weir.config.write_text(owned.replace(f"[{past_weir}]", '"*"'))
        weir.wait_for_policy_change()
        assert weir.post(body)[0] == 200
        assert weir.post(body, key=weir.other_key)[0] == 404
    finally:
        weir.stop()
