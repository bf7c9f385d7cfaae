"""`weir explain`: the decision, its reasons, and every other model's fate."""

import json
import shutil
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli.explain import explain

EXAMPLE = Path(__file__).resolve().parents[4] / "config" / "weir.yaml"


def run(*arguments: str, body: bytes | None = None) -> Result:
    return CliRunner().invoke(explain, ["--config", str(EXAMPLE), *arguments], input=body)


def told(*arguments: str, body: bytes | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("--json", *arguments, body=body).output)
    return answer


def test_a_secret_stays_home_and_each_outside_model_says_why() -> None:
    answer = told("My SSN is 536-22-8741.")
    assert answer["label"] == {
        "level": "restricted",
        "types": {"US_SSN": 1},
        "rules": answer["label"]["rules"],
        "unscanned": [],
        "failed": [],
    }
    outside = answer["models"]["gpt-5"]
    assert not outside["permitted"]
    assert outside["boundary"]
    assert all(answer["models"][name]["permitted"] for name in answer["targets"])


def test_an_explicit_model_that_may_not_have_it_is_a_403() -> None:
    result = run("My SSN is 536-22-8741.", "--model", "gpt-5")
    assert result.exit_code == 2
    assert "403" in result.output
    assert "536-22" not in result.output


def test_a_whole_request_can_be_explained() -> None:
    body = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}).encode()
    assert told("--request", "-", body=body)["route"] == "explicit"


def test_what_cannot_be_explained_is_said() -> None:
    assert "does not exist" in run("hi", "--model", "nope").output
    assert run("hi", "--model", "nope").exit_code == 1
    assert "PROMPT" in run().output
    assert "not JSON" in run("--request", "-", body=b"nope").output


def test_a_rolling_threshold_is_where_a_gateway_begins_or_as_given() -> None:
    begins = run("Prove the theorem.", "--tenant", "research")
    assert "where a gateway begins" in begins.output
    answer = told("Prove the theorem.", "--tenant", "research", "--threshold", "hard", "0.0")
    assert answer["route"] == "hard"
    assert any("for route hard, from 0.000000 on" in reason for reason in answer["reasons"])
    assert told("Prove the theorem.", "--threshold", "hard", "0.99")["route"] == "everyday"
    refused = run("Prove the theorem.", "--threshold", "everyday", "0.5")
    assert refused.exit_code == 2
    assert "asks for no hardest share (hard)" in refused.output


def test_redacted_only_targets_are_told_with_counts_and_without_values(tmp_path: Path) -> None:
    file = tmp_path / "weir.yaml"
    file.write_text(
        EXAMPLE.read_text()
        .replace("    only: {inside: true}\n", "    only: {inside: true}\n    outside: {if: redacted}\n")
        .replace("prices: prices.yaml", "")
    )
    text = "My SSN is 536-22-8741."
    runner = CliRunner()
    answer = json.loads(
        runner.invoke(
            explain, ["--config", str(file), "--tenant", "research", "--json", "--model", "gpt-5", text]
        ).output
    )
    assert answer["models"]["gpt-5"] == {"permitted": True, "only": "redacted"}
    assert answer["models"]["llama-8b"] == {"permitted": True}
    assert answer["redacted"] == {"possible": True, "values": {"US_SSN": 1}, "why_not": None}
    shown = runner.invoke(
        explain, ["--config", str(file), "--tenant", "research", "--model", "gpt-5", text]
    ).output
    assert "redacted" in shown
    assert "536-22" not in shown
    stays = runner.invoke(
        explain,
        ["--config", str(file), "--tenant", "research", "--json", "--model", "gpt-5", text + " TLP:RED"],
    )
    assert stays.exit_code == 2
    assert "CONFIDENTIAL_MARKING" in json.loads(stays.output)["redacted"]["why_not"]


def test_any_path_s_body_is_read_as_that_path_reads_it() -> None:
    body = {
        "model": "auto",
        "max_tokens": 9,
        "system": "My SSN is 536-22-8741.",
        "messages": [{"role": "user", "content": "hi"}],
    }
    answer = told("--request", "-", "--path", "/v1/messages", body=json.dumps(body).encode())
    assert answer["label"]["types"] == {"US_SSN": 1}
    answer = told(
        "--request",
        "-",
        "--path",
        "/v1/responses",
        body=b'{"model": "auto", "input": "My SSN is 536-22-8741."}',
    )
    assert answer["label"]["types"] == {"US_SSN": 1}


def test_what_is_left_out_is_said_and_detectors_are_asked_on_request(tmp_path: Path) -> None:
    with_detector = tmp_path / "weir.yaml"
    shutil.copytree(EXAMPLE.parent, tmp_path, dirs_exist_ok=True)
    zone = EXAMPLE.read_text().split("\nsite: ", 1)[1].split()[0]
    detector = f"\n  detectors:\n    - {{name: names, url: 'http://127.0.0.1:9/scan', zone: {zone}, deadline: 200ms}}"
    with_detector.write_text(EXAMPLE.read_text().replace("\nsensitivity:", f"\nsensitivity:{detector}", 1))
    arguments = ["--config", str(with_detector), "Say hello"]
    assert "Not asked: the detectors names" in CliRunner().invoke(explain, arguments).output
    told = json.loads(CliRunner().invoke(explain, [*arguments, "--conversation", "c", "--json"]).output)
    assert [note.split(":")[0] for note in told["left_out"][:2]] == ["Not asked", "Not known here"]
    asked = json.loads(CliRunner().invoke(explain, [*arguments, "--detectors", "--json"]).output)
    assert not any("Not" in note for note in asked["left_out"])
    assert asked["label"]["failed"] == ["names"]
    assert asked["label"]["level"] == "restricted"
