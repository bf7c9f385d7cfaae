"""A value breaks its schema only where that is certain; what cannot be followed, or takes too long, breaks nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.json_schema import DEPTH, STEPS, violates
from gateway.sandbox.examples import example

INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string", "minLength": 1},
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "maxItems": 2},
        "state": {"enum": ["open", "paid", None]},
    },
    "required": ["number", "total"],
    "additionalProperties": False,
    "$defs": {
        "line": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    },
}
GOOD: dict[str, Any] = {"number": "7", "total": 1.5, "lines": [{"count": 2.0}], "state": None}


@pytest.mark.parametrize(
    "changed",
    [
        {"number": ""},
        {"number": 7},
        {"total": -1},
        {"total": True},
        {"lines": [{"count": 1.5}]},
        {"lines": [{}]},
        {"lines": [{"count": 1}] * 3},
        {"state": "lost"},
        {"extra": 1},
    ],
)
def test_what_the_schema_forbids_is_seen(changed: dict[str, Any]) -> None:
    assert not violates(GOOD, INVOICE)
    assert violates({**GOOD, **changed}, INVOICE)


def test_what_is_missing_is_seen() -> None:
    assert violates({"number": "7"}, INVOICE)
    assert violates([], INVOICE)


CASES: list[tuple[Any, Any, bool]] = [
    ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None, True),
    ({"anyOf": [{"type": "null"}, {"type": "string"}]}, 1, False),
    ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, False),
    ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 1, True),
    ({"allOf": [{"minimum": 1}, {"exclusiveMaximum": 2}]}, 2, False),
    ({"const": {"a": [1, None]}}, {"a": [1, None]}, True),
    ({"const": {"a": [1]}}, {"a": [True]}, False),
    ({"enum": [[1], [1, 2]]}, [1, 2, 3], False),
    ({"not": {"const": 1}}, True, True),
    ({"not": {"const": 1}}, 1, False),
    ({"type": ["integer", "null"]}, 1.0, True),
    ({"prefixItems": [{"type": "string"}], "items": {"type": "number"}}, ["a", 1, 2], True),
    ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], False),
    ({"minProperties": 1}, {}, False),
    ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"x1": 1}, True),
    ({"pattern": "(a+)+$", "format": "date"}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", True),
    (True, 1, True),
    (False, 1, False),
]


@pytest.mark.parametrize(("schema", "value", "good"), CASES)
def test_each_keyword(schema: Any, value: Any, good: bool) -> None:
    assert violates(value, schema) is not good


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/schema"},
        {"type": "colour"},
        {"required": 7},
        {"enum": list(range(STEPS + 1))},
        {"required": ["b"] * (STEPS + 1)},
        {"type": ["string"] * (STEPS + 1)},
        {"$ref": "#" + "/a" * (STEPS + 1)},
        [],
        None,
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    ],
)
def test_a_schema_that_cannot_be_followed_is_broken_by_nothing(schema: Any) -> None:
    assert not violates({"a": 1}, schema)


def test_long_texts_are_compared_only_so_often() -> None:
    alike = {"enum": ["x" * 100_000 + str(at) for at in range(300)]}
    assert not violates("x" * 100_001, alike)
    assert violates("x", alike)


def test_a_deep_value_ends_the_judgement() -> None:
    value: Any = 1
    for _ in range(DEPTH + 5):
        value = [value]
    schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#"}}]}
    assert not violates(value, schema)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_schema_makes_it_fail(schema: Any) -> None:
    assert violates(GOOD, schema) in {True, False}


def test_what_a_schema_gives_as_an_example_does_not_break_it() -> None:
    assert not violates(example(INVOICE, "an invoice"), INVOICE)
