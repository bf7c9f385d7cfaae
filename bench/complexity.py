"""How long a score takes, and what it holds in memory: `python bench/complexity.py`, one thread."""

import sys
import time
import tracemalloc
from importlib.resources import files
from random import Random

from routers.complexity.conversation import Conversation, Turn
from routers.complexity.scorer import Scorer

PROSE = (
    "the of and a contract model server question answer integral function return price 12 450 3.5 because "
    "however patient review summary explain why method result value index (see below), [1] = x + y; "
    "customer invoice total"
)
WORDS = PROSE.split()


def prompt(size: int, seed: int) -> Conversation:
    """A prompt of about that many characters, different for each seed."""
    draw = Random(seed)
    parts: list[str] = []
    length = 0
    while length < size:
        word = draw.choice(WORDS) if draw.random() < 0.6 else "".join(draw.choices("abcdefghinorstu", k=6))
        parts.append(word + draw.choice((" ", " ", " ", " ", ", ", ". ", "\n")))
        length += len(parts[-1])
    return Conversation((Turn("user", "".join(parts)),))


def main() -> int:
    """Prints percentiles in microseconds per size, the loading time and the memory held."""
    data = files("routers.complexity").joinpath("default.weights").read_bytes()
    loads = []
    for _ in range(7):
        start = time.perf_counter()
        Scorer.from_bytes(data)
        loads.append(time.perf_counter() - start)
    tracemalloc.start()
    scorer = Scorer.from_bytes(data)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"weights {len(data) / 1e6:.2f} MB, load {min(loads) * 1e3:.1f} ms")
    print(f"memory held {held / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB")
    for size, rounds in ((1_000, 4_000), (6_000, 2_000), (100_000, 500)):
        prompts = [prompt(size, seed) for seed in range(50)]
        took = []
        for turn in range(rounds):
            start = time.perf_counter_ns()
            scorer.score(prompts[turn % len(prompts)])
            took.append((time.perf_counter_ns() - start) / 1e3)
        took.sort()
        print(
            f"{size:>7} characters: p50 {took[rounds // 2]:7.1f} µs   p99 {took[rounds * 99 // 100]:7.1f} µs"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
