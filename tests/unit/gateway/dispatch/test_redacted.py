"""What is permitted redacted leaves in no other form, on whatever way an attempt comes about."""

import ast
import json
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from adapters.dialects import chat
from adapters.document import parse
from adapters.errors import UpstreamError
from adapters.redacting import RedactedCall
from gateway.dispatch.attempt import NoTargetLeft
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.escalation import Escalation
from gateway.dispatch.job import Engines, Job, Redacted
from routers.policy.permit import Permit
from routers.policy.permits import Boundary, Data, Only
from routers.sensitivity.label import Label, Level
from tests.unit.gateway.dispatch.rig import SIGNALS, WHOLE, Answer, Rig, call_of, policy

DISPATCH = Path(__file__).resolve().parents[4] / "gateway" / "dispatch"

SOFT = Boundary("soft", Only(inside=True), Data(at_least=Level.CONFIDENTIAL), redacted=True)
RESTRICTED = replace(SIGNALS, label=Label(Level.RESTRICTED))


def redacted_form(text: str = "[US_SSN_1]") -> Redacted:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    call = chat.read(parse(json.dumps(body).encode()))
    return Redacted(RedactedCall(call, {"[US_SSN_1]": "536-22-8741"}), Label(Level.INTERNAL))


async def test_each_attempt_sends_the_form_its_permit_covers_and_the_answer_is_restored() -> None:
    down = UpstreamError("connect", "refused", sent=False)
    said = WHOLE.replace(b"hi", b"it is [US_SSN_1]")
    rig = Rig({"g1": [down], "g2": [down], "f1": [Answer(200, said)]}, SOFT)
    client = await rig.run(signals=RESTRICTED, redacted=redacted_form())
    assert rig.urls() == ["g1", "g2", "f1"]
    assert [b"[US_SSN_1]" in outgoing.body for _, outgoing in rig.sent] == [False, False, True]
    assert [attempt.permit.redacted for attempt in client.booked] == [False, False, True]
    assert b"it is 536-22-8741" in client.body


async def test_without_a_redacted_form_a_redacted_permit_sends_nothing() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": [Answer(200, WHOLE)]}, SOFT)
    granted = rig.engines.policy.permit(RESTRICTED, "gpt", Label(Level.INTERNAL))
    assert isinstance(granted, Permit)
    job = Job(call_of(), RESTRICTED, (granted,), rig.engines, rig.client, rig.client)
    with pytest.raises(PermissionError):
        await rig.dispatcher.run(job)
    assert rig.urls() == []


@pytest.mark.parametrize("redacted", [True, False])
async def test_an_answer_at_fault_escalates_redacted_or_not_at_all(redacted: bool) -> None:
    empty = WHOLE.replace(b'"hi"', b'""')
    rig = Rig({"g1": [Answer(200, empty)], "g2": [], "f1": [Answer(200, WHOLE)]}, SOFT)
    call = call_of()
    form = redacted_form() if redacted else None
    home = rig.engines.policy.permit(RESTRICTED, "llama")
    assert isinstance(home, Permit)
    job = Job(call, RESTRICTED, (home,), rig.engines, rig.client, rig.client, form)
    job.escalation = Escalation(frozenset({"empty"}), ("gpt",), call)
    await rig.dispatcher.run(job)
    assert rig.urls() == (["g1", "f1"] if redacted else ["g1"])
    assert [b"[US_SSN_1]" in outgoing.body for _, outgoing in rig.sent] == [False, True][: len(rig.sent)]


async def test_a_reload_before_an_escalation_gives_up_no_more_than_before() -> None:
    empty = WHOLE.replace(b'"hi"', b'""')
    rig = Rig({"g1": [Answer(200, empty)], "g2": [], "f1": [Answer(200, WHOLE)]}, SOFT)
    call, form = call_of(), redacted_form()
    home = rig.engines.policy.permit(RESTRICTED, "llama")
    assert isinstance(home, Permit)
    job = Job(call, RESTRICTED, (home,), rig.engines, rig.client, rig.client, form)
    job.escalation = Escalation(frozenset({"empty"}), ("gpt",), call)
    versions = chain([rig.engines], repeat(Engines(policy(), rig.engines.backends)))
    await Dispatcher(rig.fleet, lambda: next(versions)).run(job)
    assert rig.urls() == ["g1", "f1"]
    assert [b"[US_SSN_1]" in outgoing.body for _, outgoing in rig.sent] == [False, True]


async def test_a_reload_that_asks_for_no_redaction_gives_up_no_more_than_before() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": [Answer(200, WHOLE)]}, SOFT)
    form = redacted_form()
    granted = rig.engines.policy.permit(RESTRICTED, "gpt", form.label)
    assert isinstance(granted, Permit)
    job = Job(call_of(), RESTRICTED, (granted,), rig.engines, rig.client, rig.client, form)
    rig.engines = Engines(policy(), rig.engines.backends)
    await rig.dispatcher.run(job)
    assert [b"[US_SSN_1]" in outgoing.body for _, outgoing in rig.sent] == [True]
    assert [attempt.permit.redacted for attempt in rig.client.booked] == [True]
    assert rig.client.booked[0].permit.policy == rig.engines.policy.hash


async def test_a_reload_that_asks_for_redaction_stops_what_was_not_redacted() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": []})

    def reload() -> None:
        rig.engines = Engines(policy(SOFT, digest="p2"), rig.engines.backends)
        raise UpstreamError("broken", "cut", sent=True)

    rig.script["g1"] = [reload]
    rig.script["g2"] = [UpstreamError("connect", "refused", sent=False)]
    with pytest.raises(NoTargetLeft):
        await rig.run(signals=RESTRICTED)
    assert "f1" not in rig.urls()


def test_dispatch_takes_what_it_sends_from_the_permit_alone() -> None:
    """The plain call is asked for its dialect, whether it streams, works in the background or is large, handed to
    `Permit.form`, or to the way back of an answer to it; nothing else of it is within reach."""
    uses = set()
    for file in DISPATCH.glob("*.py"):
        tree = ast.parse(file.read_text())
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "plain":
                above = parents[node]
                uses.add(
                    above.attr if isinstance(above, ast.Attribute) else ast.unparse(above).partition("(")[0]
                )
    assert uses == {"backend.relay", "background", "dialect", "large", "permit.form", "stream"}
