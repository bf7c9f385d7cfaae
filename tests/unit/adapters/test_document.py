"""A body is read once, as every parser would read it, and rewritten without touching what is not changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import InvalidDocument, parse

_numbers = st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
_objects = st.dictionaries(st.text(), _json, max_size=6)


@given(values=_objects, indent=st.sampled_from([None, 1, 3]), ascii_only=st.booleans())
def test_values_are_those_of_the_standard_parser(values: dict, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    document = parse(text.encode("utf-8", "surrogatepass") if ascii_only else text.encode())
    assert document.values == values
    for key, member in document.members.items():
        assert json.loads(text[member.value_start : member.end]) == values[key]
        assert json.loads(text[member.start : member.value_start].rstrip().removesuffix(":")) == key


@given(
    values=_objects,
    removed=st.sets(st.integers(0, 6)),
    changed=st.sets(st.integers(0, 6)),
    added=st.booleans(),
)
def test_rewriting_changes_what_it_names_and_nothing_else(values, removed, changed, added) -> None:
    keys = list(values)
    gone = {keys[i] for i in removed if i < len(keys)}
    new = {keys[i] for i in changed if i < len(keys)} - gone
    changes: dict[str, str | None] = dict.fromkeys(gone) | dict.fromkeys(new, '"new"')
    if added and "added" not in values:
        changes["added"] = "[1, 2]"
    written = parse(json.dumps(values).encode()).rewritten(changes)
    expected = {key: "new" if key in new else value for key, value in values.items() if key not in gone}
    if "added" in changes:
        expected["added"] = [1, 2]
    assert parse(written).values == expected


def test_what_is_not_named_keeps_its_bytes() -> None:
    body = b'{ "a" : 1.50,"model":"x" ,\n "b":"\\u00e9" }'
    assert parse(body).rewritten({"model": '"y"'}) == b'{ "a" : 1.50,"model":"y" ,\n "b":"\\u00e9" }'


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"a":{"b":1,"b":2}}', "duplicate_key"),
        (b'{"\\u0061":1,"a":2}', "duplicate_key"),
        (b"\xff{}", "not_utf8"),
        (b"[]", "not_an_object"),
        (b"", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":1} x', "not_json"),
        (b'{"a":1', "not_json"),
        (b'{"a"', "not_json"),
        (b'{"a":', "not_json"),
        (b"{'a':1}", "not_json"),
        (b'{"a":1,}', "not_json"),
        (b'{"a":"x\ny"}', "not_json"),
        (b'{"a":' + b"9" * 5000 + b"}", "not_json"),
        (b'{"a":' + b"[" * 200_000, "too_deep"),
    ],
)
def test_what_parsers_could_read_differently_is_refused(body: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse(body)
    assert refused.value.fault == fault


def test_the_fault_names_no_value() -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse(b'{"a":"secret" "b"}')
    assert "secret" not in str(refused.value)
