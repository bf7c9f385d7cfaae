"""Attempts, with real adapters and a real policy, over connections that do as a script says."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from adapters.errors import UpstreamError
from gateway.dispatch.attempt import NoTargetLeft, Refused
from gateway.dispatch.job import Engines, Job
from gateway.dispatch.waves import Waves
from routers.policy.facts import Model
from routers.policy.permits import Boundary, Data, Only
from routers.sensitivity.label import Label, Level
from tests.unit.gateway.dispatch.rig import (
    DONE,
    EVENT,
    HOME,
    MODELS,
    SIGNALS,
    WHOLE,
    Answer,
    Client,
    Rig,
    call_of,
    outcomes,
    policy,
)


async def test_the_first_answer_is_relayed_and_booked_before_its_end() -> None:
    rig = Rig({"g1": [Answer(200, WHOLE)], "g2": []})
    client = await rig.run()
    assert (client.status, client.body, client.ended) == (200, WHOLE, True)
    assert client.booked_before_last_byte
    assert outcomes(client.booked) == [("llama", "ok", "")]
    assert (client.booked[0].usage.input, client.booked[0].usage.output) == (3, 1)


async def test_another_replica_and_then_the_next_target_take_over() -> None:
    refused = UpstreamError("connect", "refused", sent=False)
    rig = Rig({"g1": [refused], "g2": [Answer(503, b"{}")], "f1": [Answer(200, WHOLE)]})
    client = await rig.run()
    assert rig.urls() == ["g1", "g2", "f1"]
    assert outcomes(client.booked) == [
        ("llama", "failed", "connect"),
        ("llama", "refused", "busy"),
        ("gpt", "ok", ""),
    ]
    assert client.booked[0].usage.prompt == client.booked[1].usage.prompt == 0, "nothing was worked on there"


async def test_requests_of_one_wave_are_spread_over_the_replicas() -> None:
    rig = Rig({url: [Answer(200, WHOLE) for _ in range(8)] for url in ("g1", "g2")})
    waves = Waves()
    waves.under_way = 8
    targets = rig.engines.policy.decide(SIGNALS, 0.0).targets
    clients = [Client() for _ in range(8)]
    jobs = [Job(call_of(), SIGNALS, targets, rig.engines, client, client, waves=waves) for client in clients]
    await asyncio.gather(*map(rig.dispatcher.run, jobs))
    assert Counter(rig.urls()) == {"g1": 4, "g2": 4}


async def test_a_retry_never_leaves_the_permitted_set() -> None:
    home = Boundary("stays-home", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))
    down = UpstreamError("connect", "refused", sent=False)
    rig = Rig({"g1": [down], "g2": [down], "f1": []}, home)
    with pytest.raises(NoTargetLeft) as nowhere:
        await rig.run(signals=replace(SIGNALS, label=Label(Level.RESTRICTED)))
    assert rig.urls() == ["g1", "g2"]
    assert nowhere.value.last is down


async def test_an_attempt_after_a_reload_is_permitted_by_the_new_policy() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": []})

    def reload() -> None:
        stricter = Boundary("nobody-leaves", Only(inside=True))
        rig.engines = Engines(policy(stricter, digest="p2"), rig.engines.backends)
        raise UpstreamError("broken", "cut", sent=True)

    rig.script["g1"] = [reload]
    rig.script["g2"] = [UpstreamError("connect", "refused", sent=False)]
    with pytest.raises(NoTargetLeft):
        await rig.run()
    assert "f1" not in rig.urls()
    assert rig.client.booked[1].permit.policy == "p2"


async def test_the_clients_own_fault_is_tried_once() -> None:
    rig = Rig(
        {"g1": [Answer(400, b'{"error":{"message":"bad","type":"x","param":null,"code":400}}')], "g2": []}
    )
    with pytest.raises(Refused) as refused:
        await rig.run()
    assert refused.value.refusal.status == 400
    assert outcomes(rig.client.booked) == [("llama", "client_error", "client")]


async def test_a_stream_is_left_for_the_next_target_until_its_first_byte() -> None:
    broken = UpstreamError("broken", "cut", sent=True)
    rig = Rig({"g1": [Answer(200, b"data: {", broken)], "g2": [Answer(200, EVENT + DONE)]})
    client = await rig.run(stream=True)
    assert client.body == EVENT + DONE
    assert outcomes(client.booked) == [("llama", "failed", "broken"), ("llama", "ok", "")]


@pytest.mark.parametrize(
    "end", [UpstreamError("broken", "cut", sent=True), UpstreamError("idle_timeout", "late", sent=True), b""]
)
async def test_a_stream_that_breaks_later_ends_with_an_error_event(end: bytes | UpstreamError) -> None:
    rig = Rig({"g1": [Answer(200, EVENT, *([end] if end else []))], "g2": [], "f1": []})
    client = await rig.run(stream=True)
    assert client.body.startswith(EVENT)
    assert b'"error"' in client.body.removeprefix(EVENT)
    assert b"[DONE]" not in client.body
    assert client.ended
    assert rig.urls() == ["g1"], "no second answer behind the first one's bytes"
    assert client.booked[0].outcome == "cut"
    assert client.booked[0].usage.source == "estimated"
    assert (client.booked[0].usage.input, client.booked[0].usage.output) == (7, 1)


async def test_an_unstreamed_answer_that_breaks_is_asked_for_again() -> None:
    broken = UpstreamError("broken", "cut", sent=True)
    rig = Rig({"g1": [Answer(200, WHOLE[:40], broken)], "g2": [Answer(200, WHOLE)]})
    assert (await rig.run()).body == WHOLE


async def test_a_client_that_leaves_is_booked_as_cancelled() -> None:
    asked = asyncio.Event()
    rig = Rig({"g1": [asked.set], "g2": [], "f1": []})
    task = asyncio.ensure_future(rig.run())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert outcomes(rig.client.booked) == [("llama", "cancelled", "")]
    assert (rig.client.booked[0].usage.input, rig.client.booked[0].usage.source) == (7, "estimated")


async def test_when_all_seem_down_they_are_tried_all_the_same() -> None:
    rig = Rig({"g1": [Answer(200, WHOLE)], "g2": [Answer(200, WHOLE)], "f1": []})
    for replica in rig.fleet.replicas().values():
        for _ in range(3):
            replica.started()
            replica.ended(float("inf"), healthy=False)
    assert (await rig.run()).status == 200


async def test_a_model_that_moved_to_another_backend_is_not_tried_with_the_old_ones_connection() -> None:
    rig = Rig({"g1": [], "g2": [], "f1": []})

    def reload() -> None:
        moved = {**MODELS, "llama": Model("llama", "far", "llama-8b", HOME, ("g1", "g2"))}
        rig.engines = Engines(policy(models=moved, digest="p2"), rig.engines.backends)
        raise UpstreamError("broken", "cut", sent=True)

    rig.script["g1"] = [reload]
    rig.script["f1"] = [Answer(200, WHOLE)]
    await rig.run()
    assert rig.urls() == ["g1", "f1"], "g2 is the old backend's, though the address is the same"
