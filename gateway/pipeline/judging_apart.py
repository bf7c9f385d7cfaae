"""Large bodies are judged in a process of their own, so that the event loop does none of it (ADR 13).

What was parsed of a body goes there; what comes back is what a decision needs. The same process judges every body
where the tenant's expressions could keep `re` busy for ever: it can be stopped, the loop cannot.
"""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from adapters.call import Call
from adapters.visible import visible
from gateway.detectors.apart import Apart, Part, Task
from gateway.detectors.forks import Answer
from gateway.detectors.pattern_cache import cached_engine, cached_patterns
from gateway.pipeline.crossing import put_together, taken_apart
from gateway.pipeline.reading import conversation_of, opening_of, segments_of, tokens_of, without_kept
from gateway.pipeline.turns import by_turns
from routers.complexity.scorer import Score, Scorer
from routers.sensitivity.classifier import Classifier, tenant_triggers, triggers
from routers.sensitivity.label import Label, Level
from routers.sensitivity.settings import Settings

NAME: Final = "patterns"  # what a label says failed, where this does not judge
LARGE: Final = 256 * 1024  # bytes from which a body is judged apart
_SECONDS: Final = 2.0  # to judge any body, and
_SECONDS_PER_MB: Final = 5.0  # a hundred times what prose takes, ten times what it takes without hyperscan
_LONGEST: Final = 60.0
_NICE: Final = 5  # by how much it gives way to the loop


@dataclass(slots=True)
class Reading:
    """What was read of a body: what stands in no other field of it and a decision needs."""

    label: Label
    score: Score
    tokens: int  # estimate
    tools: bool
    opening: str = field(repr=False)


class JudgingApart:
    """Judges in a process of its own, which is started when it is first needed."""

    def __init__(
        self, settings: Settings, weights: bytes | None, cache: Path, *, above: int = LARGE, most: int = 2
    ) -> None:
        """`weights` of the score, None for those that ship; bodies of more than `above` bytes are for it; `most` at a
        time."""
        self.above: Final = above
        told = {
            "unlabelled": settings.unlabelled,
            "unscanned": dict(settings.unscanned),
            "levels": dict(settings.levels),
            "terms": settings.terms,
            "patterns": dict(settings.patterns),
            "weights": None if weights is None else base64.b64encode(weights).decode(),
            "cache": str(cache),
        }
        self._apart = Apart(NAME, Task("gateway.pipeline.judging_apart:load", told, most))

    async def read(self, call: Call, floor: Level | None, *, files_known: bool) -> Reading:
        """What is to be known of a request; `files_known`: so is what its files hold. Raises NotJudged, Unready."""
        asked = {
            "dialect": call.dialect,
            "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in call.headers],
            "floor": floor,
            "files_known": files_known,
        }
        head = json.dumps(asked).encode()
        question: list[Part] = [len(head).to_bytes(4), head]
        question += await by_turns(taken_apart(call.document.values))
        deadline = min(_LONGEST, _SECONDS + _SECONDS_PER_MB * len(call.document.body) / 1_000_000)
        answer = await self._apart.ask(question, deadline)
        found = json.loads(answer)
        return Reading(_label_of(found["label"]), Score(*found["score"]), *found["rest"])

    def close(self) -> None:
        """End the process once it has answered what it was asked."""
        self._apart.close()


def load(told: Mapping[str, Any]) -> Answer:
    """In the process: what judges under these settings, as `JudgingApart` tells them."""
    os.nice(_NICE)
    settings = Settings(
        unlabelled=Level(told["unlabelled"]),
        unscanned={kind: Level(level) for kind, level in told["unscanned"].items()},
        levels={name: Level(level) for name, level in told["levels"].items()},
        terms=tuple(told["terms"]),
        patterns=told["patterns"],
    )
    cache = Path(told["cache"])
    theirs = tenant_triggers(settings)
    classifier = Classifier(
        settings,
        cached_engine(triggers(), cache),
        cached_engine(theirs, cache) if theirs else None,
        cached_patterns(settings.patterns, cache) if settings.patterns else None,
    )
    shipped = files("routers.complexity").joinpath("default.weights")
    weights = shipped.read_bytes() if told["weights"] is None else base64.b64decode(told["weights"])
    scorer = Scorer.from_bytes(weights)

    def answer(question: bytearray) -> bytes:
        start = 4 + int.from_bytes(question[:4])
        asked = json.loads(question[4:start])
        floor = None if asked["floor"] is None else Level(asked["floor"])
        headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in asked["headers"])
        seen = visible(put_together(memoryview(question)[start:]), asked["dialect"], headers)
        if asked["files_known"]:
            seen = without_kept(seen, asked["dialect"])
        label = classifier.label(segments_of(seen), seen.opaque, floor)
        score = scorer.score(conversation_of(seen))
        rest = (tokens_of(seen), seen.tools > 0, opening_of(seen))
        told = {"label": _told(label), "score": (score.value, score.kind, score.language), "rest": rest}
        return json.dumps(told).encode()

    return answer


def _told(label: Label) -> dict[str, Any]:
    return {
        "level": label.level,
        "types": dict(label.types),
        "categories": sorted(label.categories),
        "rules": label.rules,
        "unscanned": label.unscanned,
        "failed": label.failed,
    }


def _label_of(told: Mapping[str, Any]) -> Label:
    return Label(
        Level(told["level"]),
        MappingProxyType(told["types"]),
        frozenset(told["categories"]),
        tuple(told["rules"]),
        tuple(told["unscanned"]),
        tuple(told["failed"]),
    )
