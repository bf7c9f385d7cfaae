"""The score of a conversation: 0..1, the calibrated chance that the strong model is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import exp, sqrt
from typing import Any, Final
from zlib import crc32

from routers.complexity.conversation import Conversation, Turn, last_tasks
from routers.complexity.formula import formula
from routers.complexity.kind import kind_of
from routers.complexity.pulls import Pulls, pulled
from routers.complexity.reading import FEATURES, FORMS, MANY, MASK, STEM, Reading, beside, buckets_of, read
from routers.complexity.trees import reasons
from routers.complexity.weights import Weights

__all__ = ["Conversation", "Score", "Scorer", "Turn"]


@dataclass(slots=True)  # not frozen, as `Reading` is not; nobody changes one
class Score:
    """What is known of a task before it is routed."""

    value: float  # 0..1, calibrated on the weights' own data
    kind: str  # one of routers.complexity.kind.KINDS
    language: str  # ISO 639-1, or "und"


_ZERO: Final = 128  # a table's pulls are held above it: bytes are quicker to look up than signed numbers


class Scorer:
    """Scores conversations with one set of weights. Immutable, so threads may share it."""

    def __init__(self, weights: Weights, digest: str = "") -> None:
        """`digest` tells these weights from others."""
        self._weights: Final = weights
        self.digest: Final = digest
        # the logistic curve is folded into all of them: score = logistic(base + facts · pull + trees + words)
        slopes = weights.slopes
        bases = zip(weights.biases, slopes, weights.intercepts, strict=True)
        self._base: Final = tuple(bias * slope + intercept for bias, slope, intercept in bases)
        rows = zip(weights.coefficients, slopes, strict=True)
        self._pull: Final = tuple(tuple(one * slope for one in row) for row, slope in rows)
        self._step: Final = tuple(step * slope for step, slope in zip(weights.steps, slopes, strict=True))
        self._slope: Final = slopes
        self._trees: Final = weights.trees
        self._said: Final = tuple(map(formula, self._base, self._pull, weights.trees, slopes))
        self._table: Final = tuple(bytes([pull + _ZERO for pull in table]) for table in weights.tables)
        self._counted: Final = tuple(Pulls(table).of for table in self._table)

    @classmethod
    def from_bytes(cls, weights: bytes) -> "Scorer":
        """A scorer from the bytes of a weights file. Raises BadWeights."""
        return cls(Weights.from_bytes(weights), sha256(weights).hexdigest())

    @property
    def card(self) -> Mapping[str, Any]:
        """Where the weights come from: data, date, metrics."""
        return self._weights.card

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Ascending quantiles of the scores the weights were calibrated on, as `Weights.quantiles`."""
        return self._weights.quantiles

    @property
    def seen(self) -> bytes:
        """Keys of the prompts the weights were trained on, as `Weights.seen`."""
        return self._weights.seen

    def score(self, conversation: Conversation) -> Score:
        """The score of the last task. Any text gives one; bounded in time by `conversation.READ`."""
        reading, chance = self._hardest(conversation)
        return Score(chance, kind_of(reading), reading.said.language)

    def explain(self, conversation: Conversation, *, words: int = 0) -> tuple[tuple[str, float], ...]:
        """Reasons and how far each moves the log-odds, strongest first; they sum to the score's log-odds.

        With `words`, that many of the prompt's own words are named: for its author, never for a log.
        """
        reading, _ = self._hardest(conversation)
        form = reading.form
        facts = reading.scaled
        start, moved = reasons(self._trees[form], facts)
        found = [
            (feature.reason, fact * pull + moved.get(at, 0.0) * self._slope[form])
            for at, (fact, pull, feature) in enumerate(zip(facts, self._pull[form], FEATURES, strict=True))
        ]
        base = self._base[form] + start * self._slope[form]
        found.append((f"a task with {FORMS[form]}" if form else "an open task", base))
        rest = self._words(reading)
        for word, pull in self._strongest_words(reading, words):
            found.append((f"the word “{word}”", pull))
            rest -= pull
        found.append(("other words" if words else "its words", rest))
        return tuple(sorted((item for item in found if item[1]), key=lambda item: -abs(item[1])))

    def _hardest(self, conversation: Conversation) -> tuple[Reading, float]:
        """The last task as read, and its chance; of a turn that leans on another, the harder reading."""
        whole, *leant_on = last_tasks(conversation)
        reading = read(whole, self._counted)
        chance = self._chance(reading)
        for task in leant_on:
            other = read(task, self._counted)
            others = self._chance(other)
            if others > chance:
                reading, chance = other, others
        return reading, chance

    def _chance(self, reading: Reading) -> float:
        odds = self._said[reading.form](*reading.facts) + self._words(reading)
        return 1 / (1 + exp(-odds)) if odds > -700 else 0.0

    def _words(self, reading: Reading) -> float:
        """The words' part of the log-odds."""
        form = reading.form
        weighed = len(reading.said.vocabulary)
        pulls = pulled(reading.said.counts)
        if form == MANY or reading.said.grams:
            buckets, table = beside(reading), self._table[form]
            weighed += len(buckets)
            pulls += sum([table[bucket] for bucket in buckets])
        return (pulls - _ZERO * weighed) * self._step[form] / sqrt(weighed or 1)

    def _strongest_words(self, reading: Reading, most: int) -> list[tuple[str, float]]:
        if not most:
            return []
        table = self._table[reading.form]
        step = self._step[reading.form] / sqrt(len(buckets_of(reading)) or 1)
        pulls = [
            (word.decode("utf-8", "replace"), (table[crc32(word[:STEM]) & MASK] - _ZERO) * step)
            for word in reading.said.vocabulary
        ]
        return sorted(pulls, key=lambda item: (-abs(item[1]), item[0]))[:most]
