"""What judging a request costs, stage by stage: `python -m bench.judging`, one thread.

The requests are those that `make bench` sends: a kilobyte of plain English each, no two alike. Figures are
microseconds of processor time per request, the least of several rounds: other work on the machine only ever adds.
"""

import os
import time
from collections.abc import Callable, Coroutine, Sequence
from importlib.resources import files
from typing import Any, Final, TypeVar

from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.visible import visible
from bench.gateway.bodies import bodies
from gateway.detectors.pattern_cache import cache_directory, cached_engine
from gateway.pipeline.judge import Judge, purpose
from gateway.pipeline.reading import conversation_of, segments_of
from routers.complexity.scorer import Scorer
from routers.sensitivity.classifier import Classifier, triggers
from routers.sensitivity.settings import Settings

REQUESTS: Final = 200
ROUNDS: Final = 40
T = TypeVar("T")


def each(work: Callable[[T], object], items: Sequence[T]) -> float:
    """Microseconds per item, in the fastest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.thread_time()
        for item in items:
            work(item)
        best = min(best, time.thread_time() - start)
    return best / len(items) * 1e6


def at_once(work: Coroutine[Any, Any, object]) -> None:
    """Run to the end what waits for nothing: at most it hands the loop back, where the machine held it up."""
    try:
        while True:
            work.send(None)
    except StopIteration:
        return


def main() -> None:
    """Measure and print."""
    engine = cached_engine(triggers(), cache_directory(os.environ))
    classifier = Classifier(Settings(), engine)
    scorer = Scorer.from_bytes(files("routers.complexity").joinpath("default.weights").read_bytes())
    judge, said = Judge(classifier, scorer), purpose({}, {})

    raw = bodies(REQUESTS)
    documents = [parse(body) for body in raw]
    calls = [INGRESS["chat"].read(document, ()) for document in documents]
    seen = [visible(call.document.values, call.dialect) for call in calls]
    texts = ["\n\n".join(text for _, text in each_seen.texts) for each_seen in seen]
    segments = [segments_of(one) for one in seen]
    conversations = [conversation_of(one) for one in seen]

    took = {
        "parse": each(parse, raw),
        "read": each(lambda document: INGRESS["chat"].read(document, ()), documents),
        "visible": each(lambda call: visible(call.document.values, call.dialect), calls),
        "label": each(classifier.label, segments),
        "score": each(scorer.score, conversations),
        "judge": each(lambda call: at_once(judge.judge(call, said, "bench", None, 0)), calls),
    }
    took["mapping"] = took["judge"] - took["visible"] - took["label"] - took["score"]
    took["scan"] = each(engine.scan, texts)
    notes = {
        "judge": "visible, label, score and the mapping between them",
        "scan": f"of the label: {engine.name}'s one pass",
    }
    for stage, cost in took.items():
        print(f"{stage:>8} {cost:6.1f} µs  {notes.get(stage, '')}".rstrip())


if __name__ == "__main__":
    main()
