"""What a form says of a task's facts, as one function of them: its terms are written out, since a step of Python costs
less than a call for each fact."""

from collections.abc import Callable, Sequence
from math import inf, nan
from typing import Final

from routers.complexity.reading import FEATURES
from routers.complexity.trees import Node

_NUMBERS: Final = {"inf": inf, "nan": nan}  # as products of weights may print


def formula(base: float, pulls: Sequence[float], trees: Sequence[Node], worth: float) -> Callable[..., float]:
    """What base, facts and trees say together, of unscaled facts in the order of FEATURES, each an argument of its
    own; `pulls` are those of scaled facts, and what the trees say is `worth` so much."""
    terms = []
    for at, (feature, pull) in enumerate(zip(FEATURES, pulls, strict=True)):
        if pull:
            terms.append(_linear(f"f{at}", feature.lowest, feature.highest, pull / feature.spread))
            base -= feature.centre * pull / feature.spread
    terms += [_tree(tree, worth) for tree in trees]
    names = ", ".join(f"f{at}" for at in range(len(FEATURES)))
    text = f"lambda {names}: {' + '.join([repr(base), *terms])}"
    function: Callable[..., float] = eval(text, dict(_NUMBERS))  # noqa: S307  # of numbers alone
    return function


def _linear(name: str, lowest: float, highest: float, pull: float) -> str:
    within = f"{name} if {name} < {highest!r} else {highest!r}"
    if lowest > 0:  # no fact is less than nothing
        within = f"{lowest!r} if {name} < {lowest!r} else {within}"
    return f"({within}) * {pull!r}"


def _tree(node: Node | float, worth: float) -> str:
    if not isinstance(node, tuple):
        return repr(node * worth)
    fact, cut, left, right = node
    if left == right:
        return _tree(left, worth)
    at = FEATURES[fact].centre + cut * FEATURES[fact].spread
    return f"({_tree(left, worth)} if f{fact} <= {at!r} else {_tree(right, worth)})"
