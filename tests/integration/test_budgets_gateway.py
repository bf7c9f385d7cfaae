"""Budgets and limits through the whole gateway, counted in process."""

import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from tests.integration.budgeted import ASK, UPPER_USD, Budgeted, flood, statuses
from tests.integration.sandboxed import HELLO, POLICY, SECRET
from tests.integration.waiting import until

Make = Callable[..., Budgeted]

POLICY_WITHOUT_A_PRICE = POLICY.replace("  openai:\n    {kind", "  mine:\n    {kind").replace(
    "{backend: openai,", "{backend: mine,"
)
POLICY_BY_BUDGET = POLICY.replace(
    "  - {name: everyday,",
    "  - {name: while-it-lasts, when: {budget_used: {at_most: 0.1}}, use: [gpt]}\n  - {name: everyday,",
)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Make]:
    """Start a Weir whose tenant acme has the terms given (YAML, inside its braces)."""
    running: list[Budgeted] = []

    def start(terms: str, more: str = "", key: str = "", **others: str) -> Budgeted:
        folder = tmp_path / str(len(running))
        folder.mkdir()
        tenants = f'  acme: {{keys: [{{id: app, sha256: "KEY"{key}}}, {{id: other, sha256: "OTHER_KEY"}}], {terms}}}'
        weir = Budgeted(folder, tenants, more, **others)
        running.append(weir)
        return weir

    yield start
    for weir in running:
        weir.stop()


def metric(weir: Budgeted, series: str) -> float:
    weir.run(weir.service.budgets.refresh(weir.service.runtime.reserving.allowances))
    with urllib.request.urlopen(weir.service.metrics_url, timeout=10) as answer:  # noqa: S310  # loopback
        page = answer.read().decode()
    found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_two_hundred_at_once_against_a_budget_for_ten_let_ten_through(started: Make) -> None:
    weir = started(f"budget: {{usd_per_day: {10.5 * UPPER_USD:.4f}}}")
    answers = flood(weir, count=200, let=10)
    assert statuses(answers) == {200: 10, 429: 190}
    assert len(weir.sandbox.openai.received) == 10
    refused = next(answer for answer in answers if answer.status_code == 429)
    error = refused.json()["error"]
    assert (error["code"], error["type"]) == ("insufficient_quota", "insufficient_quota")
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    assert refused.headers["x-should-retry"] == "false"
    assert "tenant acme" in error["message"]
    assert metric(weir, 'weir_limit_refusals_total{tenant="acme",limit="usd_per_day"}') == 190
    spent = sum(float(row["usd"]) for row in weir.rows("attempts"))
    used = metric(weir, 'weir_budget_used_ratio{tenant="acme",budget="usd_per_day"}')
    assert used == pytest.approx(spent / float(f"{10.5 * UPPER_USD:.4f}"), rel=1e-6)
    rows = weir.rows("requests")
    assert sum(row["error"] == "over_budget" and row["outcome"] == "refused" for row in rows) == 190


def test_what_a_request_did_not_use_is_free_for_the_next(started: Make) -> None:
    weir = started(f"budget: {{usd_per_day: {1.5 * UPPER_USD:.4f}}}")
    assert {weir.ask(**ASK)[0] for _ in range(5)} == {200}


def test_a_budget_that_is_spent_is_over_until_the_day_is(started: Make) -> None:
    weir = started("budget: {usd_per_day: 0}")
    _start_of_a_minute()
    before = time.time()
    status, headers, answer = weir.ask(model="gpt")
    after = time.time()
    assert (status, answer["error"]["code"]) == (429, "insufficient_quota")
    midnight = (before // 86_400 + 1) * 86_400
    assert midnight - after - 1 <= int(headers["retry-after"]) <= midnight - before + 1


def test_several_answers_are_reserved_for_all_of_them(started: Make) -> None:
    weir = started(f"budget: {{usd_per_day: {5.5 * UPPER_USD:.4f}}}")
    assert weir.ask(**ASK, n=5)[0] == 200
    assert weir.ask(**ASK, n=6)[0] == 429


def test_official_clients_raise_what_they_should(started: Make) -> None:
    weir = started("budget: {usd_per_day: 0}")
    client = openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=5)
    with client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="gpt", messages=HELLO)  # type: ignore[arg-type]  # plain dicts will do
    assert caught.value.code == "insufficient_quota"
    assert len(weir.rows("requests")) == 1, "nothing is to be gained by asking again"


# ── downgrades ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_downgrade_goes_to_what_of_its_route_the_budget_covers(started: Make) -> None:
    weir = started("budget: {usd_per_day: 0.008}, over_budget: downgrade")
    status, headers, answer = weir.ask(x_weir_workflow="hard", x_weir_debug="1", max_tokens=1000)
    assert (status, headers["x-weir-model"]) == (200, "llama")
    decision = answer["weir"]["decision"]
    assert decision["targets"] == ["llama"]
    assert {each["model"] for each in decision["dropped"]} == {"gpt", "claude"}
    assert any("budget" in reason for reason in decision["reasons"])
    assert metric(weir, 'weir_limit_downgrades_total{tenant="acme"}') == 1
    assert not weir.sandbox.openai.received


def test_where_refusing_is_the_policy_the_first_target_is_covered_or_none(started: Make) -> None:
    weir = started("budget: {usd_per_day: 0.008}")
    assert weir.ask(x_weir_workflow="hard", max_tokens=1000)[0] == 429
    status, headers, answer = weir.ask(max_tokens=1000, x_weir_debug="1")
    assert (status, headers["x-weir-model"]) == (200, "llama")
    assert answer["weir"]["decision"]["targets"] == ["llama"], "what is not covered is no fallback either"


def test_a_downgrade_never_widens_what_boundaries_permit(started: Make) -> None:
    """Nor what the route or an explicit name allows."""
    weir = started("budget: {usd_per_day: 0.001}, over_budget: downgrade")
    assert weir.ask(SECRET, max_tokens=1000)[0] == 429
    assert weir.ask(model="gpt", max_tokens=1000)[0] == 429
    assert not weir.sandbox.openai.received
    assert not weir.sandbox.anthropic.received
    assert not weir.sandbox.vllm.received


# ── rates ────────────────────────────────────────────────────────────────────────────────────────────────


def test_requests_per_minute(started: Make) -> None:
    weir = started("limits: {requests_per_minute: 3}")
    _start_of_a_minute()
    answers = [weir.ask() for _ in range(5)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429, 429]
    _, headers, answer = answers[-1]
    assert (answer["error"]["code"], answer["error"]["type"]) == ("rate_limit_exceeded", "requests")
    assert 1 <= int(headers["retry-after"]) <= 60
    assert "x-should-retry" not in headers


def test_tokens_per_minute(started: Make) -> None:
    weir = started("limits: {tokens_per_minute: 1200}")
    _start_of_a_minute()
    status, _, answer = weir.ask(max_tokens=2000)
    assert (status, answer["error"]["type"]) == (429, "tokens")
    assert "max_tokens" in answer["error"]["message"]
    assert weir.ask(max_tokens=1000)[0] == 200
    assert weir.ask()[0] == 429, "an answer without a limit is reserved at the configured figure"


def test_concurrent_requests(started: Make) -> None:
    weir = started("limits: {concurrent: 4}")
    assert statuses(flood(weir, count=40, let=4)) == {200: 4, 429: 36}
    assert {weir.ask()[0] for _ in range(10)} == {200}, "all places are free again"


def test_places_are_free_again_whatever_ended_the_request(started: Make) -> None:
    weir = started("limits: {concurrent: 1}")
    for mode in ("500", "cut", "garbage", "400"):
        weir.run(weir.sandbox.openai.fault(mode, count=1))
        assert weir.ask(model="gpt")[0] != 429
    weir.run(weir.sandbox.openai.fault("cut", count=1))
    assert weir.ask(model="gpt", stream=True)[0] != 429
    weir.ask_and_leave(weir.sandbox.openai, {**ASK, "stream": True})
    until(lambda: weir.ask()[0] != 429)


def _start_of_a_minute() -> None:
    """Wait where the clock's minute is about to end, as it is what requests are counted in."""
    left = 60 - time.time() % 60
    if left < 15:
        time.sleep(left + 0.1)


# ── keys, workflows, GPU time, unknown prices ────────────────────────────────────────────────────────────


def test_a_key_and_a_workflow_have_limits_of_their_own(started: Make) -> None:
    weir = started(
        "workflows: {small: {budget: {usd_per_day: 0}}, large: {}}", key=", limits: {concurrent: 0}"
    )
    status, _, answer = weir.ask()
    assert (status, "key app" in answer["error"]["message"]) == (429, True)
    ask = {"model": "auto", "messages": HELLO}
    assert weir.post(ask, key=weir.other_key)[0] == 200
    assert weir.post(ask, key=weir.other_key, x_weir_workflow="large")[0] == 200
    refused = weir.post(ask, key=weir.other_key, x_weir_workflow="small")
    assert (refused[0], b"workflow small" in refused[2]) == (429, True)
    assert metric(weir, 'weir_limit_refusals_total{tenant="acme",limit="workflow.usd_per_day"}') == 1
    assert metric(weir, 'weir_budget_used_ratio{tenant="acme",budget="small/usd_per_day"}') == 1


def test_gpu_seconds_are_a_budget(started: Make) -> None:
    weir = started("budget: {gpu_seconds_per_day: 10.001}, over_budget: downgrade")
    assert weir.ask()[1]["x-weir-model"] == "llama"
    row = weir.rows("requests")[-1]
    used = metric(weir, 'weir_budget_used_ratio{tenant="acme",budget="gpu_seconds_per_day"}')
    assert used == pytest.approx(row["gpu_ns"] / 1e9 / 10.001, abs=1e-6)
    assert row["gpu_ns"] > 1_000_000
    assert weir.ask()[1]["x-weir-model"] == "gpt", (
        "ten seconds are reserved for each request; no GPU is used there"
    )


def test_an_unknown_price_is_charged_at_its_estimate_and_never_as_nothing(started: Make) -> None:
    nameless = POLICY_WITHOUT_A_PRICE
    weir = started("budget: {usd_per_day: 0.25}", "reserve: {unpriced_usd: 0.10}", policy=nameless)
    assert [weir.ask(model="gpt")[0] for _ in range(3)] == [200, 200, 429]
    series = 'weir_budget_used_ratio{tenant="acme",budget="usd_per_day"}'
    assert metric(weir, series) == pytest.approx(0.8)
    strict = started("budget: {usd_per_day: 0.25}", "reserve: {unpriced: refuse}", policy=nameless)
    status, _, answer = strict.ask(model="gpt")
    assert (status, answer["error"]["code"]) == (403, "blocked_by_policy")
    assert "price" in answer["error"]["message"]
    assert strict.ask()[0] == 200


# ── what rules see, reloads, restarts ────────────────────────────────────────────────────────────────────


def test_rules_see_how_much_of_the_tightest_budget_is_used(started: Make) -> None:
    policy = POLICY_BY_BUDGET
    weir = started("budget: {usd_per_day: 0.03, usd_per_month: 1000}", policy=policy)
    models = [weir.ask(max_tokens=1000)[1]["x-weir-model"] for _ in range(6)]
    assert models[0] == "gpt"
    assert models[-1] == "llama"
    assert models == sorted(models), "once at home, it stays there"


def test_a_reload_changes_what_may_be_spent_and_not_what_was(started: Make) -> None:
    weir = started("budget: {usd_per_day: 10}")
    assert weir.ask(**ASK)[0] == 200
    weir.limit(weir.tenants.replace("usd_per_day: 10", "usd_per_day: 0.0001"))
    weir.write(weir.policy)
    weir.wait_for_policy_change()
    assert weir.ask(**ASK)[0] == 429
    weir.limit(weir.tenants.replace("usd_per_day: 0.0001", "usd_per_day: 1"))
    weir.write(weir.policy)
    weir.wait_for_policy_change()
    spent = sum(float(row["usd"]) for row in weir.rows("attempts"))
    series = 'weir_budget_used_ratio{tenant="acme",budget="usd_per_day"}'
    assert metric(weir, series) == pytest.approx(spent, rel=1e-6)


def test_a_restart_renews_no_budget(tmp_path: Path) -> None:
    """Of tenants, keys and workflows, of the day and of the month."""
    terms = "budget: {usd_per_day: 1, usd_per_month: 1, gpu_seconds_per_day: 1000}"
    tenants = (
        f'  acme: {{keys: [{{id: app, sha256: "KEY", budget: {{usd_per_day: 1}}}}],'
        f" workflows: {{hard: {{budget: {{usd_per_month: 1}}}}}}, {terms}}}"
    )

    def figures(weir: Budgeted) -> list[int]:
        async def read() -> list[int]:
            budgets, limits = weir.service.budgets, weir.service.runtime.reserving.allowances.all()
            return await budgets._state.used([budgets._account(limit) for limit in limits])

        found: list[int] = weir.run(read())
        return found

    first = Budgeted(tmp_path, tenants)
    for _ in range(3):
        assert first.ask(**ASK, x_weir_workflow="hard")[0] == 200
    assert first.ask()[1]["x-weir-model"] == "llama"
    before = figures(first)
    first.stop()
    assert min(before) > 0
    second = Budgeted(tmp_path, tenants)
    try:
        after = figures(second)
        assert [a == pytest.approx(b, abs=10) for a, b in zip(after, before, strict=True)] == [True] * 5
    finally:
        second.stop()


def test_a_tenant_without_limits_is_not_counted(started: Make) -> None:
    weir = started("workflows: [small]")
    assert weir.ask(x_weir_workflow="small")[0] == 200
    assert weir.service.runtime.reserving.allowances.all() == []
    assert not weir.service._state._books
