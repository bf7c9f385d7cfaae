"""Processes of a gateway, one after another, for tests of requests that stay open."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.dispatch.polling import Standing
from tests.unit.gateway.pipeline.open_requests import Process


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Callable[..., Process]]:
    """`started(resp_1=DONE)`: one more process on the same journal, when the one before has ended."""
    every: list[Process] = []

    def one(**says: Standing) -> Process:
        every.append(Process(tmp_path, says))
        return every[-1]

    yield one
    every[-1].end()
