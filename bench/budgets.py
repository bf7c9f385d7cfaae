"""What budgets and limits cost a request: `python bench/budgets.py [--redis PATH_OF_REDIS_SERVER]`.

CPU per request of looking for limits where there are none, and of reserving and settling in process with three
limits and two targets; time and requests per second of the same over a Redis that is started for it. Times are
the best of several rounds: other work only ever adds.
"""

import argparse
import asyncio
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from gateway.configuration.settings import (
    BudgetSettings,
    LimitSettings,
    ReserveSettings,
    StateSettings,
    TenantSettings,
)
from gateway.metering.budgets.budgets import Budgets, Spent
from gateway.metering.budgets.estimates import upper, ways
from gateway.metering.budgets.limits import Allowance, Allowances
from gateway.metering.prices import PriceBook
from gateway.metering.prometheus import Metrics
from gateway.metering.tariffs import TokenTariff
from gateway.state.claims import State
from gateway.state.local import LocalState
from gateway.state.shared import RedisState

ROUNDS = 7
TENANTS = [
    TenantSettings("free"),
    TenantSettings(
        "acme",
        budget=BudgetSettings(Decimal(1_000_000), Decimal(9_000_000)),
        limits=LimitSettings(concurrent=100_000),
    ),
]
ALLOWANCES = Allowances(TENANTS, ReserveSettings(), StateSettings())
BOOK = PriceBook()
TARIFFS = (TokenTariff(BOOK, "openai", "gpt-5"), TokenTariff(BOOK, "openai", "gpt-5-mini"))


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def allowance() -> Allowance:
    """The limits of the tenant that has some."""
    found = ALLOWANCES.of("acme", "app", "")
    assert found is not None
    return found


def best(measured: Callable[[], float]) -> float:
    """The best of several rounds."""
    return min(measured() for _ in range(ROUNDS))


def none_configured() -> float:
    """Microseconds of a look-up for a tenant without limits."""
    count = 100_000
    began = time.perf_counter()
    for _ in range(count):
        ALLOWANCES.of("free", "app", "w")
    return (time.perf_counter() - began) / count * 1e6


async def one(budgets: Budgets, lease: str, found: Allowance) -> None:
    """What one request does, from its estimates to its settlement."""
    at = time.time_ns()
    uppers = [upper(tariff, 700, 4096, 10**10, at) for tariff in TARIFFS]
    known = [each for each in uppers if each is not None]
    hold = await budgets.reserve(
        lease,
        found,
        ways(known, downgrade=True),
        4796,
        dict(zip(("gpt-5", "gpt-5-mini"), known, strict=True)),
        StateSettings(),
    )
    hold.settle(Spent(1000, 1000, 900))


def in_process() -> float:
    """Microseconds of a request's reservation and settlement in process."""
    budgets = Budgets(LocalState(now_ms), Metrics(version="bench"), time.time_ns)
    count = 5_000

    async def run() -> float:
        found = allowance()
        began = time.process_time()
        for i in range(count):
            await one(budgets, f"r{i}", found)
        return (time.process_time() - began) / count * 1e6

    return asyncio.run(run())


async def with_state(state: State, measured: Callable[[Budgets], Awaitable[float]]) -> float:
    """Measure with a running state."""
    task = asyncio.create_task(state.run())
    try:
        return await measured(Budgets(state, Metrics(version="bench"), time.time_ns))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await state.close()


async def one_by_one(budgets: Budgets) -> float:
    """Microseconds that a lone request waits for its reservation."""
    count, found = 500, allowance()
    began = time.perf_counter()
    for i in range(count):
        await one(budgets, f"o{time.time_ns()}{i}", found)
    return (time.perf_counter() - began) / count * 1e6


async def many_at_once(budgets: Budgets) -> float:
    """Microseconds of this process's CPU for each of many at once."""
    count, found = 4_000, allowance()
    began = time.process_time()
    for i in range(0, count, 200):
        await asyncio.gather(*(one(budgets, f"m{time.time_ns()}{i}-{j}", found) for j in range(200)))
    return (time.process_time() - began) / count * 1e6


def over_redis(server: str) -> None:
    """Start a Redis, measure, end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        try:
            time.sleep(1)
            for name, measured in (
                ("Redis, one by one", one_by_one),
                ("Redis, 200 at once, CPU", many_at_once),
            ):
                took = best(
                    lambda measured=measured: asyncio.run(
                        with_state(
                            RedisState(f"redis://127.0.0.1:{port}/0", f"bench-{time.time_ns()}", now_ms),
                            measured,
                        )
                    )
                )
                print(f"{name:<44}{took:10.1f} µs a request")
        finally:
            process.terminate()
            process.wait(10)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", default="", help="path of redis-server; left out: in process only")
    server = parser.parse_args().redis
    print(f"{'no limits: the look-up':<44}{best(none_configured):10.2f} µs a request")
    print(f"{'in process: estimate, reserve, settle':<44}{best(in_process):10.1f} µs a request")
    if server:
        over_redis(server)


if __name__ == "__main__":
    main()
