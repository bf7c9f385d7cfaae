"""Trees as one function say what walking them says, to the last bit."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from routers.complexity.trees import Node, compiled, walk

FACTS = 5
numbers = st.floats(-3, 3)
facts = st.lists(numbers, min_size=FACTS, max_size=FACTS)


def trees_to(depth: int) -> st.SearchStrategy[Node | float]:
    if depth == 0:
        return numbers
    below = trees_to(depth - 1)
    return st.tuples(st.integers(0, FACTS - 1), numbers, below, below)


@given(st.lists(trees_to(3), max_size=6), st.lists(facts, min_size=1, max_size=8))
def test_a_function_says_what_the_walk_says(trees: list[Node], samples: list[list[float]]) -> None:
    function = compiled(trees, FACTS)
    for sample in samples:
        assert function(*sample) == walk(trees, sample)


def test_the_cut_itself_goes_left() -> None:
    leaves = ((1, 0.0, 1.0, 2.0), (1, 0.0, 3.0, 4.0))
    tree: Node = (0, 0.5, (0, 0.5, *leaves), (0, 0.5, *leaves))
    assert compiled([tree], 2)(0.5, 0.0) == 1.0
    with pytest.raises(TypeError):
        compiled([tree], 2)(0.5)
