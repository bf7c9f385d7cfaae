"""Judging: wire types become signals, long work hands the loop back, a client may only raise the label."""

import asyncio
import itertools
import json
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from adapters.call import Call
from adapters.dialects import chat
from adapters.dialects.chat import InvalidRequest
from adapters.document import parse
from gateway.app import build
from gateway.pipeline import turns
from gateway.pipeline.judge import Judge, highest, needs_of, purpose
from routers.sensitivity.label import Label, Level, Segment


def call_of(content: Any = "hi", **more: Any) -> Call:
    return chat.read(
        parse(
            json.dumps({"model": "auto", "messages": [{"role": "user", "content": content}], **more}).encode()
        )
    )


class SlowClassifier:
    """Takes 40 slices; notes whether anything else ran between them."""

    def slices(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Generator[None, None, Label]:
        for _ in range(40):
            yield
        return Label(floor or Level.INTERNAL)


async def test_long_work_hands_the_loop_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(step=2 * turns.SLICE_SECONDS)  # every slice is one too long
    monkeypatch.setattr(turns.time, "perf_counter", ticks.__next__)
    beats = 0

    async def heart() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.ensure_future(heart())
    judge = Judge(SlowClassifier(), build.shipped_scorer())  # type: ignore[arg-type]  # it labels as one does
    judged = await judge.judge(call_of(), purpose({}, {}), "acme", Level.CONFIDENTIAL, 20_000)
    beating.cancel()
    assert beats >= 40
    assert judged.signals.label.level is Level.CONFIDENTIAL
    assert judged.signals.day == 20_000


def test_headers_win_over_metadata_and_a_level_must_be_one() -> None:
    stated = purpose(
        {"x-weir-workflow": "h", "x-weir-sensitivity": "restricted"}, {"workflow": "m", "action_id": "a"}
    )
    assert (stated.workflow, stated.action, stated.floor) == ("h", "a", Level.RESTRICTED)
    with pytest.raises(InvalidRequest):
        purpose({"x-weir-sensitivity": "quite"}, {})
    assert highest(None, Level.INTERNAL, Level.PUBLIC) is Level.INTERNAL
    assert highest(None) is None


@pytest.mark.parametrize(
    ("more", "need"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "json_schema"),
        ({"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}, "vision"),
        ({"content": [{"type": "file", "file": {"file_id": "file-1"}}]}, "files"),
        ({"n": 3, "logprobs": True}, None),
    ],
)
def test_what_a_model_must_be_able_to_do(more: dict[str, Any], need: str | None) -> None:
    assert needs_of(call_of(**more)) == (frozenset() if need is None else {need})


class EndlessClassifier:
    """Never comes to an end."""

    def slices(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Generator[None, None, Label]:
        while True:
            yield


async def test_labelling_that_does_not_end_means_the_highest() -> None:
    judge = Judge(EndlessClassifier(), build.shipped_scorer(), labelling_seconds=0.01)  # type: ignore[arg-type]  # it labels as one does
    judged = await judge.judge(call_of(), purpose({}, {}), "acme", None, 20_000)
    assert judged.signals.label.level is Level.RESTRICTED
    assert judged.signals.label.failed == ("patterns",)
