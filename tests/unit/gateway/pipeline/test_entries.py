"""What the journal is told of a journey is, to the byte, what a record of the same facts would be written as."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from adapters.call import Call
from adapters.chat import TokenUsage
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from gateway.access.keys import Principal
from gateway.dispatch.attempt import Attempt
from gateway.dispatch.attempt import Outcome as AttemptOutcome
from gateway.ledger.encoding import SHAPES, Entry, encoded, from_members, members
from gateway.ledger.records import Outcome
from gateway.metering.charges import Charge
from gateway.pipeline.entries import attempt_entries, end_of, entries, request_entry
from gateway.pipeline.journey import Journey, Settled
from gateway.pipeline.judge import Purpose
from gateway.pipeline.redacting import Redaction
from routers.policy.permit import Permit
from routers.policy.permits import Boundary, Data, Dropped, Only
from routers.policy.policy import Decision
from routers.sensitivity.label import Label, Level
from tests.unit.gateway.dispatch.rig import SIGNALS, policy

PURPOSE = Purpose("a-17", "triage", "case-4711", None)
LABEL = Label(
    Level.RESTRICTED,
    {"US_SSN": 1},
    frozenset({"PERSON"}),
    ("us_ssn",),
    unscanned=("image_url",),
    failed=("presidio",),
)
SIGNS = replace(SIGNALS, label=LABEL, complexity=0.42)
USED = TokenUsage(3, 4, 5, 6, 7, 8, 9, "reported", "flex")


def permit() -> Permit:
    """For a model away, which is redacted for it."""
    soft = Boundary("soft", Only(inside=True), Data(at_least=Level.CONFIDENTIAL), redacted=True)
    granted = policy(soft).permit(
        replace(SIGNALS, label=Label(Level.RESTRICTED)), "gpt", Label(Level.INTERNAL)
    )
    assert isinstance(granted, Permit)
    return granted


def settled(number: int, outcome: AttemptOutcome = "ok", **more: Any) -> Settled:
    attempt = Attempt(number, permit(), "http://f1", at=1_700_000_000_000_000_000, started=10)
    attempt.outcome, attempt.ended, attempt.status = outcome, 30, 200
    for name, value in more.items():
        setattr(attempt, name, value)
    parts = {"tokens": Decimal("0.000001250")}
    return Settled(attempt, Charge(parts["tokens"], parts, "list", date(2026, 11, 21)), 77)


def journey(*attempts: Settled, dialect: str = "responses") -> Journey:
    """With everything that can be said of one, but for what its attempts say."""
    document = parse(b'{"model": "auto"}')
    made = Journey("r1", Principal("acme", "app"), "p1", INGRESS[dialect], purpose=PURPOSE)
    made.call = Call(made.ingress.dialect, document, stream=True, wants_usage=False)
    made.signals, made.trace = SIGNS, "00-11-22-01"
    made.decision = Decision(
        "all",
        (),
        dropped=(Dropped("llama", "too small"),),
        passed_over=(("hard", "no target is left"),),
        reasons=("route all: always",),
    )
    made.redaction = Redaction(None, {"US_SSN": 1})
    made.settled = list(attempts)
    return made


WHOLE = settled(
    1, "cut", fault="cut", sent=False, finish="stop", upstream_id="u1", usage=USED, first_token=20
)
ODD = settled(1, finish='a "word"\x00', upstream_id='"\\\ud800', usage=replace(USED, tier='"', cache_read=0))
BARE = Journey("r2", Principal("acme", ""), "", INGRESS["chat"])


def told() -> list[Entry]:
    """Journeys of all sorts."""
    ends: list[tuple[Journey, int, Outcome, str]] = [
        (journey(WHOLE), 502, "cut", "cut"),
        (journey(settled(1, "refused", fault="busy", usage=TokenUsage(1)), settled(2)), 200, "ok", ""),
        (journey(), 403, "refused", "blocked"),
        (journey(ODD), 200, "ok", ""),
        (journey(settled(1), dialect="chat"), 200, "ok", ""),
        (
            journey(settled(1, usage=USED), dialect="chat"),
            200,
            "ok",
            "",
        ),  # all but its figures is known by now
        (BARE, 0, "ok", ""),
    ]
    return [each for one, *end in ends for each in entries(one, end_of(one, *end))]


@pytest.mark.parametrize("entry", told(), ids=lambda entry: f"{entry[0]}-{members(entry)['id']}")
def test_a_record_of_the_same_facts_is_written_to_the_same_bytes(entry: Entry) -> None:
    kind, body = encoded(entry)
    assert encoded(from_members(kind, orjson.loads(body))) == (kind, body)


def test_nothing_that_a_record_can_hold_is_left_out() -> None:
    full = journey(WHOLE)
    request = members(request_entry(full, end_of(full, 502, "cut", "cut")))
    (attempt,) = map(members, attempt_entries(full))
    assert tuple(request) == SHAPES["request"].names
    assert tuple(attempt) == SHAPES["attempt"].names


def test_a_request_sums_its_attempts() -> None:
    two = journey(settled(1, usage=USED), settled(2, usage=USED))
    request = members(request_entry(two, end_of(two, 200, "ok", "")))
    assert (request["attempts"], request["gpu_ns"], request["usd"]) == (2, 154, "0.000002500")
    assert (request["input_tokens"], request["audio_out_tokens"]) == (6, 18)


def test_a_model_that_is_none_is_told_only_where_it_may_be_a_name() -> None:
    for asked, kept in (("gpt-9", True), ("please summarise the contract", False)):
        lost = journey()
        lost.decision, lost.signals = None, replace(SIGNS, model=asked)
        request = members(request_entry(lost, end_of(lost, 404, "refused", "no_such_model")))
        assert ("asked" in request) is kept
