"""Answers at fault are set aside, once, within what the policy permits; and never lost where none is better."""

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from adapters.dialects.chat.relay import StreamRelay
from adapters.document import AT_ONCE
from adapters.errors import UpstreamError
from gateway.dispatch.attempt import NoTargetLeft
from gateway.dispatch.escalation import LARGEST_JUDGED, LARGEST_OPENING, Escalation
from gateway.dispatch.job import Engines, Job
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import FAULTS
from routers.sensitivity.label import Label, Level
from tests.unit.gateway.dispatch.rig import (
    DONE,
    EVENT,
    SIGNALS,
    WHOLE,
    Answer,
    Client,
    Rig,
    call_of,
    outcomes,
    policy,
)


def whole(content: str | None, finish: str = "stop") -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}).encode()


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


EMPTY = whole("")
SILENT = chunk(role="assistant", content="") + chunk("stop")
DECLINED = [chunk(role="assistant"), chunk(refusal="I will"), chunk(refusal=" not."), chunk("stop"), DONE]


async def escalated(
    rig: Rig,
    *,
    on: tuple[str, ...] = FAULTS,
    to: tuple[str, ...] = ("gpt",),
    signals: Any = SIGNALS,
    **body: Any,
) -> tuple[Client, Escalation]:
    """A request whose first target is llama alone, and what became of its escalation."""
    call = call_of(**body)
    targets = rig.engines.policy.decide(signals, 0.0).targets[:1]
    escalation = Escalation(frozenset(on), to, call)
    job = Job(call, signals, targets, rig.engines, rig.client, rig.client, escalation=escalation)
    try:
        await rig.dispatcher.run(job)
    finally:
        assert len(rig.client.booked) == rig.client.opened_count, "each attempt is booked exactly once"
        assert all(replica.outstanding == 0 for replica in rig.fleet.replicas().values())
    return rig.client, escalation


async def test_another_model_answers_for_one_that_said_nothing() -> None:
    rig = Rig({"g1": [Answer(200, EMPTY)], "g2": [], "f1": [Answer(200, WHOLE)]})
    client, escalation = await escalated(rig)
    assert (client.body, rig.urls()) == (WHOLE, ["g1", "f1"])
    assert outcomes(client.booked) == [("llama", "set_aside", "answer_empty"), ("gpt", "ok", "")]
    assert (escalation.fault, escalation.model, escalation.outcome) == ("empty", "llama", "answered")


async def test_a_fault_that_the_route_does_not_name_is_passed_on() -> None:
    rig = Rig({"g1": [Answer(200, EMPTY)], "g2": [], "f1": []})
    client, escalation = await escalated(rig, on=("refused", "schema"))
    assert (client.body, escalation.fault) == (EMPTY, "")
    assert outcomes(client.booked) == [("llama", "ok", "")]


async def test_the_second_answer_is_not_judged() -> None:
    rig = Rig({"g1": [Answer(200, EMPTY)], "g2": [], "f1": [Answer(200, whole(" "))]})
    client, _ = await escalated(rig)
    assert client.body == whole(" ")


@pytest.mark.parametrize(
    "second",
    [
        [Answer(503, b"{}")],
        [UpstreamError("connect", "refused", sent=False)],
        [Answer(400, b'{"error":{"message":"bad","type":"x","param":null,"code":400}}')],
        [Answer(200, b"{", UpstreamError("broken", "cut", sent=True))],
    ],
)
async def test_where_no_other_answer_comes_the_client_has_the_first(second: list[Any]) -> None:
    rig = Rig({"g1": [Answer(200, EMPTY)], "g2": [], "f1": second})
    client, escalation = await escalated(rig)
    assert (client.status, client.body, client.ended, escalation.outcome) == (200, EMPTY, True, "kept")
    assert client.given_after_all is client.booked[0]


async def test_what_may_not_leave_is_not_escalated_there() -> None:
    home = Boundary("stays-home", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))
    rig = Rig({"g1": [Answer(200, EMPTY)], "g2": [], "f1": []}, home)
    client, escalation = await escalated(rig, signals=replace(SIGNALS, label=Label(Level.RESTRICTED)))
    assert (client.body, rig.urls(), escalation.outcome) == (EMPTY, ["g1"], "kept")


async def test_the_policy_in_force_by_then_permits() -> None:
    rig = Rig({"g1": [Answer(200, EMPTY)], "g2": [], "f1": []})
    opened = rig.client.opened

    def reload(attempt: Any) -> None:
        opened(attempt)
        rig.engines = Engines(
            policy(Boundary("nobody", Only(inside=True)), digest="p2"), rig.engines.backends
        )

    rig.client.opened = reload  # type: ignore[method-assign]  # the policy changes while llama thinks
    client, _ = await escalated(rig)
    assert (client.body, rig.urls()) == (EMPTY, ["g1"])


async def test_an_answer_that_breaks_off_goes_to_the_other_model_at_once() -> None:
    broken = UpstreamError("broken", "cut", sent=True)
    rig = Rig({"g1": [Answer(200, WHOLE[:40], broken)], "g2": [], "f1": [Answer(200, WHOLE)]})
    client, escalation = await escalated(rig)
    assert (client.body, rig.urls(), escalation.fault) == (WHOLE, ["g1", "f1"], "cut")
    rig = Rig(
        {"g1": [Answer(200, WHOLE[:40], broken)], "g2": [Answer(200, WHOLE)], "f1": [Answer(503, b"{}")]}
    )
    client, escalation = await escalated(rig)
    assert (client.body, rig.urls(), escalation.outcome) == (WHOLE, ["g1", "f1", "g2"], "failed")


async def test_where_nothing_is_left_at_all_the_client_hears_so() -> None:
    broken = UpstreamError("broken", "cut", sent=True)
    rig = Rig({"g1": [Answer(200, b"{", broken)], "g2": [Answer(503, b"{}")], "f1": [Answer(503, b"{}")]})
    with pytest.raises(NoTargetLeft):
        await escalated(rig)


async def test_a_very_long_answer_is_not_judged() -> None:
    long = whole("x" * LARGEST_JUDGED, "length")
    client, escalation = await escalated(Rig({"g1": [Answer(200, long)], "g2": [], "f1": []}))
    assert (client.body, escalation.fault) == (long, "")


# streams


async def test_a_stream_that_ends_before_its_first_word_is_set_aside() -> None:
    rig = Rig({"g1": [Answer(200, SILENT, DONE)], "g2": [], "f1": [Answer(200, EVENT, DONE)]})
    client, escalation = await escalated(rig, stream=True)
    assert (client.body, escalation.fault) == (EVENT + DONE, "empty")


async def test_a_stream_that_refuses_at_once_is_held_to_its_end() -> None:
    rig = Rig({"g1": [Answer(200, *DECLINED)], "g2": [], "f1": [Answer(200, EVENT, DONE)]})
    client, escalation = await escalated(rig, stream=True)
    assert (client.body, escalation.fault) == (EVENT + DONE, "refused")
    rig = Rig({"g1": [Answer(200, *DECLINED)], "g2": [], "f1": [Answer(503, b"{}")]})
    client, escalation = await escalated(rig, stream=True)
    assert (client.body, client.ended, escalation.outcome) == (b"".join(DECLINED), True, "kept")


async def test_a_stream_leaves_with_its_first_word_and_is_not_judged_again() -> None:
    pieces = [chunk(role="assistant", content=""), EVENT, chunk("length"), DONE]
    rig = Rig({"g1": [Answer(200, *pieces)], "g2": [], "f1": []})
    seen: list[bytes] = []
    send = rig.client.send

    async def watched(data: bytes) -> None:
        seen.append(data)
        await send(data)

    rig.client.send = watched  # type: ignore[method-assign]  # what leaves, piece by piece
    client, escalation = await escalated(rig, stream=True)
    assert seen == [pieces[0] + EVENT, pieces[2], DONE]
    assert (client.body, escalation.fault) == (b"".join(pieces), "")


async def test_a_long_first_event_is_read_on_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over: list[object] = []
    to_thread = asyncio.to_thread

    async def counted(work: Any, *rest: Any) -> Any:
        handed_over.append(work)
        return await to_thread(work, *rest)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    long = chunk(content="x" * (2 * AT_ONCE))
    parts = [long[at : at + 16_000] for at in range(0, len(long), 16_000)]
    began = chunk(role="assistant", content="")
    rig = Rig({"g1": [Answer(200, began, *parts, chunk("stop"), DONE)], "g2": [], "f1": []})
    client, escalation = await escalated(rig, stream=True)
    assert (client.body, escalation.fault) == (began + long + chunk("stop") + DONE, "")
    held = AT_ONCE // 16_000 + 1  # until it is known to be long
    assert len(handed_over) == len(parts) - held + 1, "each of its later parts, and once to put all together"


async def test_a_stream_that_comes_as_one_long_object_is_told_on_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[int] = []
    finished = StreamRelay.finish

    def watched(relay: StreamRelay) -> bytes:
        threads.append(threading.get_ident())
        return finished(relay)

    monkeypatch.setattr(StreamRelay, "finish", watched)
    rig = Rig({"g1": [Answer(200, whole("x" * (2 * AT_ONCE)))], "g2": [], "f1": []})
    client, escalation = await escalated(rig, stream=True)
    assert (client.body.count(b"x" * (2 * AT_ONCE)), escalation.fault) == (1, "")
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


async def test_a_refusal_without_an_end_is_let_go() -> None:
    piece = chunk(refusal="no " * 1000)
    many = LARGEST_OPENING // len(piece) + 3
    rig = Rig({"g1": [Answer(200, *[piece] * many, chunk("stop"), DONE)], "g2": [], "f1": []})
    client, escalation = await escalated(rig, stream=True)
    assert (client.body, escalation.fault) == (piece * many + chunk("stop") + DONE, "")


async def test_a_stream_that_breaks_later_still_ends_with_an_error_event() -> None:
    rig = Rig({"g1": [Answer(200, EVENT, UpstreamError("broken", "cut", sent=True))], "g2": [], "f1": []})
    client, escalation = await escalated(rig, stream=True)
    assert b'"error"' in client.body.removeprefix(EVENT)
    assert (client.booked[0].outcome, escalation.fault) == ("cut", "")
