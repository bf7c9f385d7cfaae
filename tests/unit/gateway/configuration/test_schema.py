"""The JSON Schema is current, says something about every field, and agrees with the rest of the house."""

import json
from pathlib import Path

from gateway.configuration.language import LEVELS
from gateway.configuration.schema import json_schema

SAVED = Path(__file__).resolve().parents[4] / "config" / "weir.schema.json"


def fields():
    schema = json_schema()
    for name, part in (("Document", schema), *schema["$defs"].items()):
        for key, field in part.get("properties", {}).items():
            yield f"{name}.{key}", field


def test_the_saved_schema_is_current():
    assert json.loads(SAVED.read_text()) == json_schema(), "run: weir schema > config/weir.schema.json"


def test_every_field_has_a_description_and_an_example():
    assert [name for name, field in fields() if not field.get("description")] == []
    assert [name for name, field in fields() if not field.get("examples")] == []


def test_no_part_lets_unknown_keys_pass():
    schema = json_schema()
    parts = [schema, *schema["$defs"].values()]
    assert [part.get("title") for part in parts if part.get("additionalProperties") is not False] == []


def test_closed_lists_are_in_it():
    text = json.dumps(json_schema())
    for words in (
        LEVELS,
        ("tools", "json_schema"),
        ("HEALTH", "SECRET"),
        ("code", "maths"),
        ("text", "image"),
    ):
        assert all(f'"{word}"' in text for word in words)


def test_durations_and_sizes_are_written_as_people_write_them():
    defaults = {name: field["default"] for name, field in fields() if "default" in field}
    assert defaults["TimeoutTerms.connect"] == "5s"
    assert defaults["ServerTerms.max_body"] == "32MB"
