"""A form as one function of a task's facts says what its parts say one by one of the scaled facts."""

from math import isfinite
from random import Random

import pytest

from routers.complexity.formula import formula
from routers.complexity.reading import FEATURES
from routers.complexity.trees import Node

COUNT = len(FEATURES)


def grown(draw: Random, depth: int) -> Node | float:
    if depth == 0:
        return draw.choice((draw.uniform(-3, 3), 1.0))
    cut = draw.uniform(-3, 3)
    return Node(draw.randrange(COUNT), cut, grown(draw, depth - 1), grown(draw, depth - 1))


def walk(node: Node | float, scaled: list[float]) -> float:
    while isinstance(node, tuple):
        fact, cut, left, right = node
        node = left if scaled[fact] <= cut else right
    return node


@pytest.mark.parametrize("seed", range(50))
def test_it_says_what_its_parts_say(seed: int) -> None:
    draw = Random(seed)  # noqa: S311  # numbers for a test
    base, worth, pulls = draw.uniform(-3, 3), draw.uniform(0.1, 9), [draw.uniform(-1, 1) for _ in FEATURES]
    trees = [grown(draw, 3) for _ in range(5)]
    together = formula(base, pulls, trees, worth)
    for _ in range(20):
        # within what is told apart, and beyond it
        facts = [draw.choice((0.0, draw.uniform(0, 2 * feature.highest))) for feature in FEATURES]
        scaled = [feature.scaled(fact) for feature, fact in zip(FEATURES, facts, strict=True)]
        linear = sum(pull * fact for pull, fact in zip(pulls, scaled, strict=True))
        expected = base + linear + worth * sum(walk(tree, scaled) for tree in trees)
        assert together(*facts) == pytest.approx(expected, abs=1e-9)


def test_a_fact_is_told_apart_up_to_a_point() -> None:
    at = next(at for at, feature in enumerate(FEATURES) if feature.lowest > 0)
    feature = FEATURES[at]
    said = formula(0.0, [float(each == at) for each in range(COUNT)], [], 1.0)

    def of(fact: float) -> float:
        return said(*(fact if each == at else 0.0 for each in range(COUNT)))

    assert of(0.0) == of(feature.lowest) == pytest.approx(-3)
    assert of(feature.centre) == pytest.approx(0)
    assert of(feature.highest) == of(2 * feature.highest) == pytest.approx(3)


def test_weights_beyond_all_measure_give_no_error() -> None:
    assert not isfinite(formula(1e308, [1e308] * COUNT, [], 1e308)(*[1e9] * COUNT))
    with pytest.raises(TypeError):
        formula(0.0, [0.0] * COUNT, [], 1.0)(0.5)
