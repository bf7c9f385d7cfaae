"""The tenant's expressions: found where they are, refused where they cannot be, and never without an end."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.sensitivity import patterns
from routers.sensitivity.bounded import ways
from routers.sensitivity.patterns import (
    HyperscanPatterns,
    PlainPatterns,
    compile_patterns,
    fault,
    key,
    load_patterns,
)

OWN = {
    "case": r"CASE-[0-9]{2,5}",
    "project": r"\bProjekt [A-ZÄÖÜ][a-zäöü]{1,20}",
    "either": r"red|green (?:door|gate)",
}

with_hyperscan = pytest.mark.skipif(patterns.hyperscan is None, reason="hyperscan is not installed")


@pytest.mark.parametrize("made", [compile_patterns, PlainPatterns])
def test_matches_have_their_places_in_code_points(made) -> None:  # type: ignore[no-untyped-def]  # one way or another
    text = "über CASE-12, Projekt Übermut und CASE-12345678"
    found = sorted(made(OWN).scan(text))
    assert [(text[start:end], index) for start, end, index in found] == [
        ("CASE-12", 0),
        ("Projekt Übermut", 1),
        ("CASE-12345", 0),
    ]


@with_hyperscan
@given(st.text("CASE-0123 éreden green door\ud800", max_size=60))
def test_both_ways_find_the_same(text: str) -> None:
    quick, plain = compile_patterns(OWN).scan(text), PlainPatterns(OWN).scan(text)
    assert sorted(quick) == sorted(plain)


@with_hyperscan
@pytest.mark.parametrize("pattern", [r"(a+)+\$", r"(a|aa)+\$", r"(?:a*)*b", r"(\w+\s?)+\$"])
def test_an_expression_that_re_does_not_come_to_an_end_with_does(pattern: str) -> None:
    compiled = compile_patterns({"evil": pattern})
    assert compiled.bounded
    assert compiled.scan("a" * 8_000 + "!") == []
    assert compiled.scan("a" * 8_000 + "$b") == [(0, 0, 0)]  # it is there; where it begins is not asked
    assert not PlainPatterns({"evil": pattern}).bounded


@pytest.mark.parametrize(
    ("pattern", "few"),
    [
        ("CASE-[0-9]{5}", True),
        ("(?:red|green)-[a-z]{1,9}", True),
        ("[a-z]{1,60}(?: [a-z]{1,60}){3}", False),
        ("(a+)+b", False),
        ("(a|aa)+b", False),
        ("(a|b)?(a|b)?(a|b)?", True),
        (r"(?=a)b", False),
        ("a+b+c+d", False),
    ],
)
def test_ways_are_counted_from_above(pattern: str, few: bool) -> None:
    assert (ways(pattern, 400) < 10_000) == few


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "no regular expression"),
        ("", "matches nothing at all"),
        ("x*", "matches nothing at all"),
        pytest.param("(?<=x)y", "in one pass", marks=with_hyperscan),
        pytest.param(r"(a)\1", "in one pass", marks=with_hyperscan),
        ("CASE-[0-9]+", ""),
    ],
)
def test_what_cannot_be_used_is_said(pattern: str, why: str) -> None:
    told = fault(pattern)
    assert (why in told) if why else told == ""
    if why:
        with pytest.raises(ValueError, match=re.escape("'own'")):
            compile_patterns({"own": pattern})


@with_hyperscan
def test_compiled_ones_can_be_kept() -> None:
    compiled = compile_patterns(OWN)
    assert isinstance(compiled, HyperscanPatterns)
    assert load_patterns(OWN, compiled.to_bytes()).scan("CASE-12") == [(0, 7, 0)]
    with pytest.raises(ValueError, match="platform"):
        load_patterns(OWN, b"none")
    assert key(OWN) != key({**OWN, "case": "CASE"})
