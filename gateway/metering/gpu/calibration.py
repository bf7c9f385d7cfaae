"""Fits what an engine's doings cost to requests that were measured one at a time, and says how sure that is.

With the engine to itself, a request's first token takes `latency + prompt·P + prompt·attention·P²/2` for P computed
prompt tokens, and each further one `step + context·(tokens behind it)`. Both are fitted by least squares of relative
errors, outliers counting for less; intervals are 5% to 95% of what other draws of the same samples would have given.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from gateway.metering.gpu.learning import solve

_DRAWS: Final = 200
_ROUNDS: Final = 4  # of taking weight from outliers
_TOLERATED: Final = 2.5  # median deviations at full weight
SURE: Final = 0.15  # an interval of no more than this either way is sure

Rows = Sequence[tuple[tuple[float, ...], float]]  # (factors, seconds)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request alone. `computed` prompt tokens, `output` tokens, seconds to the first and from there to the last."""

    computed: int
    cached: int
    output: int
    first: float
    rest: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and where it lies with nine chances in ten. 0: not seen above the noise."""

    value: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Half the interval, as a share of the figure."""
        return (self.high - self.low) / 2 / self.value if self.value > 0 else float("inf")

    @property
    def sure(self) -> bool:
        """Whether more samples would tell little more."""
        return self.spread <= SURE


@dataclass(frozen=True, slots=True)
class Fit:
    """Seconds: `latency` of a request that are not the prompt's, one `step`, one `prompt` token, one `context` token
    read back; and `attention`, the share by which a token of context makes a prompt token dearer. `missed`: the
    median relative error of (first tokens, further ones)."""

    latency: Estimate
    step: Estimate
    prompt: Estimate
    context: Estimate
    attention: Estimate
    missed: tuple[float, float]
    samples: int


def fit(samples: Sequence[Sample], seed: int = 0) -> Fit:
    """Raises ValueError where there are too few different prompts (3) or no second tokens."""
    if len({sample.computed for sample in samples}) < 3 or not any(s.output > 1 for s in samples):
        raise ValueError("a fit needs prompts of at least three lengths, and answers of two tokens or more")
    best = _figures(samples)
    drawn = random.Random(seed)  # noqa: S311  # for intervals, no secret
    groups = _alike(samples)
    draws = [_figures([drawn.choice(group) for group in groups for _ in group]) for _ in range(_DRAWS)]
    each = len(samples) / len(groups)
    wider = each / max(1.0, each - 1)  # few samples of a length differ less than many would
    latency, step, prompt, context, attention = (
        _estimate(best[i], sorted(draw[i] for draw in draws), wider) for i in range(5)
    )
    return Fit(latency, step, prompt, context, attention, _missed(samples, best), len(samples))


def _alike(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples of about the same prompt: neighbours by length that differ by less than a tenth."""
    groups: list[list[Sample]] = []
    for sample in sorted(samples, key=lambda each: each.computed):
        if groups and sample.computed <= 1.1 * groups[-1][0].computed + 8:
            groups[-1].append(sample)
        else:
            groups.append([sample])
    return groups


def _figures(samples: Sequence[Sample]) -> tuple[float, float, float, float, float]:
    """(latency, step, prompt, context, attention)."""
    latency, prompt, squared = regress(_first_rows(samples), 1)
    step, context = regress(_rest_rows(samples), 1)
    return latency, step, prompt, context, squared / prompt if prompt > 0 else 0.0


def _first_rows(samples: Sequence[Sample]) -> Rows:
    return [
        ((1.0, float(s.computed), s.computed * (s.cached + s.computed / 2)), s.first)
        for s in samples
        if s.first > 0
    ]


def _rest_rows(samples: Sequence[Sample]) -> Rows:
    rows = []
    for s in samples:
        steps = s.output - 1
        if steps > 0 and s.rest > 0:
            rows.append(((float(steps), steps * (s.computed + s.cached + s.output / 2)), s.rest))
    return rows


def regress(rows: Rows, keep: int) -> list[float]:
    """Non-negative factors' weights by least squares of relative errors; outliers count for less. The first `keep`
    factors are never left out."""
    trust = [1 / (y * y) for _, y in rows]
    found: list[float] = []
    for _ in range(_ROUNDS):
        found = _non_negative([(x, y, w) for (x, y), w in zip(rows, trust, strict=True)], keep)
        # relative to what is expected: relative to what was measured, the small ones would count for more
        expected = [max(_predicted(found, x), y / 10) for x, y in rows]
        misses = [abs(each - y) / each for each, (_, y) in zip(expected, rows, strict=True)]
        usual = max(median(misses), 1e-9)
        trust = [
            (min(1.0, _TOLERATED * usual / miss) if miss else 1.0) / (each * each)
            for miss, each in zip(misses, expected, strict=True)
        ]
    return found


def _non_negative(rows: Sequence[tuple[tuple[float, ...], float, float]], keep: int) -> list[float]:
    size = len(rows[0][0])
    scale = [max(x[i] for x, _, _ in rows) or 1.0 for i in range(size)]
    used = list(range(size))
    while True:
        solution = _least_squares([([x[i] / scale[i] for i in used], y, w) for x, y, w in rows])
        worst = min(range(len(used)), key=lambda at: solution[at] if used[at] >= keep else 0.0)
        if used[worst] < keep or solution[worst] >= 0:
            break
        del used[worst]
    found = [0.0] * size
    for at, i in enumerate(used):
        found[i] = max(0.0, solution[at]) / scale[i]
    return found


def _least_squares(rows: Sequence[tuple[Sequence[float], float, float]]) -> list[float]:
    size = len(rows[0][0])
    total = sum(w for _, _, w in rows)
    gram = [
        [sum(w * x[i] * x[j] for x, _, w in rows) + (1e-12 * total if i == j else 0.0) for j in range(size)]
        for i in range(size)
    ]
    return solve(gram, [sum(w * x[i] * y for x, y, w in rows) for i in range(size)])


def _predicted(weights: Sequence[float], factors: Sequence[float]) -> float:
    return sum(weight * factor for weight, factor in zip(weights, factors, strict=True))


def _estimate(value: float, draws: Sequence[float], wider: float) -> Estimate:
    edge = len(draws) // 20
    below, above = max(0.0, value - draws[edge]), max(0.0, draws[-1 - edge] - value)
    return Estimate(value, max(0.0, value - wider * below), value + wider * above)


def _missed(samples: Sequence[Sample], best: tuple[float, ...]) -> tuple[float, float]:
    latency, step, prompt, context, attention = best

    def of(rows: Rows, *weights: float) -> float:
        return median([abs(_predicted(weights, x) - y) / y for x, y in rows]) if rows else 0.0

    return (
        of(_first_rows(samples), latency, prompt, prompt * attention),
        of(_rest_rows(samples), step, context),
    )
