"""How far GPU time booked by posted prices is from the truth, in the simulator; and what the accounts cost.

python -m bench.gpu_time              all bars, 15 simulated minutes each (about half an hour)
python -m bench.gpu_time --minutes 4  shorter runs
python -m bench.gpu_time --other      before the second engine, to which nothing was tuned
python -m bench.gpu_time --costs      microseconds per call on the request path, per page and per window
"""

import argparse
import time
from collections.abc import Callable
from itertools import product

from adapters.chat import TokenUsage
from gateway.fleet.engines.page import boot, engines
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.rules import Rules
from tests.simulator.drive import Outcome
from tests.simulator.other.scenarios import HARDWARE, PLANS, other_traffic, play_other
from tests.simulator.other.traffic import OTHER_MIXES
from tests.simulator.scenarios import (
    MACHINES,
    bypassing,
    half_unstreamed,
    impatient,
    play,
    split,
    traffic,
    unstreamed,
)
from tests.simulator.traffic import MIXES

WRONG = ((1.4, 0.6, 1.0), (0.6, 1.4, 1.0), (0.6, 1.4, 1.4), (1.4, 0.6, 0.6), (1.0, 1.4, 0.6))


def show(what: str, outcome: Outcome) -> None:
    """One line: what was played, how busy the engine was, how wrong each route."""
    load = outcome.busy * SECOND / outcome.provisioned_ns
    routes = "  ".join(f"{route} {error:+6.1%}" for route, error in outcome.errors.items())
    identity = "exact" if outcome.booked_ns == outcome.provisioned_ns else "BROKEN"
    foreign = outcome.kinds.get("foreign", 0.0) / outcome.busy
    print(
        f"{what:48} busy {load:4.0%}  worst {outcome.worst:5.1%}  mean {outcome.mean:5.1%}  "
        f"foreign {foreign:5.1%}  identity {identity}   {routes}",
        flush=True,
    )


def accuracy(seconds: float) -> None:
    """Every bar of the accounts."""
    for machine in MACHINES:
        for mix in MIXES:
            for load in (0.3, 0.6, 0.9, 1.1, 1.2):
                jobs = traffic(machine, mix, load, seconds)
                show(f"{machine}, {mix} at {load:.0%}", play(machine, jobs, seconds))
    for wrong in WRONG:
        jobs = traffic("8B on 1", "even", 0.7, seconds)
        show(f"guess off by {wrong}", play("8B on 1", jobs, seconds, wrong=wrong))
    for share in (0.2, 0.5):
        jobs = traffic("8B on 1", "even", 0.9, seconds)
        outcome = play("8B on 1", jobs, seconds, alter=bypassing(share))
        off = (outcome.kinds["foreign"] - outcome.bypassing) / outcome.busy
        show(f"{share:.0%} bypass: foreign off by {off:+.2%} of busy", outcome)
    others = {
        "clients leave": {"alter": impatient},
        "rag and chat do not stream": {"alter": unstreamed("rag", "chat")},
        "nothing streams": {"alter": unstreamed(*("rag", "chat", "agents", "reasoning"))},
        "cached tokens not told": {"cached_told": False},
        "no estimate of the prompt": {"prompt_known": False},
        "pages off the windows' edges": {"phase": 0.5},
        "two gateways": {"alter": split(2), "gateways": 2, "rules": Rules.in_company()},
    }
    for what, options in others.items():
        jobs = traffic("8B on 1", "even", 0.7, seconds)
        show(what, play("8B on 1", jobs, seconds, **options))
    jobs = traffic("8B on 1", "rag", 1.2, seconds)
    show("half do not stream, rag at 120%", play("8B on 1", jobs, seconds, alter=half_unstreamed))


def elsewhere(seconds: float) -> None:
    """The same before other hardware, schedulers and traffic."""
    for machine, plan, mix in product(HARDWARE, PLANS, OTHER_MIXES):
        for load in (0.3, 0.6):
            jobs = other_traffic(machine, plan, mix, load, seconds)
            show(f"{machine}, {plan}, {mix} at {load:.0%}", play_other(machine, plan, jobs, seconds))


def microseconds(do: Callable[[], object], times: int) -> float:
    """The best of five."""
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter_ns()
        for _ in range(times):
            do()
        best = min(best, (time.perf_counter_ns() - begun) / times / 1000)
    return best


def costs() -> None:
    """What a request, a page and a window of 500 streams cost."""
    accounts = GpuAccounts([GpuBackend("gpu", ("r0",), 1, None, NEUTRAL)], now_ns=0, wall_ns=0)
    usage = TokenUsage(100, 0, 0, 50, source="reported")
    ticket = accounts.at("gpu", "r0").begin("a", SECOND)
    tokens = microseconds(lambda: ticket.tokens(SECOND + 1, 1), 100_000)

    def whole() -> None:
        one = accounts.at("gpu", "r0").begin("a", SECOND, streamed=True)
        one.tokens(SECOND + 1, 1)
        one.end(SECOND + 2, usage)

    print(f"begin, tokens, end {microseconds(whole, 5_000):6.1f} us;  each further tokens {tokens:.2f} us")
    lines = [f'vllm:other_series_bucket{{engine="0",le="{i}.0",model_name="m"}} {i}.0' for i in range(1_100)]
    lines += [
        f'vllm:{name}{{engine="0",model_name="m"}} 5.0'
        for name in ("num_requests_running", "prompt_tokens_total")
    ]
    page = "\n".join(lines).encode()
    print(f"page of {len(page) // 1000} KB {microseconds(lambda: (engines(page), boot(page)), 100):6.0f} us")
    streams(500)


def streams(number: int) -> None:
    """How long the loop stands still for a window of so many streams."""
    accounts = GpuAccounts([GpuBackend("gpu", ("r0",), 1, None, NEUTRAL)], now_ns=0, wall_ns=0)
    tickets = [accounts.at("gpu", "r0").begin(i, 1, prompt_tokens=100, streamed=True) for i in range(number)]
    took = []
    for second in range(60):
        for ticket in tickets:
            ticket.tokens(second * SECOND + SECOND // 2, 20)
        at = (second + 1) * SECOND
        engine = EngineReading("0", number, 0, 0.5, 4e5, 20 * second, 100, 20 * second * number, 100, number)
        accounts.observe("gpu", "r0", Reading(at, at, (engine,)))
        begun = time.perf_counter_ns()
        accounts.close_windows(at)
        took.append((time.perf_counter_ns() - begun) / 1e6)
    print(f"a window of {number} streams {sorted(took[-20:])[10]:6.1f} ms")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--costs", action="store_true")
    parser.add_argument("--other", action="store_true")
    options = parser.parse_args()
    costs()
    if not options.costs:
        (elsewhere if options.other else accuracy)(options.minutes * 60)


if __name__ == "__main__":
    main()
