"""What booking costs: `python bench/ledger.py [--postgres postgresql://…]`.

CPU per request of serialising, chaining and writing its records (a request and one attempt), alone and with the
shipper at work; rows per second shipped to SQLite, and to PostgreSQL where a URL of an empty database is given;
a request's metrics; a scrape of many series. Times are the best of several rounds: other work only ever adds.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

from adapters.chat import TokenUsage
from gateway.ledger.journal import Journal
from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import Reader
from gateway.ledger.records import AttemptRecord, RequestRecord, attempt_id
from gateway.ledger.store import Store
from gateway.ledger.stores import open_store
from gateway.metering.prices import PriceBook
from gateway.metering.prometheus import Metrics

USAGE = TokenUsage(input=1200, cache_read=800, output=350, source="reported")
NOW = time.time_ns()


def records_of(i: int) -> tuple[RequestRecord, AttemptRecord]:
    """What a usual request leaves behind."""
    name = f"req_{i:026d}"
    common = {
        "at": NOW + i * 1_000_000,
        "tenant": f"tenant-{i % 5}",
        "workflow": "invoice-extraction",
        "action": f"action-{i // 3}",
        "route": "hard",
        "model": "gpt-5",
        "backend": "openai",
        "replica": "https://api.openai.com/v1",
        "zone": "openai",
        "status": 200,
        "usage": USAGE,
        "usd": Decimal("0.005100000"),
        "price_source": "genai-prices 0.2.3 openai/gpt-5",
        "priced_at": date(2026, 11, 21),
        "ttft_ns": 412_345_678,
        "duration_ns": 3_123_456_789,
    }
    request = RequestRecord(
        id=name,
        key="app-1",
        conversation=f"conversation-{i // 9}",
        stream=True,
        asked="auto",
        level="internal",
        types={"IP_ADDRESS": 2},
        rules=("ip-address-v4",),
        complexity=0.8213,
        kind="code",
        policy="3f1c9a0b77de",
        reasons=("complexity 0.82 is at least 0.7",),
        dropped={"llama-8b": "another route's target"},
        attempts=1,
        overhead_ns=312_000,
        **common,
    )
    attempt = AttemptRecord(
        id=attempt_id(name, 1),
        request=name,
        n=1,
        upstream="gpt-5",
        upstream_id=f"chatcmpl-{i:020d}",
        components={"tokens": Decimal("0.005100000")},
        **common,
    )
    return request, attempt


def append_cpu(append: Callable[..., object], requests: int, rounds: int) -> dict[str, float]:
    """µs of this thread's CPU for one request's records: best round's mean, and its median and 99th percentile."""
    best: dict[str, float] = {}
    for turn in range(rounds):
        records = [records_of(turn * requests + i) for i in range(requests)]
        took = []
        for pair in records:
            start = time.thread_time_ns()
            append(*pair)
            took.append((time.thread_time_ns() - start) / 1e3)
        took.sort()
        mean = sum(took) / requests
        if not best or mean < best["mean"]:
            best = {"mean": mean, "p50": took[requests // 2], "p99": took[requests * 99 // 100]}
    return {name: round(value, 1) for name, value in best.items()}


def rows_per_second(directory: Path, connect: Callable[[int], Store], requests: int, rounds: int) -> float:
    """Journal lines read, turned into rows, summed by hour and committed, per second; the best round."""
    journal = Journal(directory)
    for i in range(requests):
        journal.append(*records_of(i))
    journal.flush()
    best = 0.0
    for turn in range(rounds):
        with closing(connect(turn)) as store:
            start = time.perf_counter()
            reader = Reader(directory)
            while batch := reader.read(journal.last, 2_000):
                store.ship(f"{journal.id}-{turn}", batch)
            best = max(best, 2 * requests / (time.perf_counter() - start))
    journal.close()
    return round(best)


def metrics_cpu(rounds: int) -> float:
    """µs to record one request's metrics, looked up and added."""
    metrics, book = Metrics(version="0"), PriceBook()
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time_ns()
        for _ in range(5_000):
            charge = book.charge("openai", "gpt-5", USAGE, NOW)
        priced = time.thread_time_ns()
        for _ in range(5_000):
            route = metrics.route("hard", "gpt-5", "openai")
            route.spent(USAGE, charge)
            route.answered("ok", duration_ns=3 * 10**9, ttft_ns=4 * 10**8, overhead_ns=312_000)
            metrics.labels.at("internal").value += 1
            metrics.attempts.at("openai", "https://api.openai.com/v1", "ok").value += 1
            metrics.inflight.value += 1
            metrics.inflight.value -= 1
        best = min(best, (time.thread_time_ns() - priced) / 5e6)
        print(f"  price lookup and charge {(priced - start) / 5e6:.2f} µs", end="\r")
    print(f"  price lookup and charge {(priced - start) / 5e6:.2f} µs (last round)")
    return round(best, 2)


async def scrape_hold(routes: int) -> tuple[int, float, float]:
    """Lines of a scrape, ms of CPU for all of it, and the longest ms that it kept the loop from other work."""
    metrics = Metrics(version="0")
    for i in range(routes):
        metrics.route(f"route-{i}", "gpt-5", "openai").answered("ok", duration_ns=1, ttft_ns=1, overhead_ns=1)
    longest, running = 0.0, True

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time_ns()
        while running:
            await asyncio.sleep(0)
            now = time.thread_time_ns()
            longest, last = max(longest, (now - last) / 1e6), now

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)
    start = time.thread_time_ns()
    text = await metrics.scrape()
    took = (time.thread_time_ns() - start) / 1e6
    running = False
    await watcher
    return text.count(b"\n"), round(took, 2), round(longest, 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", help="the URL of an empty database")
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object as well")
    options = parser.parse_args()
    size, rounds = options.requests, options.rounds
    figures: dict[str, object] = {"cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as temporary:
        base = Path(temporary)
        journal = Journal(base / "alone", sync_seconds=3600)
        figures["append_us"] = append_cpu(journal.append, size, rounds)
        print("append, journal alone (bar: 30 µs):", figures["append_us"])
        ledger = Ledger.open(base / "ledger.sqlite", base / "journal")
        figures["append_while_shipping_us"] = append_cpu(ledger.append, size, rounds)
        print("append, while shipping to SQLite:", figures["append_while_shipping_us"])
        ledger.close(60)
        figures["sqlite_rows_per_s"] = rows_per_second(
            base / "for-sqlite", lambda turn: open_store(base / f"ship-{turn}.sqlite"), size, rounds
        )
        print("rows/s to SQLite (bar: 3,000):", figures["sqlite_rows_per_s"])
        if options.postgres:
            figures["postgres_rows_per_s"] = rows_per_second(
                base / "for-postgres", lambda _: open_store(options.postgres), size, rounds
            )
            print("rows/s to PostgreSQL (bar: 10,000):", figures["postgres_rows_per_s"])
        figures["metrics_us"] = metrics_cpu(rounds)
        print("metrics of one request (bar: 6 µs):", figures["metrics_us"])
        lines, took, held = min(asyncio.run(scrape_hold(300)) for _ in range(rounds))
        figures["scrape"] = {"lines": lines, "ms": took, "longest_hold_ms": held}
        print(
            f"a scrape of {lines:,} lines: {took} ms of CPU, the loop held for {held} ms at most (bar: 5 ms)"
        )
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
