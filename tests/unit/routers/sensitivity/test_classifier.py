"""The label: levels by policy, failing closed, slices, terms, properties that hold for every text."""

from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routers.sensitivity import numbers
from routers.sensitivity.classifier import Classifier, tenant_triggers
from routers.sensitivity.engine import HyperscanEngine, compile_triggers, key, load_triggers
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.plain import PlainEngine
from routers.sensitivity.settings import Settings
from routers.sensitivity.trigger import Hit

SSN = "my SSN is 436-78-4374"
PIECES = st.sampled_from(
    [SSN, "a@b.example", "password: Hunter22!", "%41%42", "&#51;", "\\u0034", "1 2 3 4 5 6 7", "\n", "é", "4539 1488",
     "confidential", "aGVsbG8gd29ybGQhIQ==", "\u200b", "born on 03/04/1961", "[at]", "=41=42", "{", "x" * 40]
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.text(max_size=40), PIECES), max_size=12).map(" ".join)
SLOW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_nothing_found_means_unlabelled(engine):
    assert (
        Classifier(Settings(unlabelled=Level.PUBLIC), engine).label([Segment("hello")]).level == Level.PUBLIC
    )
    assert Classifier(Settings(), engine).label([]).level == Level.INTERNAL


def test_a_type_wins_over_its_category(engine):
    chosen = {"GOV_ID": Level.CONFIDENTIAL, "US_SSN": Level.INTERNAL}
    label = Classifier(Settings(levels=chosen), engine).label([Segment(SSN)])
    assert label.level == Level.INTERNAL
    assert label.categories == {"GOV_ID"}
    assert not label.must_stay


def test_an_unknown_type_is_restricted():
    assert Settings().level("SOMETHING_NEW") == Level.RESTRICTED


def test_what_cannot_be_read_counts(engine):
    policy = Settings(unscanned={"default": Level.RESTRICTED, "image": Level.CONFIDENTIAL})
    classifier = Classifier(policy, engine)
    assert classifier.label([], ["image"]).level == Level.CONFIDENTIAL
    assert classifier.label([], ["image", "audio"]).level == Level.RESTRICTED
    assert classifier.label([], ["audio"]).unscanned == ("audio",)


def test_a_floor_raises_and_never_lowers(classifier):
    assert classifier.label([Segment("hello")], floor=Level.CONFIDENTIAL).level == Level.CONFIDENTIAL
    assert classifier.label([Segment(SSN)], floor=Level.PUBLIC).level == Level.RESTRICTED


class BrokenEngine:
    name = "broken"
    hints = True

    def scan(self, text: str) -> list[Hit]:
        raise RuntimeError(f"cannot read {text[:3]}")


def test_a_detector_that_fails_means_the_highest_level():
    label = Classifier(Settings(), BrokenEngine()).label([Segment("hello")])
    assert label.level == Level.RESTRICTED
    assert label.failed == ("patterns",)


def test_a_check_that_fails_means_the_highest_level(classifier, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(numbers, "find", broken)
    label = classifier.label([Segment("call 415 555 0132")])
    assert label.level == Level.RESTRICTED
    assert label.failed == ("patterns",)


def test_findings_have_places_that_can_be_cut_out(judged):
    verdict = judged(("system", "be kind"), ("user", f"hello, {SSN}!"))
    (finding,) = verdict.findings
    assert (finding.segment, finding.type) == (1, "US_SSN")
    assert f"hello, {SSN}!"[finding.start : finding.end] == "436-78-4374"


def test_findings_keep_their_places_behind_other_scripts(judged):
    text = "Grüße, 你好: mail anna@example.org"
    (finding,) = judged(("user", text)).findings
    assert text[finding.start : finding.end] == "anna@example.org"


def test_what_is_seen_in_a_view_has_no_place(judged):
    findings = judged(("user", "card %34%35%33%39%31%34%38%38%30%33%34%33%36%34%36%37")).findings
    assert {finding.end for finding in findings} == {0}


def test_the_name_of_a_member_is_context_for_its_value(judged):
    assert "US_SSN" in judged(("name", "ssn"), ("metadata", "436784374")).label.types
    assert not judged(("name", "order"), ("metadata", "436784374")).label.types


def test_no_value_shows_in_a_label(judged):
    verdict = judged(("user", SSN))
    assert "436" not in repr(verdict.label)
    assert "436" not in repr(verdict.findings)


def test_terms_and_patterns_of_the_tenant(engine):
    policy = Settings(
        terms=("Project Nightjar", "Helio-X2"), patterns=MappingProxyType({"case": r"CASE-[0-9]{5}"})
    )
    classifier = Classifier(policy, engine, compile_triggers(tenant_triggers(policy)))
    for text in ("about PROJECT  NIGHTJAR", "helio-x2 fails", "see CASE-12345", "é CASE-123456"):
        assert classifier.label([Segment(text)]).types == {"CUSTOM_TERM": 1}
    for text in ("a nightjar is a bird", "Projects", "CASE-12", "ahelio-x2b"):
        assert not classifier.label([Segment(text)]).types


def test_a_pattern_that_is_none_is_refused(engine):
    with pytest.raises(ValueError, match="'broken': it is no regular expression"):
        Classifier(Settings(patterns=MappingProxyType({"broken": "("})), engine)


def test_long_texts_come_in_slices_and_nothing_is_skipped(classifier):
    text = "The quick brown fox jumps over the lazy dog. " * 2_500
    middle = len(text) // 2
    whole = classifier.slices([Segment(f"{text[:middle]} {SSN} {text[middle:]}")])
    steps = 0
    while True:
        try:
            next(whole)
        except StopIteration as done:
            label = done.value
            break
        steps += 1
    assert steps > 10
    assert label.types == {"US_SSN": 1}


@pytest.mark.parametrize("offset", range(-20, 21, 4))
def test_nothing_is_lost_where_pieces_are_cut(classifier, offset):
    text = "word " * 1_636 + "-" * (12 + offset)
    assert classifier.label([Segment(f"{text} {SSN} and more words here" * 2)]).types == {"US_SSN": 2}


def test_several_requests_at_once(classifier):
    first, second = classifier.slices([Segment(SSN * 40)]), classifier.slices([Segment("hello " * 40)])
    labels = {}
    running = {"first": first, "second": second}
    while running:
        for name, work in list(running.items()):
            try:
                next(work)
            except StopIteration as done:
                labels[name] = done.value
                del running[name]
    assert labels["first"].level == Level.RESTRICTED
    assert labels["second"].level == Level.INTERNAL


@SLOW
@given(TEXTS)
def test_no_text_breaks_it(classifier, text):
    assert classifier.label([Segment(text)]).failed == ()


@SLOW
@given(TEXTS)
def test_harmless_text_never_lowers(classifier, text):
    alone = classifier.label([Segment(text)]).level
    assert classifier.label([Segment("Hello there."), Segment(text), Segment("Thank you.")]).level >= alone


@SLOW
@given(TEXTS, TEXTS)
def test_two_segments_are_at_least_as_sensitive_as_each(classifier, one, other):
    both = classifier.label([Segment(one), Segment(other)]).level
    assert both >= max(classifier.label([Segment(text)]).level for text in (one, other))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=8).map(" ".join))
def test_the_plain_engine_finds_the_same(classifier, plain, text):
    assert set(plain.label([Segment(text)]).types) == set(classifier.label([Segment(text)]).types)


def test_a_database_survives_being_written(engine):
    if not isinstance(engine, HyperscanEngine):
        pytest.skip("hyperscan is not installed")
    policy = Settings(terms=("Basalt",))
    theirs = tenant_triggers(policy)
    written = compile_triggers(theirs)
    assert isinstance(written, HyperscanEngine)
    again = load_triggers(theirs, written.to_bytes())
    assert again.scan("codename basalt") == PlainEngine(theirs).scan("codename basalt")
    assert key(theirs) != key(tenant_triggers(Settings(terms=("Granite",))))
    with pytest.raises(ValueError, match="not a pattern database"):
        load_triggers(theirs, b"nonsense")


def test_hits_are_counted_in_code_points(engine):
    text = "naïve 你好 😀 " + SSN
    ends = [end for end, _ in engine.scan(text)]
    assert max(ends) <= len(text)
    assert len(text) in ends


def test_a_short_text_that_shows_nothing_is_labelled_in_one_slice(classifier):
    work = classifier.slices([Segment("The harbour lay quiet. Your hour is near.")], floor=Level.CONFIDENTIAL)
    with pytest.raises(StopIteration) as done:
        next(work)
    assert done.value.value == Label(Level.CONFIDENTIAL)


def test_words_for_being_born_begin_where_words_do(judged):
    assert not judged(("user", "On 12.03.1990 we left the harbour. 3 boats came.")).label.types
    assert judged(("user", "Jan Kowalski, ur. 12.03.1990")).label.types == {"DATE_OF_BIRTH": 1}
    assert judged(("user", "Marie Perrin, née le 07/11/1967")).label.types == {"DATE_OF_BIRTH": 1}
