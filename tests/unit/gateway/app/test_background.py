"""A background task that fails is heard of at once, without the words of what it worked on."""

import asyncio
import logging

import pytest

from gateway.app.background import Background


async def _fails() -> None:
    raise ValueError("the text of a prompt")


async def _ends() -> None:
    return


async def test_one_that_fails_is_named_in_the_log_and_where_it_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background()
    background.begin("tidying up", _fails())
    background.begin("bringing", _ends())
    background.begin("watching", asyncio.Event().wait())
    with caplog.at_level(logging.CRITICAL):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert background.failed == ["tidying up"]
    assert "tidying up" in caplog.text
    assert "ValueError" in str(vars(caplog.records[0]))
    assert "prompt" not in caplog.text + str(vars(caplog.records[0]))
    await background.stop()
    assert background.failed == ["tidying up"]
