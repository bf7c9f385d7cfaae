"""`weir explain`: the decision, its reasons, and every other model's fate."""

import json
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
