"""Learns how an engine's costs compare, from busy time: an online ridge regression about a first guess."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import Coefficients

# Windows regressed as one. A prompt is counted when its computing ends, which may be seconds after it began: where
# groups are short, that blurs what prompts cost, and steps and context seem to cost more. Which windows make a group
# follows from their numbers alone: gateways before one engine learn the same from it, whenever each of them began.
GROUP: Final = 60
# The first few are short, so that a guess that is far off is put right within minutes.
SHORT: Final = 15
EARLY: Final = 4
_FORGET: Final = 0.99  # per group: half the weight is gone after about an hour of busy time
_DOUBT: Final = 0.5  # how far the guess may be off, as a share
# Least, first and most variance of a group's busy time, per second of it.
_NOISE: Final = (0.001, 0.02, 0.2)
_REACH: Final = 8.0  # no coefficient is learned further from the guess than this factor
_LEAST_BUSY: Final = 1.0  # seconds; groups with less say nothing


@dataclass(slots=True)
class _Group:
    """Windows regressed as one: their busy seconds, and what was done in them (the guess's seconds of each doing)."""

    size: int  # windows
    number: int  # windows are numbered, so are groups of that size
    busy: float = 0.0
    done: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class Memory:
    """What a learner knows, in units of the guess it began with."""

    guess: Coefficients
    groups: int
    noise: float
    gram: tuple[float, ...]  # 3 rows of 3
    moment: tuple[float, ...]


class Learner:
    """Coefficients of one model on one engine version and GPU. Seconds in, seconds out.

    `memory` is what an earlier learner knew; one that began with another guess is of no use.
    """

    def __init__(self, guess: Coefficients, memory: Memory | None = None) -> None:
        self.guess: Final = guess
        self._gram = [[0.0] * 3 for _ in range(3)]
        self._moment = [0.0] * 3
        self._groups: dict[Hashable, _Group] = {}
        self._factors = [1.0, 1.0, 1.0]
        self._noise = _NOISE[1]
        self.coefficients = guess
        self.groups = 0
        if memory and memory.groups and memory.guess == guess:
            self.groups, self._noise = memory.groups, memory.noise
            self._gram = [list(memory.gram[i : i + 3]) for i in (0, 3, 6)]
            self._moment = list(memory.moment)
            self._fit()

    @property
    def memory(self) -> Memory:
        """All it knows, to be kept beyond the process."""
        gram = tuple(value for row in self._gram for value in row)
        return Memory(self.guess, self.groups, self._noise, gram, tuple(self._moment))

    def add(self, window: int, busy: float, counted: Counted, replica: Hashable = None) -> None:
        """A replica's window of that number, later than those before: its busy seconds and what the counters say was
        done in them."""
        group = self._groups.get(replica)
        if group is not None and group.number != window // group.size:
            self._learn(group.busy, group.done)
            group = None
        if group is None:
            size = GROUP if self.groups >= EARLY else SHORT
            group = self._groups[replica] = _Group(size, window // size)
        guess = self.guess
        effective = counted.effective(guess.attention)
        group.busy += busy
        group.done[0] += counted.steps * guess.step
        group.done[1] += effective * guess.prompt
        group.done[2] += counted.context * guess.context

    def _learn(self, busy: float, done: Sequence[float]) -> None:
        if busy < _LEAST_BUSY or sum(done) <= 0:
            return
        if self.groups:
            missed = busy - sum(factor * x for factor, x in zip(self._factors, done, strict=True))
            low, _, high = _NOISE
            self._noise += 0.1 * (min(max(missed * missed / busy, low), high) - self._noise)
        weight = 1.0 / busy  # the variance of a group grows with its busy time
        for i in range(3):
            self._moment[i] = _FORGET * self._moment[i] + weight * done[i] * busy
            for j in range(3):
                self._gram[i][j] = _FORGET * self._gram[i][j] + weight * done[i] * done[j]
        self.groups += 1
        self._fit()

    def _fit(self) -> None:
        # the level at which the guess as it stands fits best
        level = sum(self._moment) / sum((sum(row, 0.0) for row in self._gram), 0.0)
        pull = self._noise / (_DOUBT * level) ** 2
        gram = [[self._gram[i][j] + (pull if i == j else 0.0) for j in range(3)] for i in range(3)]
        moment = [self._moment[i] + pull * level for i in range(3)]
        self._factors = [min(max(x, level / _REACH), level * _REACH) for x in solve(gram, moment)]
        step, prompt, context = self._factors
        guess = self.guess
        self.coefficients = Coefficients(
            guess.step * step, guess.prompt * prompt, guess.context * context, guess.attention
        )


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a small, positive definite system, by elimination."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [x - factor * y for x, y in zip(rows[j], rows[i], strict=True)]
    solution = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * solution[j] for j in range(i + 1, size))
        solution[i] = (rows[i][size] - known) / rows[i][i]
    return solution
