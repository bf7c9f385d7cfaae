"""What a label costs: `python -m bench.sensitivity [--data ../shared/data/sensitivity]`, one thread.

The texts are benign (prose, code, documents), as nearly all traffic is. With `--data` they are the shared set's
negatives; without it, made here. Figures are per kilobyte at p50, the least of several rounds: other work on the
machine only ever adds.
"""

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from adapters.visible import visible
from gateway.detectors.pattern_cache import cache_directory, cached_engine
from routers.sensitivity.classifier import Classifier, triggers
from routers.sensitivity.label import Segment
from routers.sensitivity.plain import PlainEngine
from routers.sensitivity.settings import Settings

SAID = (
    "the committee met to discuss a new budget for library members asked whether reading room could stay open later "
    "in winter when students need quiet place to work def return value for item in list if not none import response "
    "headers request client error 404 2024 12.5 which of following statements is true about energy cell market court"
)
WORDS = SAID.split()
ROUNDS = 7


def prose(size: int, seed: int) -> str:
    """Words and lines of about `size` characters, different for each seed."""
    draw = Random(seed)
    text = ""
    while len(text) < size:
        text += draw.choice(WORDS) + draw.choice((" ", " ", " ", ", ", ". ", "\n"))
    return text[:size]


def shared(data: Path, size: int) -> list[str]:
    """The benign texts of the shared set, put together or cut to `size`."""
    with gzip.open(data / "negatives.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    natural = [
        row["text"] for row in rows if row["group"] in ("neg_mmlu", "neg_gsm8k", "neg_code", "neg_long")
    ]
    whole = "\n\n".join(natural)
    return [whole[at : at + size] for at in range(0, len(whole) - size, size)][:40]


def least(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def per_kilobyte(classifier: Classifier, texts: Sequence[str]) -> float:
    """Microseconds per thousand characters at p50, from a parsed body to its label."""

    def label(text: str) -> None:
        seen = visible({"model": "auto", "messages": [{"role": "user", "content": text}]}, "chat")
        classifier.label([Segment(said, origin) for origin, said in seen.texts])

    return statistics.median(
        least(lambda text=text: label(text)) * 1e6 / (len(text) / 1000) for text in texts
    )


def longest_slice(classifier: Classifier, text: str) -> float:
    """Milliseconds of the longest slice, the best of several rounds."""
    longest: list[float] = []
    for _ in range(ROUNDS):
        work = classifier.slices([Segment(text)])
        steps = [0.0]
        while True:
            start = time.perf_counter()
            try:
                next(work)
            except StopIteration:
                break
            steps.append(time.perf_counter() - start)
        longest.append(max(steps))
    return min(longest) * 1000


def start_up() -> float:
    """Seconds a fresh process takes to be ready to label, with a warm cache."""
    program = (
        "import os, time; start = time.perf_counter(); "
        "from gateway.detectors.pattern_cache import cache_directory, cached_engine; "
        "from routers.sensitivity.classifier import Classifier, triggers; "
        "from routers.sensitivity.settings import Settings; "
        "Classifier(Settings(), cached_engine(triggers(), cache_directory(os.environ))); "
        "print(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, help="the folder of the shared evaluation set")
    data = arguments.parse_args().data

    def texts(size: int) -> list[str]:
        return shared(data, size) if data is not None else [prose(size, seed) for seed in range(20)]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine = cached_engine(triggers(), cache_directory(os.environ))
    classifier = Classifier(Settings(), engine)
    classifier.label([Segment(prose(1_000, 1))])
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    plain = Classifier(Settings(), PlainEngine(triggers()))
    print(
        f"engine {engine.name}; ready in {start_up():.2f} s with a warm cache; {added:.0f} MB added after the imports"
    )
    for size in (1_000, 10_000, 100_000):
        cost = per_kilobyte(classifier, texts(size))
        print(f"{size:>7} characters: {cost:6.1f} µs per KB, {cost * size / 1e6:7.3f} ms a request")
    print(f"  plain engine at 10 KB: {per_kilobyte(plain, texts(10_000)[:10]):.0f} µs per KB")
    print(f"  longest slice of 100 KB: {longest_slice(classifier, texts(100_000)[0]):.2f} ms")


if __name__ == "__main__":
    main()
