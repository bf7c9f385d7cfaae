"""The hardest share through a whole Weir: it keeps to the share, says its threshold, and takes over new weights."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.router_weights import shipped
from routers.complexity.weights import CALIBRATED, Weights
from tests.integration.redises import SERVER
from tests.integration.sandboxed import POLICY, Sandboxed
from tests.integration.sharing import two_gateways

SHARE = POLICY.replace("when: {workflow: hard}", "when: {complexity: {hardest: 25%}}")
SENTENCE = (
    "prove that every bounded sequence of real numbers converges or explain why this theorem cannot hold"
)
WORDS = SENTENCE.split()


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    running = Sandboxed(tmp_path_factory.mktemp("weir"), SHARE)
    yield running
    running.stop()


def prompt(turn: int) -> list[dict[str, Any]]:
    """A prompt of its own for each turn, easy or hard as it comes."""
    words = WORDS[: 1 + turn * 7 % len(WORDS)]
    return [{"role": "user", "content": f"{' '.join(words)} {turn * 37 % 101}?"}]


def scraped(weir: Sandboxed, series: str) -> float | None:
    with urllib.request.urlopen(weir.service.metrics_url) as answer:  # noqa: S310  # its own loopback URL
        found = re.search(rf"^{re.escape(series)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return None if found is None else float(found[1])


def test_a_quarter_goes_to_the_strong_model_and_each_decision_can_be_made_again(weir: Sandboxed) -> None:
    for turn in range(220):
        assert weir.ask(prompt(turn))[0] == 200
    rows = [row for row in weir.rows("requests") if row["route"]]
    late = rows[100:]
    share = sum(row["route"] == "hard" for row in late) / len(late)
    assert 0.15 <= share <= 0.3
    for row in rows:
        (said,) = [reason for reason in json.loads(row["reasons"]) if "for route hard" in reason]
        threshold = float(said.rsplit("from ", 1)[1].removesuffix(" on"))
        assert (row["complexity"] >= threshold) is (row["route"] == "hard"), said
    assert (
        scraped(weir, 'weir_complexity_threshold{route="hard"}')
        == weir.service.runtime.hardness.thresholds["hard"]
    )
    drifted = scraped(weir, 'weir_complexity_drift_ratio{calibration="shipped"}')
    assert drifted is not None
    kinds = {row["kind"] for row in rows}
    assert kinds
    for kind in kinds:
        assert scraped(weir, f'weir_tasks_total{{kind="{kind}"}}') == sum(row["kind"] == kind for row in rows)
    assert 0 < drifted <= 1


def test_a_reload_keeps_the_threshold_and_new_weights_begin_anew(weir: Sandboxed) -> None:
    before = weir.service.runtime
    weir.write(SHARE + "actions: {quiet: 4m}\n")
    weir.wait_for_policy_change()
    kept = weir.service.runtime
    assert kept is not before
    assert kept.judge.scorer is before.judge.scorer
    assert kept.hardness.thresholds == before.hardness.thresholds

    own = weir.folder / "own.weights"
    card = {CALIBRATED: {}, "quantiles": [at / 100 for at in range(101)]}
    own.write_bytes(Weights.from_bytes(shipped()).with_card(card).to_bytes())
    weir.write(SHARE + "complexity: {weights: own.weights}\n")
    weir.wait_for_policy_change()
    assert weir.service.runtime.hardness.thresholds == {"hard": 0.76}
    _, _, answer = weir.ask(prompt(1), x_weir_debug="1")
    assert any("from 0.760000 on" in reason for reason in answer["weir"]["decision"]["reasons"])

    policy = weir.service.runtime.snapshot.policy.hash
    own.write_bytes(b"not weights")
    weir.wait_until_refused()
    assert weir.service.runtime.snapshot.policy.hash == policy
    assert weir.ask(prompt(2))[0] == 200

    card["quantiles"] = [
        at / 200 for at in range(101)
    ]  # a new artefact in the same place, and nothing else changed
    own.write_bytes(Weights.from_bytes(shipped()).with_card(card).to_bytes())
    weir.wait_for_policy_change()
    assert weir.service.runtime.hardness.thresholds == {"hard": 0.38}


def test_a_restart_goes_on_where_traffic_was(tmp_path: Path) -> None:
    weir = Sandboxed(tmp_path, SHARE)
    try:
        start = thresholds(weir)
        for turn in range(80):
            assert weir.ask(prompt(turn))[0] == 200
        before = thresholds(weir)
        assert before != start
        weir.restart()
        assert thresholds(weir) == before
        assert "theorem" not in (tmp_path / "ledger.scores.json").read_text()
        (tmp_path / "ledger.scores.json").write_text("{")
        weir.restart()
        assert thresholds(weir) == start
        assert weir.ask(prompt(1))[0] == 200
    finally:
        weir.stop()


@pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
def test_gateways_share_it_and_do_without(tmp_path: Path) -> None:
    with two_gateways(tmp_path, SHARE) as (redis, one, two):
        start = thresholds(one)
        for turn in range(80):
            assert one.ask(prompt(turn))[0] == 200
        for each in (one, two):  # what each does every two seconds
            each.run(each.service._thresholds.exchange(each.service.runtime.hardness))
        shared = thresholds(two)
        assert thresholds(one) == shared != start
        two.restart()
        assert thresholds(two) == shared
        redis.stop()
        for turn in range(80):
            two.ask([{"role": "user", "content": f"Hello {turn}!"}])
        deadline = time.monotonic() + 60
        while thresholds(two) == shared:
            assert time.monotonic() < deadline, "it never followed its own traffic"
            time.sleep(0.05)
        assert thresholds(one) == shared


def thresholds(weir: Sandboxed) -> dict[str, float]:
    return dict(weir.service.runtime.hardness.thresholds)
