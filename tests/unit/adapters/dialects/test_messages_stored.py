"""The containers that Anthropic keeps: found in requests that name one, and in answers that leave one."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call
from adapters.dialects.ingress import INGRESS
from adapters.document import parse

_ASKED: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
_CONTAINER = {"id": "container_1", "expires_at": "2030-01-01T00:00:00Z"}


def _call(**body: Any) -> Call:
    return INGRESS["messages"].read(parse(json.dumps({**_ASKED, **body}).encode()), ())


@pytest.mark.parametrize(
    ("container", "named"),
    [
        ("container_1", ("container_1",)),
        ({"id": "container_1", "skills": []}, ("container_1",)),
        ({"skills": [{"type": "anthropic", "skill_id": "pdf"}]}, ()),
        (None, ()),
        (5, ()),
    ],
)
def test_requests_that_name_one(container: Any, named: tuple[str, ...]) -> None:
    assert INGRESS["messages"].references(_call(container=container).document.values) == named


def test_a_whole_message_that_leaves_one() -> None:
    relay = Anthropic().relay(_call(), "m", ())
    relay.feed(json.dumps({"type": "message", "content": [], "container": _CONTAINER}).encode())
    relay.finish()
    assert relay.made == ("container_1",)


def test_a_stream_that_leaves_one() -> None:
    relay = Anthropic().relay(_call(stream=True), "m", ())
    for event in (
        {"type": "message_start", "message": {"id": "msg_1", "content": [], "container": None}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "container": _CONTAINER}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ):
        relay.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    assert (relay.complete, relay.made) == (True, ("container_1",))
