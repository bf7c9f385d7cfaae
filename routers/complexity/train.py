"""Fitting the score: ridge on hashed words and structure, then a logistic curve. Needs numpy (`[train]`)."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingRegressor

from routers.complexity.conversation import last_tasks
from routers.complexity.example import Example
from routers.complexity.kernel import fit_kernel, mixed
from routers.complexity.reading import BITS, FEATURES, FORMS, buckets_of, choices, question_key, read
from routers.complexity.trees import DEPTH, Node
from routers.complexity.weights import Weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OWN: Final = 1_000  # rows from which a form is fitted, and calibrated, on its own
WORDS: Final = 3.3  # ridge penalty of a word of middling rarity
SUBJECT: Final = 1.5  # weight of the subject's mean gain beside the example's own, in the words' target
FACTS: Final = 100.0  # ridge penalty of a fact, in scaled units
FACTS_SHARE: Final = 0.25  # weight of the facts' ridge beside words and trees
TREES: Final = 48
RATE: Final = 0.35
LEAF: Final = 20  # rows a leaf rests on, at least
ROWS: Final = 4_000  # rows the trees are shown, at least: where there are fewer, mixed from those there are
PRIOR: Final = 0.05  # gain per unit of the features' hand-set pull, added to what was learned
LEANT_ON: Final = 3.0  # how much more the prior counts for a form that nobody has labelled
LABELLED: Final = 50  # rows of a form at which it counts half as much more
FOLDS: Final = 10
_SUBJECT_OF_NOTE: Final = 25  # rows from which a subject's mean is trusted to show faulty labels


@dataclass(frozen=True, slots=True)
class Table:
    """Examples as numbers, read once and sliced for each fit."""

    buckets: tuple[Ints, ...]  # per example
    facts: Floats  # (examples, features), scaled
    forms: Ints
    gain: Floats  # strong - weak
    keys: Ints  # equal for prompts that ask the same: they stay in one fold
    sources: tuple[str, ...]
    subjects: tuple[str, ...]
    lengths: Floats  # characters of the task

    def __len__(self) -> int:
        return len(self.gain)

    def take(self, rows: Ints) -> "Table":
        """The examples at these positions."""
        return Table(
            tuple(self.buckets[i] for i in rows),
            self.facts[rows],
            self.forms[rows],
            self.gain[rows],
            self.keys[rows],
            tuple(self.sources[i] for i in rows),
            tuple(self.subjects[i] for i in rows),
            self.lengths[rows],
        )


def tabulate(examples: Sequence[Example]) -> Table:
    """Reads every example once."""
    buckets, facts, forms, keys, lengths = [], [], [], [], []
    for example in examples:
        task = last_tasks(example.conversation)[0]
        reading = read(task)
        buckets.append(np.array(sorted(buckets_of(reading)), dtype=np.int64))
        facts.append(reading.scaled)
        forms.append(reading.form)
        keys.append(question_key(task.text))
        lengths.append(float(task.chars))
    return Table(
        tuple(buckets),
        np.array(facts, dtype=np.float64).reshape(len(buckets), len(FEATURES)),
        np.array(forms, dtype=np.int64),
        np.array([example.strong - example.weak for example in examples], dtype=np.float64),
        np.array(keys, dtype=np.int64),
        tuple(example.source for example in examples),
        tuple(example.subject for example in examples),
        np.array(lengths),
    )


def without_faulty(examples: Sequence[Example]) -> tuple[list[Example], frozenset[tuple[str, str]]]:
    """The examples, less (source, subject) whose labels cannot be right; and those subjects.

    There the strong model answers choices worse than by guessing, as where one answer token was asked for.
    """
    right: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    chance: defaultdict[tuple[str, str], float] = defaultdict(float)
    for example in examples:
        of = (example.source, example.subject)
        options = choices(last_tasks(example.conversation)[0].text)
        right[of].append(example.strong)
        chance[of] += 1 / options if options else 0.0
    faulty = frozenset(
        of
        for of, scores in right.items()
        if of[1] and len(scores) >= _SUBJECT_OF_NOTE and sum(scores) < chance[of]
    )
    return [example for example in examples if (example.source, example.subject) not in faulty], faulty


@dataclass(frozen=True, slots=True)
class Part:
    """A fitted raw score for one form: what words, facts and trees each expect of the gain, and the prior."""

    words: Floats = field(repr=False)  # (buckets,)
    coefficients: Floats  # (features,)
    trees: tuple[Node, ...] = field(repr=False)
    bias: float

    def raw(self, table: Table) -> Floats:
        """Raw scores of a table's examples."""
        words = [self.words[buckets].sum() / np.sqrt(max(len(buckets), 1)) for buckets in table.buckets]
        out: Floats = (
            self.bias + table.facts @ self.coefficients + np.array(words) + walked(self.trees, table.facts)
        )
        return out


@dataclass(frozen=True, slots=True)
class Model:
    """A part for each form."""

    parts: tuple[Part, ...]

    def raw(self, table: Table) -> Floats:
        """Raw scores of a table's examples."""
        out = np.zeros(len(table))
        for form, part in enumerate(self.parts):
            rows = np.flatnonzero(table.forms == form)
            out[rows] = part.raw(table.take(rows)) if len(rows) else 0.0
        return out


def fit_model(table: Table) -> Model:
    """A form with rows enough learns from its own: what makes an open task hard says little of a quiz question.

    The prior is added by how many rows of the form there were, so a form nobody has labelled leans on it.
    """
    own = [np.flatnonzero(table.forms == form) for form in range(len(FORMS))]
    every = _fit_part(table) if min(map(len, own)) < OWN else None
    parts = [every if every and len(rows) < OWN else _fit_part(table.take(rows)) for rows in own]
    return Model(
        tuple(
            replace(part, coefficients=part.coefficients + prior(len(rows)))
            for part, rows in zip(parts, own, strict=True)
        )
    )


def _fit_part(table: Table) -> Part:
    """Fits words, facts and trees side by side, each on the whole gain: their sum ranked better than a joint fit."""
    mean = float(table.gain.mean())
    gain = table.gain - mean
    facts = table.facts
    ridge = facts.T @ facts + FACTS * np.eye(len(FEATURES))
    learned = (FACTS_SHARE * np.linalg.solve(ridge, facts.T @ gain)).astype(np.float64)
    words = _fit_words(table, gain + SUBJECT * _subject_means(table, gain))
    return Part(words, learned, _fit_trees(table, gain), mean)


def prior(rows: int) -> Floats:
    """The features' hand-set pulls as coefficients, stronger where few rows could teach anything else."""
    return PRIOR * (1 + LEANT_ON / (1 + rows / LABELLED)) * np.array([feature.prior for feature in FEATURES])


def _subject_means(table: Table, gain: Floats) -> Floats:
    """Each example's subject's mean gain, drawn to 0 where a subject has few rows: a label with less noise."""
    names = sorted(set(zip(table.sources, table.subjects, strict=True)))
    number = {name: i for i, name in enumerate(names)}
    of = np.array([number[name] for name in zip(table.sources, table.subjects, strict=True)])
    sums, rows = np.bincount(of, gain), np.bincount(of)
    means: Floats = (sums / (rows + 10.0))[of]
    return means


def _fit_words(table: Table, target: Floats) -> Floats:
    """Ridge on hashed words, of which the common are held back more. A pull per bucket."""
    rows = len(table)
    counts = np.array([len(buckets) for buckets in table.buckets])
    row_of = np.repeat(np.arange(rows), counts)
    value = (1 / np.sqrt(np.maximum(counts, 1)))[row_of]
    used, column = np.unique(np.concatenate(table.buckets), return_inverse=True)
    rarity = np.log(1 + rows / np.bincount(column, minlength=len(used)))

    def forward(weights: Floats) -> Floats:
        return np.bincount(row_of, weights=weights[column] * value, minlength=rows).astype(np.float64)

    def backward(residual: Floats) -> Floats:
        return np.bincount(column, weights=residual[row_of] * value, minlength=len(used)).astype(np.float64)

    every = np.zeros(1 << BITS)
    every[used] = _conjugate_gradient(forward, backward, target, WORDS * 4 / rarity)
    return every


def _fit_trees(table: Table, gain: Floats) -> tuple[Node, ...]:
    """Boosted trees that say what a smooth kernel on the facts says; the same rows give the same trees.

    The kernel learns more of few and noisy labels than trees do, and trees cost less for each request. Since it can be
    asked of any facts, few rows make no coarse trees: they are shown mixtures of two rows each as well.
    """
    draw = np.random.default_rng(0)
    expected = fit_kernel(table.facts, gain, draw)
    facts = np.vstack([table.facts, mixed(table.facts, max(ROWS - len(table), 0), draw)])
    boosted = GradientBoostingRegressor(
        n_estimators=TREES,
        max_depth=DEPTH,
        learning_rate=RATE,
        subsample=0.5,
        max_features=0.5,
        min_samples_leaf=LEAF,
        random_state=0,
    )
    boosted.fit(facts, expected(facts))
    return tuple(_complete(tree.tree_, 0, DEPTH, RATE) for (tree,) in boosted.estimators_)


def walked(trees: Sequence[Node], facts: Floats) -> Floats:
    """What the trees say of each row of facts."""
    total = np.zeros(len(facts))
    for tree in trees:
        total += _leaves(tree, facts)
    return total


def _leaves(node: Node | float, facts: Floats) -> Floats:
    if not isinstance(node, tuple):
        return np.full(len(facts), node)
    fact, cut, left, right = node
    return np.where(facts[:, fact] <= cut, _leaves(left, facts), _leaves(right, facts))


def _complete(tree: Any, at: int, depth: int, rate: float) -> Any:
    """A scikit-learn tree's node as our own; a leaf above the last level is split into two alike."""
    if depth == 0:
        return float(tree.value[at, 0, 0]) * rate
    left, right = int(tree.children_left[at]), int(tree.children_right[at])
    if left < 0:
        leaf = _complete(tree, at, depth - 1, rate)
        return Node(0, 0.0, leaf, leaf)
    cut = float(tree.threshold[at])
    below = _complete(tree, left, depth - 1, rate)
    return Node(int(tree.feature[at]), cut, below, _complete(tree, right, depth - 1, rate))


def _conjugate_gradient(
    forward: Callable[[Floats], Floats],
    backward: Callable[[Floats], Floats],
    target: Floats,
    penalty: Floats,
    *,
    most: int = 60,
    tolerance: float = 1e-3,
) -> Floats:
    """Solves (AᵀA + diag(penalty)) w = Aᵀ target, in the penalty's own scale so that it converges fast."""
    scale = 1 / np.sqrt(penalty)
    residual = scale * backward(target)
    weights = np.zeros_like(residual)
    direction = residual.copy()
    square = first = float(residual @ residual)
    for _ in range(most):
        if square <= tolerance**2 * first:
            break
        image = forward(scale * direction)
        step = square / float(image @ image + direction @ direction)
        weights += step * direction
        residual -= step * (scale * backward(image) + direction)
        before, square = square, float(residual @ residual)
        direction = residual + (square / before) * direction
    return scale * weights


def folds_of(keys: Ints, folds: int = FOLDS, turn: int = 0) -> Ints:
    """The fold of each example: equal keys share one, the same in every run; another `turn` deals them anew."""
    return np.array([crc32(int(key).to_bytes(8, "little"), turn) % folds for key in keys], dtype=np.int64)


def cross_validated(table: Table, fold: Ints) -> Floats:
    """Raw scores of each example from a model that saw neither its fold nor a prompt that asks the same."""
    out = np.zeros(len(table))
    for number in np.unique(fold):
        held = np.flatnonzero(fold == number)
        train = np.flatnonzero((fold != number) & ~np.isin(table.keys, table.keys[held]))
        out[held] = fit_model(table.take(train)).raw(table.take(held))
    return out


def logistic(raw: Floats, needed: Floats, weight: Floats | None = None) -> tuple[float, float]:
    """Slope and intercept of the logistic curve from raw score to chance (Platt), by Newton's method."""
    weight = np.ones_like(raw) if weight is None else weight
    centre, spread = float(raw.mean()), float(raw.std()) or 1.0
    x = np.column_stack([(raw - centre) / spread, np.ones_like(raw)])
    beta = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (weight * (needed - chance)) - 1e-3 * beta
        curve = (x * (weight * chance * (1 - chance))[:, None]).T @ x + 1e-3 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        beta += step
        if float(np.abs(step).max()) < 1e-9:
            break
    slope = max(float(beta[0]), 1e-3) / spread  # never turns the order round
    return slope, float(beta[1]) - slope * centre


def _rounded(node: Any) -> Any:
    if not isinstance(node, tuple):
        return round(node, 6)
    fact, cut, left, right = node
    return Node(fact, round(cut, 5), _rounded(left), _rounded(right))


def pack(model: Model, slopes: Sequence[float], intercepts: Sequence[float], keys: Ints) -> Weights:
    """Rounds the tables to signed bytes; `keys` of the prompts it was trained on."""
    parts = model.parts
    steps = tuple(float(np.abs(part.words).max()) / 127 or 1.0 for part in parts)
    tables = tuple(
        array("b", np.rint(part.words / step).astype(np.int8).tobytes())
        for part, step in zip(parts, steps, strict=True)
    )
    return Weights(
        tables,
        steps,
        tuple(tuple(round(float(x), 6) for x in part.coefficients) for part in parts),
        tuple(tuple(_rounded(tree) for tree in part.trees) for part in parts),
        tuple(round(part.bias, 6) for part in parts),
        tuple(slopes),
        tuple(intercepts),
        np.unique(keys).astype("<u4").tobytes(),
        {},
    )


def fit_validated(table: Table, folds: int = FOLDS) -> tuple[Weights, Floats]:
    """Weights fitted on all examples, and each example's score (0..1) from a model that did not see it."""
    raw = cross_validated(table, folds_of(table.keys, folds))
    needed = (table.gain > 0).astype(np.float64)
    curves = [logistic(raw, needed)] * len(FORMS)
    for form in range(len(FORMS)):
        rows = table.forms == form
        if rows.sum() >= OWN:
            curves[form] = logistic(raw[rows], needed[rows])
    slopes, intercepts = zip(*curves, strict=True)
    scores = 1 / (1 + np.exp(-(np.array(slopes)[table.forms] * raw + np.array(intercepts)[table.forms])))
    return pack(fit_model(table), slopes, intercepts, table.keys), scores


def unseen(table: Table, seen: bytes) -> Ints:
    """Positions of the examples that weights with these `seen` keys were not trained on."""
    return np.flatnonzero(~np.isin(table.keys, np.frombuffer(seen, dtype="<u4").astype(np.int64)))


def fit(examples: Sequence[Example], card: Mapping[str, Any] | None = None) -> Weights:
    """Weights from labelled examples: ridge and trees on all, the logistic curve on cross-validated raw scores."""
    weights, _ = fit_validated(tabulate(examples))
    return weights.with_card(card or {})
