"""Prompts of which it is not known yet how much was cached, put right by what the engine counted meanwhile.

An answer may go on for minutes after its first token, and only its end tells what of its prompt came from the cache.
Its first window is priced long before. What the engine computed in that window is known, though: less the prompts that
are clear, it is what these took together. The difference from their estimates goes to those whose estimates vary most.
"""

from dataclasses import dataclass
from typing import Final

from gateway.metering.gpu.counts import Counted

_ALIKE: Final = (
    0.75,
    1.33,
)  # the engine's prompt tokens to ours: else some are others', or of the window beside it


@dataclass(frozen=True, slots=True)
class Doubt:
    """Sums over prompts in doubt: the tokens estimated to be computed, and the variance of that."""

    computed: float = 0.0
    variance: float = 0.0

    def plus(self, other: "Doubt") -> "Doubt":
        """The sum of both."""
        return Doubt(self.computed + other.computed, self.variance + other.variance)


def missed(told: Counted | None, known: Counted, doubt: Doubt) -> float:
    """Tokens computed beyond the estimates (or, below 0, short of them) for each of their variance, by what the engine
    told of a window and all gateways know of it. 0 where there is no telling."""
    if told is None or doubt.variance <= 0:
        return 0.0
    least, most = _ALIKE
    if not least * known.prompts <= told.prompts <= most * known.prompts:
        return 0.0
    return (told.computed - known.computed) / doubt.variance
