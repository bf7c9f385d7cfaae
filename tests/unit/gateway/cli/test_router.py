"""`weir router`: training that says what it found, promotion that can be refused, thresholds, and the page."""

import gzip
import json
import re
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from gateway.cli import router_learning
from gateway.cli.router import eval_complexity, router
from gateway.cli.router_weights import shipped
from routers.complexity import train
from routers.complexity.weights import Weights

HARD = [
    "prove",
    "theorem",
    "integral",
    "lemma",
    "converge",
    "modulus",
    "eigenvalue",
    "topology",
    "bound",
    "induction",
]
EASY = [
    "hello",
    "colour",
    "holiday",
    "weather",
    "breakfast",
    "garden",
    "football",
    "recipe",
    "birthday",
    "picture",
]
FILLER = [
    "please",
    "tell",
    "about",
    "the",
    "with",
    "some",
    "more",
    "a",
    "of",
    "and",
    "this",
    "that",
    "for",
    "you",
]


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees may be coarse here: none of this rests on them, and there are hundreds."""
    monkeypatch.setattr(train, "ROWS", 300)
    monkeypatch.setattr(train, "TREES", 20)
    monkeypatch.setattr(router_learning, "DRAWS", 3)


def rows(count: int, seed: int, *, signal: float = 0.9, source: str = "made") -> list[dict[str, object]]:
    """Prompts of hard or easy words; with `signal` the strong model is needed exactly for the hard ones."""
    draw = Random(seed)  # noqa: S311  # test data, not secrets
    out: list[dict[str, object]] = []
    for at in range(count):
        hard = draw.random() < 0.4
        needed = hard if draw.random() < signal else draw.random() < 0.4
        words = draw.choices(HARD if hard else EASY, k=5) + draw.choices(FILLER, k=draw.randrange(4, 40))
        draw.shuffle(words)
        out.append(
            {
                "prompt": f"{' '.join(words)} {seed}-{at}",
                "strong": 1.0,
                "weak": 0.0 if needed else 1.0,
                "source": source,
                "subject": f"subject-{at % 4}",
            }
        )
    return out


def file(path: Path, values: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def weir(*words: str | Path) -> Result:
    return CliRunner().invoke(router, [str(word) for word in words], env={"COLUMNS": "160"})


@pytest.fixture
def learnable(tmp_path: Path) -> Path:
    return file(tmp_path / "rows.jsonl", rows(400, 1))


def test_training_writes_a_dated_artefact_with_its_card(learnable: Path, tmp_path: Path) -> None:
    result = weir("train", learnable, "--out", tmp_path / "out", "--resamples", 60, "--pair", "big/small")
    assert result.exit_code == 0, result.output
    (written,) = (tmp_path / "out").iterdir()
    assert re.fullmatch(r"complexity-\d{8}T\d{6}Z-[0-9a-f]{8}\.weights", written.name)
    card = Weights.from_bytes(written.read_bytes()).card
    assert card["rows"] == 400
    assert card["pair"] == "big/small"
    assert card["metrics"]["apgr"][0] > 0.6
    for name in ("random", "prompt length", "current weights"):
        assert name in result.output


def test_the_same_rows_and_seed_give_the_same_weights(learnable: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        assert weir("train", learnable, "--out", tmp_path / name, "--resamples", 60).exit_code == 0
        (written,) = (tmp_path / name).iterdir()
        weights = Weights.from_bytes(written.read_bytes())
        made.append((weights.tables, weights.trees, weights.slopes, weights.card["metrics"]))
    assert made[0] == made[1]


def test_what_is_better_is_promoted(learnable: Path, tmp_path: Path) -> None:
    target = tmp_path / "live.weights"
    result = weir("train", learnable, "--out", tmp_path / "out", "--promote", target, "--resamples", 60)
    assert result.exit_code == 0, result.output
    (written,) = (tmp_path / "out").iterdir()
    assert target.read_bytes() == written.read_bytes()


def test_weights_that_cannot_be_read_any_more_are_trained_anew_over(learnable: Path, tmp_path: Path) -> None:
    target = tmp_path / "live.weights"
    target.write_bytes(b"WEIRCPLX" + bytes(100))
    result = weir("train", learnable, "--out", tmp_path / "out", "--promote", target, "--resamples", 60)
    assert result.exit_code == 0, result.output
    assert "live.weights: the weights have version 0" in result.output
    assert Weights.from_bytes(target.read_bytes()).card["rows"] == 400


def test_labels_without_a_pattern_are_not_promoted(tmp_path: Path) -> None:
    noise = file(tmp_path / "noise.jsonl", rows(300, 2, signal=0.0))
    target = tmp_path / "live.weights"
    result = weir("train", noise, "--out", tmp_path / "out", "--promote", target, "--resamples", 60)
    assert result.exit_code == 1
    assert "not promoted" in result.output
    assert "prompt length" in result.output
    assert not target.exists()
    assert len(list((tmp_path / "out").iterdir())) == 1  # written all the same, to look at


def test_weights_are_not_replaced_by_their_like(learnable: Path, tmp_path: Path) -> None:
    target = tmp_path / "live.weights"
    assert (
        weir("train", learnable, "--out", tmp_path / "a", "--promote", target, "--resamples", 60).exit_code
        == 0
    )
    held = target.read_bytes()
    again = file(tmp_path / "again.jsonl", rows(400, 1) + rows(80, 3))
    result = weir("train", again, "--out", tmp_path / "b", "--promote", target, "--resamples", 60)
    assert result.exit_code == 1
    assert "current weights" in result.output
    assert target.read_bytes() == held


def test_weights_are_judged_only_on_rows_they_have_not_seen(learnable: Path, tmp_path: Path) -> None:
    target = tmp_path / "live.weights"
    assert (
        weir("train", learnable, "--out", tmp_path / "a", "--promote", target, "--resamples", 60).exit_code
        == 0
    )
    result = weir("train", learnable, "--out", tmp_path / "b", "--promote", target, "--resamples", 60)
    assert result.exit_code == 1
    assert "nothing fair can be said" in result.output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "rows.jsonl:1 is not JSON"),
        ("[]", "rows.jsonl:1 is not a JSON object"),
        ('{"prompt": "private words", "strong": 2, "weak": 0}', 'rows.jsonl:1 needs "strong"'),
        ('{"prompt": "private words", "strong": 1}', 'rows.jsonl:1 needs "weak"'),
        ('{"strong": 1, "weak": 0}', 'rows.jsonl:1 needs "prompt"'),
    ],
)
def test_a_bad_row_is_named_and_not_quoted(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    result = weir("train", path, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert said in result.output
    assert "private" not in result.output


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    result = weir("train", file(tmp_path / "few.jsonl", rows(20, 1)), "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "too few" in result.output


def test_requests_are_read_as_conversations(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital?"}]
    plain = file(tmp_path / "a.jsonl", [{"prompt": "What is the capital?"}])
    chat = file(tmp_path / "b.jsonl", [{"request": {"model": "m", "messages": turns}}])
    said = [weir("calibrate", path, "--share", 1).output for path in (plain, chat)]
    assert said[0] == said[1]


def test_a_share_sets_its_quantile(tmp_path: Path) -> None:
    unlabelled = [{"prompt": row["prompt"]} for row in rows(2_500, 4)]
    result = weir("calibrate", file(tmp_path / "rows.jsonl", unlabelled), "--share", 0.3)
    assert result.exit_code == 0, result.output
    sent = float(re.search(r"sends ([\d.]+)% of them", result.output)[1])  # type: ignore[index]  # or the test fails
    assert sent == pytest.approx(30, abs=0.5)
    assert "rolling window" in result.output
    assert re.search(r"complexity: \{at_least: 0\.\d+\}", result.output)
    assert "complexity: {hardest: 30%}" in result.output


def test_calibrated_weights_score_alike_and_begin_where_traffic_is(tmp_path: Path) -> None:
    unlabelled = file(tmp_path / "rows.jsonl", [{"prompt": row["prompt"]} for row in rows(120, 7)])
    out = tmp_path / "live.weights"
    result = weir("calibrate", unlabelled, "--share", 0.3, "--out", out)
    assert result.exit_code == 0, result.output
    calibrated, held = Weights.from_bytes(out.read_bytes()), Weights.from_bytes(shipped())
    assert calibrated.tables == held.tables
    assert calibrated.card["calibrated"]["prompts"] == 120
    assert calibrated.quantiles != held.quantiles
    assert len(calibrated.quantiles) == 101
    at = float(re.search(r"threshold (0\.\d+)", result.output)[1])  # type: ignore[index]  # as above
    assert sum(quantile >= at for quantile in calibrated.quantiles) == pytest.approx(30, abs=2)
    assert weir("calibrate", unlabelled, "--quality", 0.8, "--out", out).exit_code == 2


def test_a_quality_asks_for_more_where_labels_are_few(tmp_path: Path) -> None:
    weights = tmp_path / "live.weights"
    trained = file(tmp_path / "train.jsonl", rows(500, 5))
    assert weir("train", trained, "--out", tmp_path, "--promote", weights, "--resamples", 60).exit_code == 0
    shares = []
    for count in (60, 1_000):
        fresh = file(tmp_path / f"{count}.jsonl", rows(count, 6))
        result = weir("calibrate", fresh, "--quality", 0.8, "--weights", weights, "--resamples", 100)
        assert result.exit_code == 0, result.output
        assert "confidence" in result.output
        shares.append(float(re.search(r"sends (\d+)% of calls", result.output)[1]))  # type: ignore[index]  # as above
    assert shares[0] > shares[1]


def test_a_quality_needs_labels_and_one_target_is_given(tmp_path: Path) -> None:
    unlabelled = file(tmp_path / "rows.jsonl", [{"prompt": "hello"}])
    assert 'needs "strong"' in weir("calibrate", unlabelled, "--quality", 0.8).output
    assert weir("calibrate", unlabelled).exit_code == 2
    assert weir("calibrate", unlabelled, "--quality", 0.8, "--share", 0.3).exit_code == 2


def test_the_page_stands_alone(learnable: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    result = weir("report", learnable, "--out", out, "--resamples", 60)
    assert result.exit_code == 0, result.output
    page = out.read_text()
    assert page.count("<svg") == 3
    assert not re.search(r"<script|<link|src=|href=|@import|url\(|https?://", page)
    assert "subject-3" in page
    assert "were not trained on these rows" in page


def test_the_page_admits_rows_the_weights_have_seen(learnable: Path, tmp_path: Path) -> None:
    weights, out = tmp_path / "live.weights", tmp_path / "page.html"
    assert weir("train", learnable, "--out", tmp_path, "--promote", weights, "--resamples", 60).exit_code == 0
    assert weir("report", learnable, "--weights", weights, "--out", out, "--resamples", 60).exit_code == 0
    assert "cross-validated by prompt" in out.read_text()


def test_damaged_weights_are_named(learnable: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.weights"
    bad.write_bytes(b"nonsense")
    result = weir("report", learnable, "--weights", bad)
    assert result.exit_code == 1
    assert "bad.weights" in result.output


def test_evaluation_covers_every_protocol_and_fails_below_a_bar(tmp_path: Path) -> None:
    for at, name in enumerate(("alpha", "beta")):
        text = "".join(json.dumps(row) + "\n" for row in rows(220, 10 + at, source=name))
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    out = tmp_path / "figures.json"
    asked = [str(tmp_path), "--json", str(out), "--resamples", "60", "--require"]
    good = CliRunner().invoke(eval_complexity, [*asked, "prompt:alpha>=0.55"], env={"COLUMNS": "160"})
    assert good.exit_code == 0, good.output
    figures = json.loads(out.read_text())["figures"]
    learning = json.loads(out.read_text())["learning"]["alpha"]["100"]
    assert len(learning["own"]) == len(learning["plain"])
    assert learning["lead"][1] <= learning["lead"][0] <= learning["lead"][2]
    assert (
        min(learning["plain"]) > 0.6
    )  # of words that tell hard from easy even the yardstick makes something
    protocols = {"prompt", "subject", "transfer", "pooled"}
    assert set(figures) == {f"{protocol}:{name}" for protocol in protocols for name in ("alpha", "beta")}
    bad = CliRunner().invoke(eval_complexity, [*asked, "prompt:alpha>=0.99"], env={"COLUMNS": "160"})
    assert bad.exit_code == 1
    assert "prompt:alpha" in bad.output
