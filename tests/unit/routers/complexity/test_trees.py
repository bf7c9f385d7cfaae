"""Trees walked row by row and added up column by column say the same."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from routers.complexity.train import walked
from routers.complexity.trees import Node

FACTS = 5
numbers = st.floats(-3, 3)
facts = st.lists(numbers, min_size=FACTS, max_size=FACTS)


def trees_to(depth: int) -> st.SearchStrategy[Node | float]:
    if depth == 0:
        return numbers
    below = trees_to(depth - 1)
    return st.tuples(st.integers(0, FACTS - 1), numbers, below, below)


def walk(node: Node | float, sample: list[float]) -> float:
    while isinstance(node, tuple):
        fact, cut, left, right = node
        node = left if sample[fact] <= cut else right
    return node


@given(st.lists(trees_to(3), max_size=6), st.lists(facts, min_size=1, max_size=8))
def test_every_row_gets_what_the_walk_says(trees: list[Node], samples: list[list[float]]) -> None:
    together = walked(trees, np.array(samples))
    for sample, said in zip(samples, together, strict=True):
        expected = sum(walk(tree, sample) for tree in trees)
        assert said == pytest.approx(expected)


def test_the_cut_itself_goes_left() -> None:
    leaves = ((1, 0.0, 1.0, 2.0), (1, 0.0, 3.0, 4.0))
    tree: Node = (0, 0.5, (0, 0.5, *leaves), (0, 0.5, *leaves))
    assert walked([tree], np.array([[0.5, 0.0]])) == [1.0]
