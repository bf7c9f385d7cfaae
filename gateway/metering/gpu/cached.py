"""How much of a cohort's prompts the prefix cache usually holds: for requests whose engine did not say."""

from collections.abc import Hashable
from typing import Final

_WEIGHT: Final = 0.1  # of the newest prompt
_MOST: Final = 4096  # cohorts remembered


class CachedShares:
    """Cohorts are whatever the caller takes for requests alike: a route of a tenant, say."""

    def __init__(self) -> None:
        self._shares: dict[Hashable, float] = {}

    def of(self, cohort: Hashable, prompt: int) -> int:
        """Tokens of a prompt that were probably cached."""
        return int(prompt * self._shares.get(cohort, 0.0))

    def learn(self, cohort: Hashable, prompt: int, cached: int) -> None:
        """A prompt's cached tokens are known."""
        if prompt <= 0:
            return
        if cohort not in self._shares and len(self._shares) >= _MOST:
            del self._shares[next(iter(self._shares))]
        seen = cached / prompt
        known = self._shares.get(cohort, seen)
        self._shares[cohort] = known + _WEIGHT * (seen - known)
