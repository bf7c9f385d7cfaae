"""What counts as hard just now: each route's rolling threshold, and how far scores have drifted.

A decision is handed thresholds as numbers and says which of them decided it, so it can be made again from what the
ledger keeps. Everything here belongs to the event loop's thread.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final, Self

from routers.complexity.scorer import Scorer
from routers.complexity.weights import CALIBRATED
from routers.complexity.window import (
    ENOUGH,
    SIZE,
    Window,
    drift,
    observe,
    quantile_for_share,
    threshold,
    window_of,
)
from routers.policy.conditions import Condition, Hardest, Within, assumed, atoms, described
from routers.policy.policy import Decision, Policy

_UNTOLD: Final = 10 * SIZE  # scores that may wait to be handed in
_SCALE: Final = 1_000_000  # thresholds have six decimals, as the reason of a decision prints them


class Hardness:
    """The thresholds of one policy's routes that ask for the hardest, and the scores that it has met."""

    __slots__ = (
        "_calibration",
        "_met",
        "_names",
        "_recent",
        "_reference",
        "_shared",
        "_shares",
        "_starts",
        "_windows",
        "thresholds",
        "watches",
    )

    def __init__(self, policy: Policy, scorer: Scorer, *, shipped: bool, shared: bool = False) -> None:
        """Thresholds begin at the quantiles of the scores that the scorer was calibrated on. `shipped`: its weights
        are those that come with Weir; `shared`: they follow all gateways' traffic, as `go_on` is told of it."""
        self._shared = shared
        self._calibration = "shipped" if shipped else "traffic" if CALIBRATED in scorer.card else "trained"
        self.watches: Final = any(map(_asks_for_complexity, (route.when for route in policy.routes)))
        self._reference = scorer.quantiles
        self._shares = policy.shares
        self._names = {
            route.name: _name(route.name, route.when, scorer.digest)
            for route in policy.routes
            if route.name in policy.shares
        }
        self._starts = {name: start_of(self._reference, share) for name, share in policy.shares.items()}
        self._windows = {name: Window() for name in policy.shares}
        self._met = {name: deque[float](maxlen=_UNTOLD) for name in policy.shares}
        self._recent: deque[float] = deque(maxlen=SIZE)
        self.thresholds: Final = dict(self._starts)  # by route, in force

    def inherit(self, before: Self) -> None:
        """Go on with what was seen before a reload by the same weights: for a rule that has not changed but for its
        share."""
        self._recent = before._recent
        for name, window in before._windows.items():
            if self._names.get(name) == before._names[name]:
                self._windows[name] = window
                self._met[name] = before._met[name]
                self._follow(name)

    def took(self, decision: Decision, own: float, weighed: float) -> None:
        """Take in the score of a routed request, and the score it was `weighed` with (its conversation's hardest
        turn's), for the routes whose threshold decided about it."""
        self._recent.append(own)
        for name in decision.weighed:
            self._met[name].append(weighed)
            if not self._shared:
                observe(self._windows[name], weighed)
                self._follow(name)

    def met(self) -> dict[str, Sequence[float]]:
        """The scores that each rule was asked about since the last call, by a name that stands for the rule, whatever
        its share, and for the weights."""
        told: dict[str, Sequence[float]] = {
            name: tuple(self._met[route]) for route, name in self._names.items()
        }
        for met in self._met.values():
            met.clear()
        return told

    def go_on(self, kept: Mapping[str, Sequence[float]]) -> None:
        """Follow these windows, by `met`'s names: what is kept of this and other gateways, all of `met` included."""
        for route, name in self._names.items():
            if name in kept:
                self._windows[route] = window_of(kept[name])
                self._observe(route, () if self._shared else self._met[route])

    def follow(self, met: Mapping[str, Sequence[float]]) -> None:
        """Follow this gateway's own scores, where `go_on` cannot be told of all."""
        for route, name in self._names.items():
            if self._shared and name in met:
                self._observe(route, met[name])

    def drift(self) -> dict[str, float]:
        """How far (0..1) recent scores are from those the weights were calibrated on, by what that was: `shipped`,
        `trained` or `traffic`. Empty where there are too few to say."""
        if len(self._recent) < ENOUGH or not self._reference:
            return {}
        return {self._calibration: round(drift(self._reference, sorted(self._recent)), 6)}

    def _observe(self, name: str, scores: Sequence[float]) -> None:
        for score in scores:
            observe(self._windows[name], score)
        self._follow(name)

    def _follow(self, name: str) -> None:
        at = threshold(self._windows[name], self._shares[name], self._starts[name])
        self.thresholds[name] = (
            int(at * _SCALE) / _SCALE
        )  # downwards: the score it stands for still reaches it


def start_of(reference: tuple[float, ...], share: float) -> float:
    """The threshold for a share before traffic says better; without a calibration, as if scores were even."""
    at = quantile_for_share(reference, share) if reference else 1 - share
    return int(at * _SCALE) / _SCALE


def _asks_for_complexity(condition: Condition) -> bool:
    return any(
        isinstance(atom, Hardest) or (isinstance(atom, Within) and atom.field == "complexity")
        for atom in atoms(condition)
    )


def _name(route: str, when: Condition, weights: str) -> str:
    rule = (described(assumed(when, hardest=True)), described(assumed(when, hardest=False)))
    return blake2b("\n".join((route, *rule, weights)).encode(), digest_size=16).hexdigest()
