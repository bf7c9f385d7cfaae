"""What a provider keeps for one tenant: named through any gateway and after any restart, by that tenant alone."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.redises import SERVER, RealRedis
from tests.integration.sandboxed import POLICY, Sandboxed

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
            assert (status, told["error"]["code"]) == (400, "object_not_found")
            assert not weir.sandbox.openai.received
    finally:
        weir.stop()


@pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
def test_gateways_share_it_and_refuse_what_they_cannot_ask_about(tmp_path: Path) -> None:
    redis = RealRedis(tmp_path)
    redis.start()
    weirs: list[Sandboxed] = []
    try:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            weirs.append(Sandboxed(tmp_path / name, f"{KEEPING}state: {{redis: '{redis.url}'}}\n"))
        one, two = weirs
        made = ask(one, "My word is weir.")[1]["id"]
        # each has a provider of its own here, so `two`'s does not know the response: its refusal shows it was asked
        status, told = ask(two, "What was it?", made)
        assert (status, told["error"]["code"]) == (400, "previous_response_not_found")
        two.sandbox.openai.received.clear()
        status, told = ask(two, "What was it?", made, key=two.other_key)
        assert (status, told["error"]["code"]) == (400, "object_not_found")
        redis.stop()
        status, told = ask(two, "What was it?", made)
        assert (status, told["error"]["code"]) == (503, "overloaded")
        assert not two.sandbox.openai.received
        assert ask(two, "A new one.", store=False)[0] == 200, "what names and leaves nothing waits for nobody"
        unnoted = ask(two, "Kept, and paid for.")
        assert unnoted[0] == 200
        redis.start()
        deadline = time.monotonic() + 20
        while (answer := ask(two, "What was it?", unnoted[1]["id"]))[
            0
        ] == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        status, told = answer
        assert (status, told["error"]["code"]) == (400, "object_not_found"), "nobody can tell whose it is"
    finally:
        for each in weirs:
            each.stop()
        redis.stop()
