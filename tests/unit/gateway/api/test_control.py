"""What FastAPI does at its first request is done before anybody asks."""

from typing import Any

import pytest
from fastapi import FastAPI, routing

from gateway.api.control import Control, control_app, metrics_app, warm


class Shown:
    """As much of a runtime as metrics ask for."""

    def __init__(self) -> None:
        self.snapshot = self.server = self.metrics = self
        self.port = self.sha256 = None


@pytest.mark.parametrize("make", [control_app, metrics_app])
async def test_it_is_put_together_at_the_start(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    monkeypatch.setattr(routing.inspect, "getsourcelines", lambda code: (read.append(code), ([], 1))[1])
    scrapes: list[int] = []

    async def scrape() -> bytes:
        scrapes.append(len(read))
        return b""

    app: FastAPI = make(Control("1", Shown, scrape, None, None, None))  # type: ignore[arg-type]  # metrics ask for no more
    assert app.middleware_stack is None
    await warm(app)
    assert app.middleware_stack is not None
    await warm(app)
    assert scrapes == [1, 1], "the source of what is asked is read once, and not by the second"
