"""`weir keys`: what it prints works, and is shown once."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from gateway.access.keys import digest
from gateway.cli.keys import keys

POLICY = """
site: home
zones: {home: {inside: true}}
backends: {gpu: {kind: vllm, zone: home, replicas: ["http://127.0.0.1:8000"]}}
models: {llama: {backend: gpu}}
routes: [{name: all, use: [llama]}]
tenants:
  acme:
    keys:
"""


def test_a_key_is_printed_once_with_the_line_to_paste() -> None:
    out = CliRunner().invoke(keys, ["create", "acme", "--id", "app", "--expires", "2099-01-31"]).output
    key = re.search(r"^  (sk-weir-\S+)$", out, re.MULTILINE)
    assert key
    assert f'- {{id: app, sha256: "{digest(key[1])}", expires: 2099-01-31}}' in out
    assert out.count(key[1]) == 1


def test_a_key_cannot_expire_before_it_begins() -> None:
    result = CliRunner().invoke(keys, ["create", "acme", "--expires", "2020-01-01"])
    assert result.exit_code == 2
    assert "already past" in result.output


def test_the_list_says_which_count(tmp_path: Path) -> None:
    created = CliRunner().invoke(keys, ["create", "acme", "--id", "app"]).output
    line = next(line for line in created.splitlines() if "sha256" in line and "{" in line)
    file = tmp_path / "weir.yaml"
    file.write_text(f"{POLICY}    {line}\n")
    out = CliRunner().invoke(keys, ["list", "--config", str(file)]).output
    assert "app" in out
    assert "yes" in out
    past = (datetime.now(UTC) - timedelta(days=1)).date()
    file.write_text(f"{POLICY}    {line.replace('}', f', expires: {past}}}')}\n")
    assert "no, expired" in CliRunner().invoke(keys, ["list", "--config", str(file)]).output


def test_a_wrong_configuration_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "weir.yaml"
    file.write_text("zonez: {}\n")
    result = CliRunner().invoke(keys, ["list", "--config", str(file)])
    assert result.exit_code == 1
    assert "weir.yaml:1" in result.output
    assert "zones" in result.output


def test_names_that_are_not_plain_are_quoted_for_yaml() -> None:
    out = CliRunner().invoke(keys, ["create", "a: b", "--id", 'x"}']).output
    assert r'- {id: "x\"}", sha256: ' in out
    assert '`tenants: "a: b": keys:`' in out


def test_a_list_of_none_says_how_to_make_one(tmp_path: Path) -> None:
    file = tmp_path / "weir.yaml"
    file.write_text(POLICY.replace("tenants:\n  acme:\n    keys:\n", "tenants: {acme: {}}\n"))
    assert "weir keys create" in CliRunner().invoke(keys, ["list", "--config", str(file)]).output
