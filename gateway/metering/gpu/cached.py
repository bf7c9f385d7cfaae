"""How much of a cohort's prompts the prefix cache holds: for requests whose engine did not say.

Told by other requests of the cohort; or, from an engine that never says (vLLM without
`--enable-prompt-tokens-details`), learned by non-negative least squares from the prompt tokens it computed
while so many of each cohort's were asked for.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Final

_WEIGHT: Final = 0.1  # of the newest prompt that is told
_MOST: Final = 512  # cohorts remembered where the engine tells
_APART: Final = (
    32  # learned apart; further ones are taken for one (a regression's cost is the square of this)
)
_UNTOLD: Final = 0.1  # the variance of a cohort's share before it is told of
_OTHERS: Final = "others"
_GROUP: Final = 15  # windows regressed as one
_FORGET: Final = 0.99  # per group
_SWEEPS: Final = 4  # of coordinate descent per group
_OURS: Final = 0.5  # groups in which less of the engine's prompts was ours say nothing


class CachedShares:
    """Cohorts are whatever the caller takes for requests alike: a route of a tenant, say."""

    def __init__(self) -> None:
        self._told: dict[Hashable, tuple[float, float]] = {}  # share cached and its variance
        self._hits_told = False
        self._computed: dict[Hashable, float] = {}  # learned share that had to be computed, by cohort
        self._learned: set[Hashable] = set()  # cohorts learned apart
        self._gram: defaultdict[tuple[Hashable, Hashable], float] = defaultdict(float)
        self._moment: defaultdict[Hashable, float] = defaultdict(float)
        self._asked: defaultdict[Hashable, float] = defaultdict(float)
        self._sums = [0.0, 0.0]  # prompt tokens the engine computed, and was asked for, in this group
        self._windows = 0

    def of(self, cohort: Hashable, prompt: int) -> int:
        """Tokens of a prompt that were probably cached."""
        if self._hits_told:
            told = self._told.get(cohort)
            return int(prompt * told[0]) if told is not None else 0
        return int(prompt * (1.0 - self._computed.get(cohort, self._computed.get(_OTHERS, 1.0))))

    def variance(self, cohort: Hashable) -> float:
        """Of the share of a prompt that is cached, about what `of` says."""
        told = self._told.get(cohort)
        return told[1] if told is not None else _UNTOLD

    def told(self, cohort: Hashable, prompt: int, cached: int) -> int:
        """The engine gave a prompt's cached tokens, 0 perhaps because it never says; what to believe."""
        self._hits_told = self._hits_told or cached > 0
        if not self._hits_told:
            return self.of(cohort, prompt)
        if prompt > 0:
            _bound(self._told)
            share, variance = self._told.get(cohort) or (cached / prompt, _UNTOLD)
            off = cached / prompt - share
            self._told[cohort] = share + _WEIGHT * off, variance + _WEIGHT * (off * off - variance)
        return cached

    def counted(self, asked: Mapping[Hashable, float], computed: float, prompts: float) -> None:
        """One window: own prompt tokens by cohort, and what the engine computed of the prompts it was given."""
        if self._hits_told:
            return
        for cohort, tokens in asked.items():
            self._asked[self._apart(cohort)] += tokens
        self._sums[0] += computed
        self._sums[1] += prompts
        self._windows += 1
        if self._windows == _GROUP:
            self._regress(*self._sums)
            self._asked.clear()
            self._sums, self._windows = [0.0, 0.0], 0

    def _apart(self, cohort: Hashable) -> Hashable:
        """The cohort it is learned as."""
        if cohort in self._learned:
            return cohort
        if len(self._learned) < _APART:
            self._learned.add(cohort)
            return cohort
        return _OTHERS

    def _regress(self, computed: float, prompts: float) -> None:
        own = sum(self._asked.values(), 0.0)
        if not own or own < _OURS * prompts:
            return
        ours = computed * min(1.0, own / prompts) if prompts else 0.0
        for key in self._gram:
            self._gram[key] *= _FORGET
        for cohort in self._moment:
            self._moment[cohort] *= _FORGET
        for cohort, tokens in self._asked.items():
            self._computed.setdefault(cohort, 1.0)
            self._moment[cohort] += tokens * ours / own
            for other, others in self._asked.items():
                self._gram[cohort, other] += tokens * others / own
        for _ in range(_SWEEPS):
            for cohort in self._asked:
                self._descend(cohort)

    def _descend(self, cohort: Hashable) -> None:
        explained = 0.0
        for other, share in self._computed.items():
            if (cohort, other) in self._gram and other != cohort:
                explained += self._gram[cohort, other] * share
        share = (self._moment[cohort] - explained) / self._gram[cohort, cohort]
        self._computed[cohort] = min(1.0, max(0.0, share))


def _bound(shares: dict[Hashable, tuple[float, float]]) -> None:
    while len(shares) >= _MOST:
        del shares[next(iter(shares))]
