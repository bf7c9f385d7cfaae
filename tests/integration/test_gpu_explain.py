"""A request through a whole Weir, and its GPU bill from the ledger."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.root import weir
from tests.integration.sandboxed import HELLO, Sandboxed
from tests.integration.waiting import until

TOKENS = 40  # enough to lie in several windows where the machine is busy


def bookings(running: Sandboxed, request: str) -> list[dict[str, Any]]:
    return [row for row in running.rows("gpu_bookings") if row["request"] == request]


def written(booked: list[dict[str, Any]]) -> float:
    return sum(row["output_tokens"] for row in booked)


def test_a_streamed_request_s_bill_adds_up_to_its_bookings(tmp_path):
    running = Sandboxed(tmp_path)
    try:
        body = {"model": "llama", "messages": HELLO, "max_tokens": TOKENS, "stream": True}
        status, headers, _ = running.post(body)
        rented, other, _ = running.post({"model": "gpt", "messages": HELLO})
        assert (status, rented) == (200, 200)
        name = headers["x-weir-request-id"]
        until(lambda: written(bookings(running, name)) >= TOKENS - 0.01)
        booked = bookings(running, name)
        arguments = ["gpu", "explain", "--store", str(running.ledger)]
        (bill,) = json.loads(CliRunner().invoke(weir, [*arguments, name, "--json"]).stdout)
        assert bill["gpu_seconds"] == pytest.approx(sum(row["gpu_ns"] for row in booked) / 1e9)
        (attempt,) = bill["attempts"]
        assert attempt["output_tokens"] > 0
        lines = attempt["windows"]
        assert sum(line["output_tokens"] for line in lines) == pytest.approx(attempt["output_tokens"])
        assert all(line["posted"]["gpus"] == 1 for line in lines)
        assert float(bill["usd"]) == pytest.approx(bill["gpu_seconds"] * 2.10 / 3600, rel=1e-6)
        told = CliRunner().invoke(weir, [*arguments, other["x-weir-request-id"]])
        assert "used no GPU of yours" in told.output
    finally:
        running.stop()
