"""Small regression trees over a task's facts, as plain tuples: quick to walk, and each step has a reason."""

from collections.abc import Sequence
from math import isfinite
from typing import Final, NamedTuple

DEPTH: Final = 3  # every tree is complete to it; the last nodes hold numbers


class Node(NamedTuple):
    """Left where the fact is at most the threshold."""

    fact: int
    cut: float
    left: "Node | float"
    right: "Node | float"


def mean(node: Node | float) -> float:
    """The mean of a node's leaves."""
    return (mean(node[2]) + mean(node[3])) / 2 if isinstance(node, tuple) else node


def reasons(trees: Sequence[Node], facts: Sequence[float]) -> tuple[float, dict[int, float]]:
    """What the trees say of no facts, and how far each fact moves that; together they are their sum."""
    start, moved = 0.0, dict[int, float]()
    for tree in trees:
        node: Node | float = tree
        start += mean(node)
        while isinstance(node, tuple):
            fact, cut, left, right = node
            child = left if facts[fact] <= cut else right
            moved[fact] = moved.get(fact, 0.0) + mean(child) - mean(node)
            node = child
    return start, moved


def flatten(tree: Node) -> list[float]:
    """Nodes breadth first as fact, threshold, …, then the leaves: a row of numbers for a file."""
    splits: list[float] = []
    level: list[Node | float] = [tree]
    for _ in range(DEPTH):
        below: list[Node | float] = []
        for node in level:
            fact, cut, left, right = node  # type: ignore[misc]  # complete trees: no leaf above the last level
            splits += [fact, cut]
            below += [left, right]
        level = below
    return splits + [leaf for leaf in level if isinstance(leaf, float)]


def unflatten(row: Sequence[float], facts: int) -> Node:
    """The tree that `flatten` wrote. Raises ValueError where a row is no tree over that many facts."""
    splits, leaves = (1 << DEPTH) - 1, 1 << DEPTH
    if len(row) != 2 * splits + leaves or not all(map(isfinite, row)):
        raise ValueError("a tree has the wrong numbers")
    level: list[Node | float] = [float(leaf) for leaf in row[2 * splits :]]
    for depth in reversed(range(DEPTH)):
        first = (1 << depth) - 1
        nodes: list[Node | float] = []
        for at in range(1 << depth):
            fact, cut = int(row[2 * (first + at)]), float(row[2 * (first + at) + 1])
            if not 0 <= fact < facts:
                raise ValueError("a tree asks for a fact that there is not")
            nodes.append(Node(fact, cut, level[2 * at], level[2 * at + 1]))
        level = nodes
    root = level[0]
    assert isinstance(root, tuple)  # noqa: S101  # for the type checker: DEPTH is at least 1
    return root
