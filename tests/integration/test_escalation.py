"""Escalation through a whole Weir: who answered, why, what was booked, and what never left."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.budgeted import Budgeted
from tests.integration.sandboxed import HELLO, POLICY, SECRET, Sandboxed

ESCALATING = POLICY.replace(
    "- {name: everyday, use: [llama], on_failure: [gpt]}",
    "- {name: spoken, when: {workflow: spoken}, use: [gpt], escalate: {to: [claude], on: [refused]}}\n"
    "  - {name: patient, when: {workflow: patient}, use: [llama]}\n"
    "  - {name: everyday, use: [llama], escalate: {to: [gpt, claude]}}",
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    running = Sandboxed(tmp_path_factory.mktemp("weir"), ESCALATING)
    yield running
    running.stop()


def spoil(weir: Sandboxed, mode: str) -> None:
    weir.run(weir.sandbox.vllm.fault(mode, count=1))


def scraped(weir: Sandboxed, series: str) -> float:
    with urllib.request.urlopen(weir.service.metrics_url) as answer:  # noqa: S310  # its own loopback URL
        found = re.search(rf"^{re.escape(series)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return 0.0 if found is None else float(found[1])


@pytest.mark.parametrize(
    ("mode", "more", "fault"),
    [
        ("empty", {}, "empty"),
        ("refusal", {}, "refused"),
        ("limit", {}, "cut"),
        ("misshapen", {"response_format": FORMAT}, "schema"),
        (
            "misshapen",
            {"messages": [{"role": "user", "content": "The weather in Rome?"}], "tools": [TOOL]},
            "schema",
        ),
        ("cut", {}, "cut"),
    ],
)
def test_the_strong_model_answers_and_both_attempts_are_booked(
    weir: Sandboxed, mode: str, more: dict[str, Any], fault: str
) -> None:
    spoil(weir, mode)
    status, headers, answer = weir.ask(
        **{"messages": HELLO, **more}, x_weir_action=f"a-{mode}-{len(more)}", x_weir_debug="1"
    )
    assert (status, headers["x-weir-model"], headers["x-weir-attempts"]) == (200, "gpt", "2")
    assert headers["x-weir-escalation"] == f"{fault}; model=llama; answered"
    told = f"the answer of llama was set aside ({fault}): another model answered"
    assert told in answer["weir"]["decision"]["reasons"]
    request = weir.rows("requests")[-1]
    assert (request["model"], request["outcome"], request["attempts"]) == ("gpt", "ok", 2)
    assert told in json.loads(request["reasons"])
    first, second = [row for row in weir.rows("attempts") if row["request"] == request["id"]]
    assert (first["model"], first["action"], second["model"]) == ("llama", request["action"], "gpt")
    assert first["error"] == ("broken" if mode == "cut" else f"answer_{fault}")
    assert first["outcome"] == ("failed" if mode == "cut" else "ok")
    assert second["error"] == ""
    assert first["gpu_ns"] > 0
    assert second["usd"] is not None
    assert (
        scraped(weir, f'weir_escalations_total{{route="everyday",fault="{fault}",outcome="answered"}}') >= 1
    )


def test_what_must_stay_is_kept_and_the_client_has_the_first_answer(weir: Sandboxed) -> None:
    spoil(weir, "refusal")
    status, headers, answer = weir.ask(SECRET)
    assert (status, headers["x-weir-model"], headers["x-weir-sensitivity"]) == (200, "llama", "restricted")
    assert "x-weir-escalation" not in headers
    assert "can't help" in answer["choices"][0]["message"]["content"]
    assert len(weir.sandbox.openai.received) + len(weir.sandbox.anthropic.received) == 0


def test_where_the_strong_model_is_down_too_the_client_has_the_first_answer(weir: Sandboxed) -> None:
    spoil(weir, "refusal")
    weir.run(weir.sandbox.openai.fault("503", count=3))
    weir.run(weir.sandbox.anthropic.fault("529", count=3))
    status, headers, answer = weir.ask()
    assert (status, headers["x-weir-model"]) == (200, "llama")
    assert headers["x-weir-escalation"] == "refused; model=llama; kept"
    assert "can't help" in answer["choices"][0]["message"]["content"]
    request = weir.rows("requests")[-1]
    assert (request["model"], request["outcome"], request["attempts"]) == ("llama", "ok", 3)
    assert headers["x-weir-attempts"] == "3"


def test_a_stream_that_says_nothing_goes_on_elsewhere_and_one_under_way_is_left_alone(
    weir: Sandboxed,
) -> None:
    spoil(weir, "empty")
    status, headers, body = weir.ask(stream=True)
    assert (status, headers["x-weir-model"]) == (200, "gpt")
    assert headers["x-weir-escalation"] == "empty; model=llama; answered"
    assert body.count(b"[DONE]") == 1
    spoil(weir, "limit")
    status, headers, body = weir.ask(stream=True)
    assert (headers["x-weir-model"], "x-weir-escalation" in headers) == ("llama", False)
    assert b'"length"' in body


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_in_the_wires_own_words_is_seen_at_once(weir: Sandboxed, stream: bool) -> None:
    weir.run(weir.sandbox.openai.fault("refusal", count=1))
    status, headers, _ = weir.ask(stream=stream, x_weir_workflow="spoken")
    assert (status, headers["x-weir-model"]) == (200, "claude")
    assert headers["x-weir-escalation"] == "refused; model=gpt; answered"


def test_other_dialects_escalate_alike(weir: Sandboxed) -> None:
    spoil(weir, "refusal")
    messages = {"model": "auto", "max_tokens": 200, "messages": HELLO}
    status, headers, body = weir.post(messages, path="/v1/messages")
    assert (status, headers["x-weir-model"], json.loads(body)["type"]) == (200, "gpt", "message")
    spoil(weir, "misshapen")
    form = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA}}
    status, headers, body = weir.post(
        {"model": "auto", "input": "A city, please.", "text": form}, path="/v1/responses"
    )
    assert (status, headers["x-weir-model"]) == (200, "gpt")
    assert headers["x-weir-escalation"] == "schema; model=llama; answered"
    assert json.loads(body)["object"] == "response"


def test_who_did_not_opt_in_has_the_answer_as_it_is(weir: Sandboxed) -> None:
    spoil(weir, "empty")
    _, headers, answer = weir.ask(x_weir_workflow="patient")
    assert (headers["x-weir-model"], answer["choices"][0]["message"]["content"]) == ("llama", "")
    spoil(weir, "empty")
    assert weir.ask(model="llama")[1]["x-weir-model"] == "llama"


def test_a_limit_of_the_clients_own_is_no_fault(weir: Sandboxed) -> None:
    _, headers, answer = weir.ask(max_tokens=3)
    assert (headers["x-weir-model"], answer["choices"][0]["finish_reason"]) == ("llama", "length")


def test_a_budget_that_covers_one_answer_only_gives_one(tmp_path: Path) -> None:
    tenants = '  acme: {keys: [{id: app, sha256: "KEY"}], budget: {usd_per_day: 0.008}}'
    weir = Budgeted(tmp_path, tenants, "reserve: {gpu_seconds: 1}", ESCALATING)
    try:
        spoil(weir, "empty")
        _, headers, answer = weir.ask(max_tokens=1000, x_weir_debug="1")
        assert headers["x-weir-model"] == "llama"
        reasons = answer["weir"]["decision"]["reasons"]
        assert "without escalation: the budget does not cover a second answer" in reasons
        spoil(weir, "empty")
        assert weir.ask(max_tokens=100)[1]["x-weir-model"] == "gpt"
    finally:
        weir.stop()
