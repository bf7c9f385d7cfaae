"""What an engine did in some time: as its counters tell it, and as own requests know it better."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from gateway.metering.gpu.facts import WRITTEN, Coefficients, Tokens

_ALL: Final = 0.98  # of the engine's tokens are own ones: then all are taken to be
_LEND: Final = 1.5  # own tokens stand for the context of at most so many times as many


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums over the engines of a replica, or over own requests."""

    steps: float = 0.0  # S
    computed: float = 0.0  # U, prompt tokens
    looked_back: float = 0.0  # the context each of those looks back on, summed
    generated: float = 0.0  # G
    context: float = 0.0  # K, tokens of context read back
    prompts: float = 0.0  # prompt tokens, those from cache included
    preempted: float = 0.0  # requests dropped for want of memory: what of them is computed again is not in U

    def plus(self, other: "Counted", share: float = 1.0) -> "Counted":
        """The sum with a share of another."""
        return Counted(
            self.steps + share * other.steps,
            self.computed + share * other.computed,
            self.looked_back + share * other.looked_back,
            self.generated + share * other.generated,
            self.context + share * other.context,
            self.prompts + share * other.prompts,
            self.preempted + share * other.preempted,
        )

    def effective(self, attention: float) -> float:
        """E: tokens computed, those of prompts weighted for the context they look back on."""
        return self.computed + attention * self.looked_back + WRITTEN * self.generated

    def work(self, costs: Coefficients) -> float:
        """Seconds, at these coefficients."""
        return (
            costs.prompt * self.effective(costs.attention)
            + costs.context * self.context
            + costs.step * self.steps
        )


class AllOurs:
    """Whether an engine lately worked for gateways alone, by the tokens it counted in the last `windows`."""

    def __init__(self, windows: int) -> None:
        self._recent: deque[_Told] = deque(maxlen=windows)

    def add(self, ours: Tokens, told: Counted) -> None:
        """One window: what all gateways know of, and what the engine counted."""
        self._recent.append(_told(ours, told))

    def __bool__(self) -> bool:
        return _all_ours(self._recent)

    def so_with(self, ours: Tokens, told: Counted) -> bool:
        """Whether it did if one window more is counted in: tokens on the wrong side of an edge come right there."""
        return _all_ours([*self._recent, _told(ours, told)])


_Told = tuple[float, float, float, float]  # own tokens written, all written; own prompt tokens, all of them


def _told(ours: Tokens, told: Counted) -> _Told:
    return ours.generated, told.generated, ours.prompts, told.prompts


def _all_ours(windows: Collection[_Told]) -> bool:
    if not windows:
        return True
    written, all_written, read, all_read = map(float, map(sum, zip(*windows, strict=True)))
    return written >= _ALL * all_written and read >= _ALL * all_read


def refined(engine: Counted, known: Counted) -> Counted:
    """The engine's counts, made better by what is known of own requests.

    Counters give means over requests: where long prompts are mixed with short ones they understate the
    context looked back on, and the KV gauge counts a prefix once however many requests read it.
    """
    computed = min(1.0, engine.computed / known.computed) if known.computed else 0.0
    rest = 1.0 - computed * known.computed / engine.computed if engine.computed else 0.0
    generated = min(_LEND, engine.generated / known.generated) if known.generated else 0.0
    return Counted(
        engine.steps,
        engine.computed,
        computed * known.looked_back + rest * engine.looked_back,
        engine.generated,
        max(engine.context, generated * known.context),
    )
