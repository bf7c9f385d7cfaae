"""Golden error messages: file, line, sentence, suggestion."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors, Problem
from tests.unit.gateway.configuration.mistakes import CASES

EXAMPLE = Path(__file__).resolve().parents[4] / "config" / "weir.yaml"


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_line_and_what_to_write_instead(refused, small, name):
    old, new, message = CASES[name]
    assert refused(changed(small, old, new)) == [message]


def test_everything_wrong_is_said_at_once(refused, small):
    text = changed(small, "use: [small]", "use: [smal]").replace("backend: gpu", "backend: cpu")
    assert [line.split(":")[1] for line in refused(text)] == ["9", "16"]


def test_what_stands_in_two_files_is_refused_with_both_places(refused, small):
    assert refused(small, "site: home\n") == [
        "b.yaml:1: `site` stands already at a.yaml:1\n"
        "    keep it in one file; only zones, backends, models, aliases, tenants may be spread over several"
    ]
    assert refused(small, "models:\n  other: {backend: gpu}\n  small: {backend: gpu}\n") == [
        "b.yaml:3: `models.small` stands already at a.yaml:9\n    give one of them another name"
    ]


def test_no_message_shows_what_came_from_the_environment(refused, small):
    text = changed(small, "kind: vllm", 'kind: "${KIND}"')
    assert refused(text, environ={"KIND": "sk-very-secret"}) == [
        "a.yaml:6: `backends.gpu.kind`: its value is not possible\n    allowed: anthropic, azure, bedrock, openai, vllm"
    ]
    text = changed(small, "site: home", 'site: "${SITE}"')
    assert refused(text, environ={"SITE": "sk-very-secret"}) == [
        "a.yaml:1: there is no zone of that name\n    allowed: cloud, home"
    ]


def test_nothing_to_read_is_said(refused, tmp_path):
    assert refused() == [f"{tmp_path}: the folder holds no .yaml file"]


def test_a_list_of_terms_must_be_one(refused, small, tmp_path):
    (tmp_path / "terms.json").write_text('{"no": "list"}')
    assert refused(f"sensitivity: {{terms_files: [terms.json]}}\n{small}") == [
        'a.yaml:1: terms.json is not a JSON list of words\n    like ["Project Heron"]'
    ]


def test_a_file_too_large_is_not_read(refused):
    assert refused("#" * (4 * 1024 * 1024 + 1)) == ["a.yaml: it is larger than 4 MB"]


def test_a_path_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigurationErrors, match="there is no such file or folder"):
        load([tmp_path / "nowhere"], {}, date(2026, 11, 21))


@pytest.mark.parametrize("bomb", ["a: &a [*a]", "a: \x07", "a: !!python/object:os.system {}", "\x80"])
def test_hostile_files_are_refused(refused, bomb):
    (problem,) = refused(bomb)
    assert problem.startswith("a.yaml")


def test_aliases_of_aliases_do_not_grow_without_end(refused):
    lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, 9)]
    (problem,) = refused("\n".join(lines))
    assert problem == "a.yaml: it is not YAML that Weir reads: control characters, or nested without end"


LINES = EXAMPLE.read_text().splitlines()
JUNK = st.sampled_from(
    ["", " ", "x", "[", "}", ": ", "- ", "!", "&a ", "*a", "'", "${", "null", "-1", "1e999", "é", "<<: "]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, 60), st.integers(0, 20), JUNK),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_is_typed_into_the_example_is_accepted_or_refused_with_a_place(tmp_path, slips):
    """Somebody's cat walks over the keyboard: no other exception, and each problem names a file and says something."""
    lines = list(LINES)
    for number, start, length, junk in slips:
        lines[number] = lines[number][:start] + junk + lines[number][start + length :]
    (tmp_path / "weir.yaml").write_text("\n".join(lines))
    (tmp_path / "prices.yaml").write_text("prices: []\n")
    problems: tuple[Problem, ...] | None = None
    try:
        load([tmp_path], {}, date(2026, 11, 21))
    except ConfigurationErrors as errors:
        problems = errors.problems
    assert problems is None or (problems and all(each.place.file and each.message for each in problems))
