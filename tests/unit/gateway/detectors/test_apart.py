"""A process apart answers, and whatever becomes of one question, the next is answered."""

import asyncio
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gateway.detectors.apart import _CHILD, Apart, NotJudged, Task
from gateway.detectors.forks import Unready

LOAD = "tests.unit.gateway.detectors.answering:load"


@pytest.fixture
def apart() -> Iterator[Apart]:
    running = Apart("answers", Task(LOAD, {}, most=4))
    yield running
    running.close()


async def test_it_answers_and_starts_when_it_is_first_asked(apart: Apart) -> None:
    assert await apart.ask([b"ab", memoryview(b"cd")], 10) == b"dcba"
    assert await apart.ask([b""], 10) == b""


async def test_many_at_once_get_each_their_own(apart: Apart) -> None:
    asked = [f"question {number}".encode() for number in range(50)]
    answers = await asyncio.gather(*(apart.ask([each], 20) for each in asked))
    assert answers == [each[::-1] for each in asked]


async def test_long_questions_and_answers(apart: Apart) -> None:
    question = bytes(range(256)) * 20_000
    assert await apart.ask([question, b"x"], 30) == b"x" + question[::-1]


@pytest.mark.parametrize(
    ("question", "deadline", "why"),
    [
        (b"hang", 0.3, "did not come to an end"),
        (b"raise", 20, "failed"),
        (b"die", 20, "failed"),
        (b"network", 20, "failed"),
    ],
)
async def test_what_breaks_one_question_leaves_the_next(
    apart: Apart, question: bytes, deadline: float, why: str
) -> None:
    with pytest.raises(NotJudged, match=why) as raised:
        await apart.ask([question], deadline)
    assert "the text" not in str(raised.value)
    assert await apart.ask([b"next"], 20) == b"txen"


async def test_one_that_hangs_holds_up_no_other(apart: Apart) -> None:
    hung = asyncio.ensure_future(apart.ask([b"hang"], 20))
    assert await apart.ask([b"meanwhile"], 20) == b"elihwnaem"
    assert not hung.done()
    hung.cancel()


async def test_what_a_library_prints_is_no_answer(apart: Apart) -> None:
    assert await apart.ask([b"print"], 20) == b"tnirp"


async def test_a_process_that_is_gone_fails_its_questions_and_is_started_again(apart: Apart) -> None:
    process = int(await apart.ask([b"who"], 20))
    waiting = asyncio.ensure_future(apart.ask([b"hang"], 20))
    await apart.ask([b"who"], 20)  # so that the other is there, too
    os.kill(process, signal.SIGKILL)
    with pytest.raises(NotJudged, match="ended"):
        await waiting
    assert int(await apart.ask([b"who"], 20)) != process


async def test_who_asks_while_it_ends_is_told_and_keeps_nobody_from_ending(apart: Apart) -> None:
    await apart.ask([b"ab"], 20)
    running = apart.start()
    told = queue.SimpleQueue[None]()
    told.put(None)  # that its writer is to end, which that has not heard yet
    running._asked, running.ended = told, True  # type: ignore[assignment]  # only the end is in it
    with pytest.raises(NotJudged, match="ended"):
        await asyncio.wait_for(asyncio.wrap_future(running.ask([b"late"], 20)), 60)
    assert told.get_nowait() is None
    running.end()


def test_a_process_whose_gateway_dies_before_it_said_what_to_load_ends() -> None:
    process = subprocess.Popen([sys.executable, "-I", "-c", _CHILD], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write((100).to_bytes(8) + b"half of it")
    process.stdin.close()
    try:
        assert process.wait(60) == 0
    finally:
        process.kill()


async def test_closing_waits_for_what_is_under_way_and_who_asks_later_is_answered(apart: Apart) -> None:
    waiting = asyncio.ensure_future(apart.ask([b"sleep"], 20))
    await asyncio.sleep(0)
    apart.close()
    assert await waiting == b"peels"
    assert await apart.ask([b"later"], 20) == b"retal"


async def test_what_cannot_be_loaded_says_what_to_do() -> None:
    with pytest.raises(Unready, match="install it first"):
        await Apart("answers", Task(LOAD, {"missing": "install it first"}, most=1)).ask([b""], 1)
    with pytest.raises(Unready, match="/nowhere/python cannot be run"):
        Apart("answers", Task(LOAD, {}, most=1, python="/nowhere/python")).start()
    with pytest.raises(Unready, match="ended while it was loading"):
        Apart("answers", Task("tests.unit.gateway.detectors.answering:nothing", {}, most=1)).start()
