"""Actions through a whole Weir: grouped by header, judged by feedback or by HTTP, counted once, kept in the ledger."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.sandboxed import POLICY, Sandboxed
from tests.integration.waiting import until

QUIET = """
actions: {quiet: 1500ms, outcomes: {done: {}, rating: {at_least: 4}}}
"""


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    running = Sandboxed(tmp_path_factory.mktemp("weir"), POLICY + QUIET)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def calm(weir: Sandboxed) -> None:
    weir.calm()


def say(weir: Sandboxed, body: Any, **more: Any) -> tuple[int, Any]:
    status, _, answer = weir.post(body, path="/v1/feedback", **more)
    return status, json.loads(answer)


def closed(weir: Sandboxed, action: str, count: int = 1) -> list[dict[str, Any]]:
    """The action's rows, once there are so many."""

    def found() -> list[dict[str, Any]]:
        return [row for row in weir.rows("actions") if row["action"] == action]

    until(lambda: len(found()) >= count)
    return found()


def counted(weir: Sandboxed, outcome: str) -> float:
    page = weir.run(weir.service.metrics.scrape()).decode()
    found = re.findall(
        rf'^weir_actions_total{{workflow="other",outcome="{outcome}"}} (\S+)$', page, re.MULTILINE
    )
    return float(found[0]) if found else 0.0


def test_the_requests_of_an_action_are_one_action_with_all_their_cost(weir: Sandboxed) -> None:
    before = counted(weir, "success")
    for model in ("gpt", "gpt", "llama"):
        weir.ask(model=model, x_weir_action="a-1", x_weir_workflow="invoices")
    status, answer = say(
        weir, {"metric_name": "done", "episode_id": "a-1", "value": True, "tags": {"by": "form"}}
    )
    assert (status, answer.keys()) == (200, {"feedback_id"})
    row = closed(weir, "a-1")[0]
    assert (row["outcome"], row["judged_by"], row["count"], row["requests"]) == ("success", "done", 1, 3)
    assert (row["tenant"], row["workflow"], row["failed"]) == ("acme", "invoices", 0)
    assert float(row["usd"]) > 0
    assert counted(weir, "success") == before + 1
    said = next(each for each in weir.rows("feedback") if each["id"] == answer["feedback_id"])
    assert (said["value"], said["outcome"], said["late"], said["action"]) == ("true", "success", 0, "a-1")


def test_money_of_actions_is_the_money_of_attempts_and_of_closed_windows(weir: Sandboxed) -> None:
    weir.ask(model="llama", x_weir_action="a-sum", max_tokens=200)
    weir.ask(model="gpt", x_weir_action="a-sum")
    over = time.time_ns()  # its windows close, and their money comes after the action has
    until(lambda: any(row["window"] > over for row in weir.rows("gpu_bookings")))

    def tallies() -> bool:
        tokens = sum(
            float(row["usd"]) for row in weir.rows("attempts") if row["backend"] != "gpu-a" and row["usd"]
        )
        windows = sum(float(row["usd"]) for row in weir.rows("gpu_bookings") if row["use"] == "request")
        actions = sum(float(row["usd"]) for row in weir.rows("actions"))
        return actions == pytest.approx(tokens + windows, rel=1e-9)

    until(tallies)


def test_an_http_failure_is_a_failed_action_without_any_judge(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("400"))
    weir.ask(model="gpt", x_weir_action="a-2")
    row = closed(weir, "a-2")[0]
    assert (row["outcome"], row["judged_by"], row["failed"]) == ("failure", "http", 1)


def test_a_retry_that_works_leaves_the_outcome_open(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("400", count=1))
    weir.ask(model="gpt", x_weir_action="a-3")
    weir.ask(model="gpt", x_weir_action="a-3")
    row = closed(weir, "a-3")[0]
    assert (row["outcome"], row["judged_by"], row["failed"], row["requests"]) == ("unknown", "", 1, 2)


def test_a_number_counts_by_its_threshold_and_other_metrics_are_only_kept(weir: Sandboxed) -> None:
    weir.ask(x_weir_action="a-4")
    assert say(weir, {"metric_name": "rating", "episode_id": "a-4", "value": 3.5})[0] == 200
    assert say(weir, {"metric_name": "fun", "episode_id": "a-4", "value": True})[0] == 200
    assert closed(weir, "a-4")[0]["outcome"] == "failure"
    kept = [row for row in weir.rows("feedback") if row["action"] == "a-4"]
    assert sorted((row["metric"], row["outcome"], row["number"]) for row in kept) == [
        ("fun", "", None),
        ("rating", "failure", 3.5),
    ]


def test_later_feedback_corrects_the_ledger_and_never_the_counters(weir: Sandboxed) -> None:
    weir.ask(model="gpt", x_weir_action="a-5")
    first = closed(weir, "a-5")[0]
    assert first["outcome"] == "unknown"
    before = (counted(weir, "unknown"), counted(weir, "success"))
    assert say(weir, {"metric_name": "done", "episode_id": "a-5", "value": True})[0] == 200
    rows = closed(weir, "a-5", 3)
    assert sorted((row["outcome"], row["count"], row["correction"]) for row in rows) == [
        ("success", 1, 1),
        ("unknown", -1, 1),
        ("unknown", 1, 0),
    ]
    assert sum(float(row["usd"]) for row in rows) == pytest.approx(float(first["usd"]))
    assert (counted(weir, "unknown"), counted(weir, "success")) == before
    say(weir, {"metric_name": "done", "episode_id": "a-5", "value": True})
    assert len(closed(weir, "a-5", 3)) == 3  # the same again changes nothing


def test_a_request_without_an_action_is_one_by_itself(weir: Sandboxed) -> None:
    _, headers, _ = weir.ask(model="gpt")
    request = headers["x-weir-request-id"]
    assert say(weir, {"metric_name": "done", "inference_id": request, "value": True})[0] == 200
    row = closed(weir, request)[0]
    assert (row["outcome"], row["requests"]) == ("success", 1)


def test_feedback_on_a_request_is_feedback_on_its_action(weir: Sandboxed) -> None:
    _, headers, _ = weir.ask(x_weir_action="a-6")
    request = headers["x-weir-request-id"]
    assert say(weir, {"metric_name": "done", "inference_id": request, "value": False})[0] == 200
    assert closed(weir, "a-6")[0]["outcome"] == "failure"


def test_what_memory_has_lost_is_found_in_the_ledger(weir: Sandboxed) -> None:
    _, headers, _ = weir.ask(model="gpt", x_weir_action="a-7")
    request = headers["x-weir-request-id"]
    closed(weir, "a-7")
    weir.service._actions._book._closed.clear()
    weir.service._actions._book._of_request.clear()
    assert (
        say(weir, {"metric_name": "done", "inference_id": request, "value": True}, key=weir.other_key)[0]
        == 404
    )
    assert say(weir, {"metric_name": "done", "inference_id": request, "value": True})[0] == 200
    assert {row["outcome"] for row in closed(weir, "a-7", 3)} == {"unknown", "success"}


def test_a_tenant_speaks_of_its_own_actions_only(weir: Sandboxed) -> None:
    _, headers, _ = weir.ask(x_weir_action="a-8")
    for target in ({"episode_id": "a-8"}, {"inference_id": headers["x-weir-request-id"]}):
        status, answer = say(weir, {"metric_name": "done", "value": True, **target}, key=weir.other_key)
        assert (status, answer["error"]["code"]) == (404, "no_such_action")
    status, answer = say(
        weir, {"metric_name": "done", "value": True, "episode_id": "a-8"}, key="sk-weir-nobody"
    )
    assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
    assert closed(weir, "a-8")[0]["outcome"] == "unknown"


BAD: list[tuple[Any, str]] = [
    (b"nonsense", "not_json"),
    ({}, "invalid_value"),
    ({"metric_name": "done", "value": True}, "missing_required_parameter"),
    ({"metric_name": "done", "value": True, "episode_id": "a", "inference_id": "b"}, "missing_required_parameter"),
    ({"metric_name": "done", "value": None, "episode_id": "a"}, "invalid_value"),
    ({"metric_name": "done", "value": "My SSN is 536-22-8741", "episode_id": "a"}, "invalid_value"),
    ({"metric_name": "done", "value": {"a": 1}, "episode_id": "a"}, "invalid_value"),
    ({"metric_name": "a b", "value": True, "episode_id": "a"}, "invalid_value"),
    ({"metric_name": "done", "value": True, "episode_id": 7}, "invalid_value"),
    ({"metric_name": "done", "value": True, "episode_id": "a", "tags": {"x": "free text"}}, "invalid_value"),
    ({"metric_name": "done", "value": True, "episode_id": "a", "dry": 1}, "unknown_parameter"),
    (b'{"metric_name":"done","value":true,"value":false,"episode_id":"a"}', "duplicate_key"),
    (b'{"metric_name":"' + b"x" * 20_000 + b'"}', "request_too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code"), BAD)
def test_bad_feedback_is_refused_with_the_reason(weir: Sandboxed, body: Any, code: str) -> None:
    status, answer = say(weir, body)
    assert (status, answer["error"]["code"]) == (400, code)
