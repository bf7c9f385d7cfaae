"""Responses that a provider works on in the background, through a whole Weir with OpenAI's own library: answered at
once, asked about by whoever cares, and booked once when they are over, whatever happens meanwhile."""

import contextlib
import json
import re
import sqlite3
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from click.testing import CliRunner

from gateway.cli import root
from tests.integration.budgeted import Budgeted
from tests.integration.sandboxed import POLICY, Sandboxed
from tests.integration.waiting import until

LONG = 60.0  # seconds: longer than any test waits


@pytest.fixture
def weir(whole: Sandboxed) -> Sandboxed:
    whole.sandbox.openai.kept.seconds = 0.3
    whole.sandbox.openai.kept.finish()
    until(lambda: awaited(whole) == 0)  # or a look at another test's response would meet this one's fault
    whole.calm()
    return whole


def begun(client: openai.OpenAI, **more: Any) -> Any:
    return client.responses.create(model="gpt", input="Say hello.", background=True, **more)


def responses(weir: Sandboxed) -> list[dict[str, Any]]:
    """The rows of the responses requests."""
    return [row for row in weir.rows("requests") if row["dialect"] == "responses"]


def booked(weir: Sandboxed, count: int) -> list[dict[str, Any]]:
    """The same, once there are so many."""
    until(lambda: asked(weir) >= count)
    return responses(weir)


def asked(weir: Sandboxed) -> int:
    """How many are booked."""
    return len(responses(weir))


def awaited(weir: Sandboxed) -> int:
    page = httpx.get(weir.service.metrics_url).text
    found = re.search(r"^weir_requests_awaited (\d+)(?:\.0)?$", page, re.MULTILINE)
    assert found is not None
    return int(found[1])


def verified(weir: Sandboxed) -> None:
    """The journal and its database say the same, line by line."""
    with contextlib.closing(sqlite3.connect(weir.ledger)) as database:
        assert database.execute("SELECT count(*) FROM awaited").fetchone()[0] > 0
    told = CliRunner().invoke(root.weir, ["ledger", "verify", "--store", str(weir.ledger)])
    assert told.exit_code == 0, told.output


def attempts(weir: Sandboxed) -> list[dict[str, Any]]:
    ids = {row["id"] for row in weir.rows("requests") if row["dialect"] == "responses"}
    return [row for row in weir.rows("attempts") if row["request"] in ids]


def test_it_is_answered_at_once_and_booked_when_it_is_over(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = LONG
    made = begun(client, extra_headers={"x-weir-action": "mend"})
    assert (made.status, made.usage, made.background) == ("queued", None, True)
    assert asked(weir) == before, "nothing is booked of which nobody knows what it costs"
    assert awaited(weir) == 1
    weir.sandbox.openai.kept.finish()
    row = booked(weir, before + 1)[-1]  # nobody asked but Weir
    told = client.responses.retrieve(made.id)
    assert (told.status, told.output_text != "") == ("completed", True)
    assert told.usage is not None
    assert (row["outcome"], row["usage_source"], row["status"], row["action"]) == (
        "ok",
        "reported",
        200,
        "mend",
    )
    assert row["input_tokens"] == told.usage.input_tokens
    assert row["output_tokens"] + row["reasoning_tokens"] == told.usage.output_tokens
    assert Decimal(row["usd"]) > 0
    attempt = attempts(weir)[-1]
    assert (attempt["id"], attempt["usd"], attempt["finish"]) == (f"{row['id']}/1", row["usd"], "stop")
    assert attempt["duration_ns"] > 0
    assert awaited(weir) == 0
    verified(weir)


def test_who_looks_first_finds_it_booked(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = LONG
    made = begun(client)
    assert client.responses.retrieve(made.id).status != "completed"
    assert asked(weir) == before, "it is booked when it is over"
    weir.sandbox.openai.kept.finish()
    assert client.responses.retrieve(made.id).status == "completed"
    assert asked(weir) == before + 1, "before whoever looked had the answer"
    for _ in range(3):
        client.responses.retrieve(made.id)
    time.sleep(0.8)  # Weir's own look would come now
    assert asked(weir) == before + 1


def test_metrics_count_it_once(client: openai.OpenAI, weir: Sandboxed) -> None:
    def counted(name: str) -> float:
        page = httpx.get(weir.service.metrics_url).text
        series = re.findall(rf"^{name}{{[^}}]*model=\"gpt\"[^}}]*}} (\S+)$", page, re.MULTILINE)
        return sum(map(float, series))

    names = ("weir_cost_usd_total", "weir_tokens_total", "weir_unpriced_attempts_total")
    before, rows = {name: counted(name) for name in names}, asked(weir)
    begun(client)
    row = booked(weir, rows + 1)[-1]
    after = {name: counted(name) for name in names}
    assert after["weir_cost_usd_total"] - before["weir_cost_usd_total"] == pytest.approx(float(row["usd"]))
    tokens = sum(row[f"{name}_tokens"] for name in ("input", "cache_read", "output", "reasoning"))
    assert after["weir_tokens_total"] - before["weir_tokens_total"] == tokens
    assert after["weir_unpriced_attempts_total"] == before["weir_unpriced_attempts_total"]


def test_its_stream_says_what_it_used(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    with begun(client, stream=True) as events:
        told = list(events)
    assert told[-1].type == "response.completed"
    assert asked(weir) == before + 1
    assert awaited(weir) == 0
    row = booked(weir, before + 1)[-1]
    assert (row["outcome"], row["usage_source"]) == ("ok", "reported")


def test_who_leaves_its_stream_finds_the_rest_and_it_is_booked(
    client: openai.OpenAI, weir: Sandboxed
) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = 0.6
    with begun(client, stream=True) as events:
        first = next(iter(events))
        name, seen = first.response.id, first.sequence_number
    with client.responses.retrieve(name, stream=True, starting_after=seen) as rest:
        told = list(rest)
    assert [event.sequence_number for event in told] == list(range(seen + 1, seen + 1 + len(told)))
    assert told[-1].type == "response.completed"
    rows = booked(weir, before + 1)
    assert rows[-1]["usage_source"] == "reported"
    time.sleep(0.8)
    assert asked(weir) == before + 1


def test_who_leaves_its_stream_holds_no_connection(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = LONG
    with begun(client, stream=True) as events:
        next(iter(events))
    until(lambda: not any(replica.outstanding for replica in weir.service.replicas().values()))
    until(lambda: awaited(weir) == 1)
    assert asked(weir) == before
    weir.sandbox.openai.kept.finish()
    row = booked(weir, before + 1)[-1]
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "reported")
    assert Decimal(row["usd"]) > 0


def test_a_stream_that_the_provider_cuts_is_booked_by_asking(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.run(weir.sandbox.openai.fault("cut", count=1))
    told = []
    with contextlib.suppress(openai.APIError), begun(client, stream=True) as events:
        for event in events:
            told.append(event.type)  # noqa: PERF401  # what came before the error counts
        pytest.fail(f"it ended as if it were whole: {told}")
    row = booked(weir, before + 1)[-1]
    assert (row["outcome"], row["usage_source"]) == ("cut", "reported")
    assert Decimal(row["usd"]) > 0


def test_it_is_cancelled(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = LONG
    made = begun(client)
    assert client.responses.cancel(made.id).status == "cancelled"
    assert asked(weir) == before + 1, "what is known of it is booked with the answer"
    row = booked(weir, before + 1)[-1]
    assert (row["outcome"], row["usage_source"], row["output_tokens"]) == ("cancelled", "estimated", 0)
    assert Decimal(row["usd"]) > 0, "its prompt had been sent"


def test_what_is_deleted_meanwhile_costs_nobody_knows_what(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = LONG
    made = begun(client)
    client.responses.delete(made.id)
    row = booked(weir, before + 1)[-1]
    assert (row["usd"], row["usage_source"], row["error"]) == (None, "unknown", "")
    assert attempts(weir)[-1]["error"] == "response_lost"


def test_what_is_deleted_when_it_is_over_is_booked_before(client: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    weir.sandbox.openai.kept.seconds = 0.01
    made = begun(client)
    time.sleep(0.02)
    client.responses.delete(made.id)
    row = booked(weir, before + 1)[-1]
    assert row["usage_source"] == "reported"


def test_a_restart_goes_on(tmp_path: Path) -> None:
    weir = Sandboxed(tmp_path)
    try:
        weir.sandbox.openai.kept.seconds = LONG
        with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
            begun(client, extra_headers={"x-weir-workflow": "hard"})
        weir.restart()
        assert awaited(weir) == 1
        weir.sandbox.openai.kept.finish()
        row = booked(weir, 1)[-1]
        assert (row["usage_source"], row["workflow"], row["model"]) == ("reported", "hard", "gpt")
        assert Decimal(row["usd"]) > 0
        weir.restart()
        time.sleep(0.8)
        assert (asked(weir), awaited(weir)) == (1, 0)
        verified(weir)
    finally:
        weir.stop()


def test_others_know_nothing_of_it(client: openai.OpenAI, stranger: openai.OpenAI, weir: Sandboxed) -> None:
    before = asked(weir)
    made = begun(client)
    for act in (stranger.responses.retrieve, stranger.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            act(made.id)
    assert client.responses.retrieve(made.id).id == made.id
    booked(weir, before + 1)  # it is over, and in no other test's count


@pytest.mark.parametrize("model", ["llama", "claude"])
def test_who_keeps_nothing_does_nothing_in_the_background(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model=model, input="Say hello.", background=True)
    assert raised.value.param == "background"


def test_it_has_to_be_stored(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="needs a response that is stored"):
        begun(client, store=False)


def test_its_budget_is_held_until_it_is_over(tmp_path: Path) -> None:
    tenants = "  acme: {keys: [{id: app, sha256: KEY}], budget: {usd_per_day: 0.012}}"
    weir = Budgeted(tmp_path, tenants)
    body = {"model": "gpt", "input": "Say hello.", "max_output_tokens": 1000, "background": True}

    def ask() -> tuple[int, Any]:
        status, _, raw = weir.post(body, path="/v1/responses")
        return status, json.loads(raw)

    try:
        weir.sandbox.openai.kept.seconds = LONG
        status, made = ask()
        assert status == 200
        assert ask()[0] == 429, "what it may cost is held"
        looked = httpx.get(
            f"{weir.url}/v1/responses/{made['id']}", headers={"authorization": f"Bearer {weir.key}"}
        )
        assert looked.json()["status"] == "queued", "and to look costs nothing"
        weir.restart()
        assert ask()[0] == 429, "and held again by the next process"
        weir.sandbox.openai.kept.finish()
        booked(weir, 3)
        assert ask()[0] == 200, "what it did cost is less"
        rows = [row for row in weir.rows("requests") if row["outcome"] == "ok"]
        assert [row["dialect"] for row in rows] == ["responses", "response"]
    finally:
        weir.stop()


def test_a_boundary_that_redacts_leaves_it_at_home(tmp_path: Path) -> None:
    """What comes later is asked for by its id, past whoever could put values back."""
    policy = POLICY.replace("only: {inside: true}}", "only: {inside: true}, outside: {if: redacted}}")
    weir = Sandboxed(tmp_path, policy)
    try:
        body = {"model": "gpt", "input": "My SSN is 536-22-8741, file my form."}
        assert weir.post(body, path="/v1/responses")[0] == 200
        status, _, raw = weir.post({**body, "background": True}, path="/v1/responses")
        assert (status, json.loads(raw)["error"]["code"]) == (403, "blocked_by_policy")
    finally:
        weir.stop()
