"""A stream whose answer its provider goes on with is known to be awaited before a word of it leaves, however late the
provider says what it is called."""

import json

import pytest

from adapters.dialects.responses import ingress as responses
from adapters.document import parse
from adapters.errors import UpstreamError
from gateway.dispatch import answering
from gateway.dispatch.attempt import Attempt
from gateway.dispatch.job import Job
from tests.unit.gateway.dispatch.rig import SIGNALS, Answer, Client, Rig

ALIVE = b": working\n\n"
BEGUN = b"data: " + json.dumps(
    {"type": "response.created", "response": {"id": "resp_1", "status": "queued", "output": []}}
).encode() + b"\n\n"  # fmt: skip


class Awaited(Client):
    def __init__(self) -> None:
        super().__init__()
        self.awaited: list[tuple[str, bytes]] = []  # which response, and what had left by then

    async def awaits(self, attempt: Attempt) -> None:
        self.awaited.append((attempt.awaited, self.body))


@pytest.mark.parametrize("patience", [0.0, 3600.0])
async def test_it_is_awaited_as_soon_as_it_has_a_name(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PATIENCE", patience)
    rig = Rig({"f1": [Answer(200, ALIVE, BEGUN, UpstreamError("broken", "cut", sent=True))]})
    body = {"model": "auto", "input": "hi", "background": True, "stream": True}
    call, client = responses.read(parse(json.dumps(body).encode())), Awaited()
    decision = rig.engines.policy.decide(SIGNALS, 0.0)
    await rig.dispatcher.run(Job(call, SIGNALS, decision.targets, rig.engines, client, client, None))
    assert BEGUN in client.body
    assert client.awaited == [("resp_1", client.body.partition(BEGUN)[0])]
    assert [(each.awaited, each.outcome) for each in client.booked] == [("resp_1", "cut")]
