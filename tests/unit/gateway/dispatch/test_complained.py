"""An error under a 200, of which nothing has reached the client, is an error: another target is tried, or the client is
told the status it stands for."""

import pytest

from gateway.dispatch import answering
from gateway.dispatch.attempt import NoTargetLeft, Refused
from tests.unit.gateway.dispatch.rig import DONE, EVENT, WHOLE, Answer, Rig, outcomes

BUSY = b'{"error":{"code":429,"message":"Slow down"}}'
CLIENTS = b'{"error":{"code":400,"message":"No such thing","type":"invalid_request_error"}}'
WORKING = b": WORKING\n\n"
EVENTS = (EVENT, DONE)


def event(told: bytes) -> bytes:
    return b"data: " + told + b"\n\n"


@pytest.mark.parametrize(
    "pieces",
    [(event(BUSY),), (event(BUSY)[:20], event(BUSY)[20:]), (BUSY,), (WORKING, event(BUSY), DONE),
     (WORKING + event(BUSY) + DONE,)],
)  # fmt: skip
async def test_a_stream_that_begins_with_an_error_is_tried_elsewhere(pieces: tuple[bytes, ...]) -> None:
    rig = Rig({"g1": [Answer(200, *pieces)], "g2": [Answer(200, *EVENTS)]})
    client = await rig.run(stream=True)
    assert client.body == EVENT + DONE
    assert outcomes(client.booked) == [("llama", "refused", "busy"), ("llama", "ok", "")]


async def test_an_unstreamed_error_is_tried_elsewhere() -> None:
    rig = Rig({"g1": [Answer(200, BUSY)], "g2": [Answer(200, WHOLE)]})
    client = await rig.run()
    assert client.body == WHOLE
    assert outcomes(client.booked) == [("llama", "refused", "busy"), ("llama", "ok", "")]
    assert client.booked[0].usage.prompt == 0, "nothing was worked on there"


async def test_an_answer_that_broke_off_unstreamed_is_booked_as_reported_and_tried_elsewhere() -> None:
    broke = WHOLE.replace(b'"stop"', b'"error"')
    rig = Rig({"g1": [Answer(200, broke)], "g2": [Answer(200, WHOLE)]})
    client = await rig.run()
    assert client.body == WHOLE
    assert outcomes(client.booked) == [("llama", "refused", "broken"), ("llama", "ok", "")]
    assert client.booked[0].usage.source == "reported"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_clients_own_fault_is_told_and_not_tried_elsewhere(stream: bool) -> None:
    rig = Rig({"g1": [Answer(200, event(CLIENTS) if stream else CLIENTS)], "g2": [], "f1": []})
    with pytest.raises(Refused) as refused:
        await rig.run(stream=stream)
    assert (refused.value.refusal.status, refused.value.refusal.body) == (400, CLIENTS)
    assert outcomes(rig.client.booked) == [("llama", "client_error", "client")]


async def test_where_none_is_left_the_client_is_told_the_last_ones_status() -> None:
    rig = Rig({url: [Answer(200, BUSY)] for url in ("g1", "g2", "f1")})
    with pytest.raises(NoTargetLeft) as nowhere:
        await rig.run()
    assert getattr(nowhere.value.last, "status", None) == 429


async def test_an_error_behind_words_ends_the_stream_and_nothing_else_is_tried() -> None:
    rig = Rig({"g1": [Answer(200, EVENT, event(BUSY))], "g2": [], "f1": []})
    client = await rig.run(stream=True)
    assert client.body.startswith(EVENT)
    assert b'"error"' in client.body
    assert client.booked[0].outcome == "cut"


@pytest.mark.parametrize(("patience", "told"), [(3600.0, EVENT + DONE), (0.0, WORKING + EVENT + DONE)])
async def test_a_provider_that_only_says_it_works_is_heard_after_a_while(
    monkeypatch: pytest.MonkeyPatch, patience: float, told: bytes
) -> None:
    monkeypatch.setattr(answering, "PATIENCE", patience)
    rig = Rig({"g1": [Answer(200, WORKING, *EVENTS, headers=((b"x", b"y"),))], "g2": []})
    assert (await rig.run(stream=True)).body == told
