"""Real prompts of shared/data/routing through the demo's policy: where they would go, and that all go somewhere."""

import asyncio
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from adapters.dialects import chat
from adapters.document import parse
from gateway.app import build
from gateway.configuration.loading import load
from gateway.configuration.snapshot import Snapshot
from gateway.pipeline.deciding import draw_of
from gateway.pipeline.judge import Judge, purpose
from routers.policy.policy import Decision

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "routing"
SOURCES = ("mmlu", "mmlu_pro", "llmrouter", "gsm8k_train_steps")
EVERY = 5  # one prompt in five: 5,000 and more


def prompts(source: str) -> Iterator[str]:
    file = FOLDER / f"{source}.jsonl.gz"
    if not file.exists():
        pytest.skip(f"shared/data/routing/{file.name} is missing beside the checkout")
    with gzip.open(file, "rt") as lines:
        for i, line in enumerate(lines):
            if i % EVERY == 0:
                yield json.loads(line)["prompt"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    environ = {
        "WEIR_SANDBOX_VLLM_URL": "http://127.0.0.1:1",
        "WEIR_SANDBOX_OPENAI_URL": "http://127.0.0.1:1",
        "WEIR_SANDBOX_ANTHROPIC_URL": "http://127.0.0.1:1",
        "WEIR_DEMO_KEY_SHA256": "0" * 64,
        "WEIR_DEMO_FOLDER": str(tmp_path_factory.mktemp("demo")),
    }
    with as_file(files("gateway.sandbox").joinpath("demo.yaml")) as policy:
        return load([policy], environ, date(2026, 11, 21))


def decisions(snapshot: Snapshot, source: str) -> Iterator[tuple[Decision, Any]]:
    judge = Judge(build.classifier(snapshot.sensitivity, os.environ), build.shipped_scorer())
    for prompt in prompts(source):
        body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": prompt}]}).encode()
        call = chat.read(parse(body))
        judged = asyncio.run(judge.judge(call, purpose({}, {}), "demo", None, 0))
        yield snapshot.policy.decide(judged.signals, draw_of("demo", judged.opening)), judged.signals


@pytest.mark.parametrize("source", SOURCES)
def test_every_prompt_has_somewhere_to_go(demo: Snapshot, source: str, share: Any) -> None:
    models: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    total = 0
    for decision, signals in decisions(demo, source):
        assert decision.targets, "a prompt that the policy sends nowhere"
        if signals.label.must_stay:
            assert all(permit.zone.inside for permit in decision.targets)
        models[decision.targets[0].model] += 1
        levels[str(signals.label.level)] += 1
        total += 1
    split = ", ".join(f"{model} {count / total:.0%}" for model, count in models.most_common())
    labels = ", ".join(f"{level} {count / total:.1%}" for level, count in levels.most_common())
    share(f"{source} prompts through the demo's policy: {split}; labels: {labels}", total, total)
    assert total > 300
