"""The evaluation runs a set's own scorer over the labels and says what was missed."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.eval_sensitivity import eval_sensitivity, held_out, wilson

SCORER = """
import argparse, gzip, json
arguments = argparse.ArgumentParser()
arguments.add_argument("answers"); arguments.add_argument("--data"); arguments.add_argument("--json")
arguments.add_argument("--brief", action="store_true")
given = arguments.parse_args()
answers = {a["id"]: a for a in map(json.loads, open(given.answers))}
rows = [json.loads(line) for line in gzip.open(f"{given.data}/rows.jsonl.gz", "rt")]
rate = lambda wanted: (lambda of: sum(answers[r["id"]]["must_stay"] for r in of) / len(of) if of else None)(
    [r for r in rows if r["must_stay"] is wanted])
names = ("recall_pattern_tier", "recall_context_tier", "recall_secrets", "evasion_recall", "structured_request_recall")
message = dict.fromkeys(names) | {"recall": rate(True), "fpr_natural": rate(False), "fpr_lookalike": None}
message |= {"n_pos": sum(r["must_stay"] for r in rows)}
message |= {"n_natural": sum(not r["must_stay"] for r in rows), "n_lookalike": 0}
json.dump({"message": message}, open(given.json, "w"))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "score.py").write_text(SCORER)
    (tmp_path / "custom_dictionary.json").write_text('["Project Basalt"]')
    return tmp_path


def write(folder: Path, *rows: dict[str, object]) -> None:
    full = ({"group": "own", "template": str(n), "id": str(n), **row} for n, row in enumerate(rows))
    with gzip.open(folder / "own.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in full)


def test_all_found(folder: Path):
    body = {"model": "auto", "messages": [{"role": "user", "content": "about project basalt"}]}
    write(
        folder,
        {"text": "my SSN is 436-78-4374", "must_stay": True},
        {"request": body, "must_stay": True},
        {"text": "hello there", "must_stay": False},
    )
    kept = folder / "kept.jsonl"
    result = CliRunner().invoke(eval_sensitivity, ["--data", str(folder), "--predictions", str(kept)])
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [answer["labels"] for answer in answers] == [["US_SSN"], ["CUSTOM_TERM"], []]
    assert "436" not in kept.read_text()


def test_a_missed_bar_fails(folder: Path):
    write(folder, {"text": "nothing to see", "must_stay": True}, {"text": "hello", "must_stay": False})
    result = CliRunner().invoke(eval_sensitivity, ["--data", str(folder)])
    assert result.exit_code == 1
    assert "missed" in result.output


def test_whole_templates_are_held_out():
    rows = [{"template": f"T{n}"} for n in range(400)]
    assert 80 < sum(map(held_out, rows)) < 160
    assert held_out({"rule": "a", "template": "x"}) == held_out({"rule": "a", "template": "y"})


def test_wilson():
    low, high = wilson(0.0, 785)
    assert low == 0
    assert high == pytest.approx(0.0049, abs=1e-4)
    assert wilson(0.5, 0) == (0.0, 1.0)
