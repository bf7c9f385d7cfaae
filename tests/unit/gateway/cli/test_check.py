"""`weir check` and `weir schema` as a person and as CI use them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.check import check
from gateway.cli.schema import schema
from gateway.configuration.schema import json_schema

TEXT = """\
zones:
  home: {inside: true, jurisdiction: EU}
  cloud: {inside: false}
backends:
  gpu: {kind: vllm, zone: home, replicas: [http://10.0.0.1:8000]}
  cloud: {kind: openai, zone: cloud, api_key: sk-very-secret}
models:
  small: {backend: gpu}
  large: {backend: cloud}
boundaries:
  - {name: stays-home, data: {at_least: confidential}, only: {inside: true}}
routes:
  - {name: hard, when: {complexity: {at_least: 0.7}}, use: [large], on_failure: [small]}
  - {name: everyday, use: [small]}
tenants:
  acme: {}
"""
HOLDS = (
    "guarantees:\n  - {name: HEALTH stays in the EU, data: {category: HEALTH}, only: {jurisdiction: EU}}\n"
)
BREAKS = "guarantees:\n  - {name: nothing leaves, tenants: [acme], never: {inside: false}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weir.yaml").write_text(TEXT)
    return tmp_path


def run(*arguments: object):
    return CliRunner().invoke(check, list(map(str, arguments)), env={"COLUMNS": "140"})


def test_a_right_configuration_shows_where_data_could_go(folder):
    result = run(folder)
    assert result.exit_code == 0
    assert "The configuration is right" in result.output
    assert "2 models, 1 boundary, 2 routes" in result.output.replace("\n", " ")
    rows = {cells[0].strip(): [cell.strip() for cell in cells[1:5]] for cells in table(result.output)}
    assert rows["everyday"] == ["small"] * 4
    assert rows["hard"] == ["large ↗", "large ↗", "small", "small"]
    assert rows["HEALTH"] == ["—", "—", "home", "home"]
    assert rows["nothing"] == ["home, cloud ↗", "home, cloud ↗", "home", "home"]
    assert "sk-very-secret" not in result.output


def test_what_would_have_no_price_is_named(folder):
    output = run(folder).output
    assert "warning: what the model `small` costs is unknown: no usd_per_gpu_hour for gpu" in output
    assert "warning: what the model `large` costs is unknown: no price for openai/large" in output
    prices = "prices: [{model: openai/large, from: 2025-01-01, usd_per_million: {input: 1, output: 2}}]\n"
    (folder / "prices.yaml").write_text(prices)
    priced = TEXT + "server: {prices: prices.yaml}\n"
    (folder / "weir.yaml").write_text(priced.replace("8000]}", "8000], gpus: 1, usd_per_gpu_hour: 2}"))
    result = run(folder)
    assert (result.exit_code, "costs is unknown" in result.output) == (0, False)
    (folder / "prices.yaml").write_text("prices: [{model: large}]\n")
    result = run(folder)
    assert result.exit_code == 1
    assert "prices.yaml" in result.output


def table(output: str) -> list[list[str]]:
    return [line.strip("│").split("│") for line in output.splitlines() if line.startswith("│")]


def test_a_wrong_one_fails_with_every_problem(folder):
    (folder / "weir.yaml").write_text(TEXT.replace("use: [small]", "use: [smal]"))
    result = run(folder)
    assert result.exit_code == 1
    assert f"{folder}/weir.yaml:14: there is no model `smal`" in result.output
    assert "did you mean `small`?" in result.output
    assert "1 problem: this would be refused" in result.output


def test_guarantees_hold_or_break_the_build(folder):
    (folder / "guarantees.yaml").write_text(HOLDS)
    (folder / "more.yaml").write_text(BREAKS)
    held = run(folder, "--assert", folder / "guarantees.yaml")
    assert held.exit_code == 0
    assert "holds   HEALTH stays in the EU" in held.output
    broken = run(folder, "--assert", folder / "guarantees.yaml", "--assert", folder / "more.yaml")
    assert broken.exit_code == 1
    assert "BROKEN  nothing leaves" in broken.output
    assert "tenant acme, workflow (other): hard → large at once" in broken.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BREAKS.replace("acme", "acne"), "there is no tenant `acne`"),
        (BREAKS.replace("inside: false", "zone: clod"), "there is no zone `clod`"),
        (BREAKS.replace("never", "nevr"), "unknown key `nevr` in `guarantees[0]`"),
        (BREAKS.replace("}}", "}, only: {inside: true}}"), "a guarantee has either `only` or `never`"),
        ("guarantees: []", "`guarantees`: it may not be empty"),
    ],
)
def test_a_guarantee_that_would_hold_for_no_reason_is_refused(folder, text, message):
    (folder / "guarantees.yaml").write_text(text)
    result = run(folder, "--assert", folder / "guarantees.yaml")
    assert result.exit_code == 1
    assert message in result.output


def test_json_is_for_machines(folder):
    (folder / "more.yaml").write_text(BREAKS)
    result = run(folder, "--format", "json", "--assert", folder / "more.yaml")
    answer = json.loads(result.output)
    assert (result.exit_code, answer["ok"]) == (1, False)
    (guarantee,) = answer["guarantees"]
    assert {each["model"] for each in guarantee["broken_by"]} == {"large"}
    assert not any(end["outside"] for end in answer["ends"] if end["level"] in {"confidential", "restricted"})
    assert {
        "level",
        "found",
        "tenant",
        "workflow",
        "route",
        "model",
        "zone",
        "outside",
        "redacted",
        "after_failures",
    } == set(answer["ends"][0])


def test_problems_as_json(folder):
    (folder / "weir.yaml").write_text("zones: 5\n")
    answer = json.loads(run(folder, "--format", "json").output)
    assert answer["ok"] is False
    assert answer["problems"][0]["line"] == 1


def test_the_schema_is_printed():
    assert json.loads(CliRunner().invoke(schema).output) == json_schema()


def test_the_annotated_example_keeps_its_guarantees():
    config = Path(__file__).resolve().parents[4] / "config"
    result = run(config, "--assert", config / "guarantees.yaml")
    assert result.exit_code == 0, result.output
    assert result.output.count("holds   ") == 4


REDACTING = TEXT.replace("only: {inside: true}}", "only: {inside: true}, outside: {if: redacted}}")
INSIDE = "guarantees:\n  - {name: inside, data: {at_least: confidential}, only: {inside: true}%s}\n"


def test_ends_that_are_reached_redacted_only_are_marked_and_can_be_forbidden_or_allowed(folder):
    (folder / "weir.yaml").write_text(REDACTING)
    forbids, allows = folder / "a.txt", folder / "b.txt"
    forbids.write_text(INSIDE % "")
    allows.write_text(INSIDE % ", outside: {if: redacted}")
    result = run(folder / "weir.yaml", "--assert", forbids)
    rows = {cells[0].strip(): [cell.strip() for cell in cells[1:5]] for cells in table(result.output)}
    assert rows["GOV_ID"] == ["—", "—", "—", "home, cloud ↗ redacted"]
    assert rows["MARKING"] == ["—", "—", "home", "home"]
    assert "↗ redacted: only with every value replaced" in result.output
    assert result.exit_code == 1
    assert "BROKEN  inside" in result.output
    assert "redacted; zone cloud is outside" in result.output.replace("\n", " ")
    assert run(folder / "weir.yaml", "--assert", allows).exit_code == 0
    answer = json.loads(run(folder / "weir.yaml", "--format", "json").output)
    assert {end["found"] for end in answer["ends"] if end["redacted"]} >= {"GOV_ID", "SECRET"}
