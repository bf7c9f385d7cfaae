"""Over a whole Weir: the counters are the sums of the rows, and money by route, by tenant and by action is the same."""

import re
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.integration.sandboxed import HELLO, SECRET, Sandboxed

SERIES = re.compile(r"^(\w+){(.*)} (\S+)$", re.MULTILINE)


def counted(page: str, name: str, **labels: str) -> Decimal:
    """The sum of a metric's series with those labels."""
    wanted = {f'{label}="{value}"' for label, value in labels.items()}
    found = (each for each in SERIES.findall(page) if each[0] == name and wanted <= set(each[1].split(",")))
    return sum((Decimal(value) for _, _, value in found), Decimal(0))


def usd(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["usd"] or 0) for row in rows), Decimal(0))


def by(rows: list[dict[str, Any]], name: str) -> Decimal:
    """The total of the groups' totals."""
    return sum(
        (usd([row for row in rows if row[name] == each]) for each in {row[name] for row in rows}), Decimal(0)
    )


def test_counters_are_rows_and_every_way_to_add_up_is_the_same(tmp_path: Path) -> None:
    weir = Sandboxed(tmp_path)
    try:
        for number in range(12):
            key = (weir.key, weir.other_key)[number % 2]
            weir.post(
                {"model": "auto", "messages": HELLO}, key=key, x_weir_workflow="hard" * (number % 3 > 0)
            )
            weir.ask(HELLO, model="llama", x_weir_action=f"a-{number % 4}")
        weir.run(weir.sandbox.openai.fault("503", count=2))
        weir.ask(HELLO, x_weir_workflow="hard")  # falls back
        weir.ask(SECRET, model="gpt")  # refused
    finally:
        weir.stop()
    page = weir.service.metrics.render().decode()
    requests, attempts = rows(weir, "requests"), rows(weir, "attempts")
    windows = [row for row in rows(weir, "gpu_bookings") if row["use"] == "request"]
    rented = [row for row in attempts if row["gpu_ns"] is None]
    assert len(requests) == counted(page, "weir_requests_total") == 26
    assert counted(page, "weir_tokens_total") == sum(
        row[f"{name}_tokens"]
        for row in attempts
        for name in ("input", "cache_read", "cache_write", "output", "reasoning", "audio_in", "audio_out")
    )
    assert counted(page, "weir_cost_usd_total", component="tokens") == usd(rented) > 0
    assert counted(page, "weir_cost_usd_total", component="gpu") == usd(windows) > 0
    final = [*rented, *windows]
    assert by(final, "route") == by(final, "tenant") == by(final, "action") == usd(final)
    assert usd(rows(weir, "actions")) == usd(final) == counted(page, "weir_action_cost_usd_total")


def rows(weir: Sandboxed, table: str) -> list[dict[str, Any]]:
    with sqlite3.connect(weir.ledger) as database:
        database.row_factory = sqlite3.Row
        found = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608  # our own names
    database.close()
    return found
