"""`weir classify`: a line in, a line out; no value that was found."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli.classify import classify


def run(*rows: Any, options: tuple[str, ...] = ()) -> tuple[Result, list[dict[str, Any]]]:
    lines = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    result = CliRunner().invoke(classify, list(options), input=lines)
    return result, [json.loads(line) for line in result.output.splitlines()]


def test_texts_prompts_and_requests_are_labelled_and_scored() -> None:
    ssn = "My SSN is 536-22-8741."
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": ssn}]}]}
    result, answers = run({"id": 1, "text": ssn}, {"id": "b", "prompt": "Hello"}, {"id": 3, "request": body})
    assert result.exit_code == 0
    assert [(a["id"], a["labels"], a["level"], a["must_stay"]) for a in answers] == [
        (1, ["US_SSN"], "restricted", True),
        ("b", [], "internal", False),
        (3, ["US_SSN"], "restricted", True),
    ]
    assert all(0 <= answer["score"] <= 1 for answer in answers)
    assert "536-22" not in result.output


def test_terms_of_the_deployment_are_found(tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text('["Project Halcyon"]')
    _, answers = run({"id": 1, "text": "How is project halcyon going?"}, options=("--terms", str(terms)))
    assert answers[0]["labels"] == ["CUSTOM_TERM"]
    terms.write_text("[1]")
    result = CliRunner().invoke(classify, ["--terms", str(terms)], input="")
    assert result.exit_code == 2
    assert "list of strings" in result.output


def test_a_bad_line_is_told_and_the_next_one_works() -> None:
    result, answers = run("not json", {"id": 2}, "[]", {"id": 3, "text": "hi"})
    assert result.exit_code == 1
    assert [("error" in answer, answer["id"]) for answer in answers] == [
        (True, None),
        (True, 2),
        (True, None),
        (False, 3),
    ]


def test_reasons_are_given_when_asked_for() -> None:
    _, answers = run(
        {"id": 1, "text": "Prove that there are infinitely many primes."}, options=("--reasons",)
    )
    assert answers[0]["reasons"]


def test_types_are_named_as_other_tools_name_them():
    _, answers = run({"id": 1, "text": "ID card number: X4L7K99-2201"})
    assert answers[0]["labels"] == ["GOV_ID"]
    assert answers[0]["must_stay"]


def test_a_file_without_terms_is_a_mistake(tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text('{"a": 1}')
    result = CliRunner().invoke(classify, ["--terms", str(terms)], input="")
    assert result.exit_code == 2
    assert "holds no term" in result.output
