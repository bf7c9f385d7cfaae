"""Fitting the score: ridge on hashed words and structure, then a logistic curve. Needs numpy (`[train]`)."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from routers.complexity.conversation import Conversation, Turn, last_tasks
from routers.complexity.reading import BITS, FEATURES, FORMS, MASK, read
from routers.complexity.weights import Weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WORDS: Final = 5.0  # ridge penalty of a word all forms share
WORDS_OF_FORM: Final = 10.0  # of what one form adds to it
FACTS: Final = 100.0  # of a structural feature, in scaled units
FACTS_OF_FORM: Final = 300.0
PRIOR: Final = 0.03  # gain per unit of the features' hand-set pull, added to what was learned
FOLDS: Final = 5
_SUBJECT_OF_NOTE: Final = 25  # rows from which a subject's mean is trusted to show faulty labels


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled request: quality 0..1 of the strong and the weak model's answers."""

    conversation: Conversation
    strong: float
    weak: float
    source: str = ""
    subject: str = ""

    @classmethod
    def of_prompt(
        cls, prompt: str, strong: float, weak: float, source: str = "", subject: str = ""
    ) -> "Example":
        """An example that is one user turn."""
        return cls(Conversation((Turn("user", prompt),)), strong, weak, source, subject)


@dataclass(frozen=True, slots=True)
class Table:
    """Examples as numbers, read once and sliced for each fit."""

    buckets: tuple[Ints, ...]  # per example
    facts: Floats  # (examples, features), scaled
    forms: Ints
    gain: Floats  # strong - weak
    keys: Ints  # equal for prompts that begin alike: they stay in one fold
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
        buckets.append(np.array(sorted(code & MASK for code in reading.codes), dtype=np.int64))
        facts.append(reading.facts)
        forms.append(reading.form)
        keys.append(crc32(b" ".join(reading.words[:12])))
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


def faulty_subjects(examples: Sequence[Example]) -> frozenset[tuple[str, str]]:
    """Subjects whose labels cannot be right: the strong model answers choices worse than by guessing."""
    right: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    chance: Counter[tuple[str, str]] = Counter()
    options = next(i for i, feature in enumerate(FEATURES) if feature.name == "options")
    for example in examples:
        of = (example.source, example.subject)
        facts = read(last_tasks(example.conversation)[0]).facts
        count = facts[options] * FEATURES[options].spread + FEATURES[options].centre
        right[of].append(example.strong)
        chance[of] += 1 / count if count > 1 else 0.0  # type: ignore[assignment]  # a Counter adds floats as well
    return frozenset(
        of
        for of, scores in right.items()
        if of[1] and len(scores) >= _SUBJECT_OF_NOTE and sum(scores) < chance[of]
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """A fitted raw score: expected gain, up to the prior's share."""

    words: Mapping[int, float] = field(
        repr=False
    )  # form · 2^BITS + bucket → pull, before the mean over words
    tables: Floats = field(repr=False)  # (forms, buckets)
    coefficients: Floats  # (forms, features)
    biases: Floats  # (forms,)

    def raw(self, table: Table) -> Floats:
        """Raw scores of a table's examples."""
        out = np.empty(len(table))
        for i, buckets in enumerate(table.buckets):
            form = table.forms[i]
            words = self.tables[form, buckets].sum() / np.sqrt(max(len(buckets), 1))
            out[i] = self.biases[form] + table.facts[i] @ self.coefficients[form] + words
        return out


def prior() -> Floats:
    """The features' hand-set pulls as coefficients."""
    return PRIOR * np.array([feature.prior for feature in FEATURES])


def fit_linear(table: Table) -> Linear:
    """Ridge on gain: what forms share, plus what each adds, plus the hand-set prior."""
    rows = len(table)
    counts = np.array([len(buckets) for buckets in table.buckets])
    row_of = np.repeat(np.arange(rows), counts)
    flat = np.concatenate(table.buckets) if rows else np.zeros(0, dtype=np.int64)
    of_form = flat + (1 + table.forms[row_of]) * (1 << BITS)
    used, column = np.unique(np.concatenate([flat, of_form]), return_inverse=True)
    row_of = np.concatenate([row_of, row_of])
    value = 1 / np.sqrt(np.maximum(counts, 1))
    width, features, forms = len(used), len(FEATURES), len(FORMS)
    # dense block: shared facts, then one block of facts and an intercept per form
    block = np.zeros((rows, features + forms * (features + 1)))
    block[:, :features] = table.facts
    for form in range(forms):
        at = features + form * (features + 1)
        mine = table.forms == form
        block[mine, at : at + features] = table.facts[mine]
        block[mine, at + features] = 1.0
    mean = float(table.gain.mean())
    penalty = np.concatenate(
        [
            np.where(used < (1 << BITS), WORDS, WORDS_OF_FORM),
            np.full(features, FACTS),
            np.tile(np.append(np.full(features, FACTS_OF_FORM), 10.0), forms),
        ]
    )

    def forward(weights: Floats) -> Floats:
        words = np.bincount(row_of, weights=weights[:width][column], minlength=rows)
        out: Floats = words * value + block @ weights[width:]
        return out

    def backward(residual: Floats) -> Floats:
        words = np.bincount(column, weights=(residual * value)[row_of], minlength=width)
        return np.concatenate([words, block.T @ residual])

    solved = _conjugate_gradient(forward, backward, table.gain - mean, penalty)
    words, dense = solved[:width], solved[width:]
    tables = np.zeros((forms, 1 << BITS))
    shared = used < (1 << BITS)
    tables[:, used[shared]] = words[shared]
    own = used[~shared] - (1 << BITS)
    tables.reshape(-1)[own] += words[~shared]
    per_form = dense[features:].reshape(forms, features + 1)
    return Linear(
        {}, tables, dense[:features] + per_form[:, :features] + prior(), mean + per_form[:, features]
    )


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


def folds_of(keys: Ints, folds: int = FOLDS) -> Ints:
    """The fold of each example: prompts with equal keys share one, the same in every run."""
    return np.array([crc32(int(key).to_bytes(8, "little")) % folds for key in keys], dtype=np.int64)


def cross_validated(table: Table, fold: Ints) -> Floats:
    """Raw scores of each example from a model that saw neither its fold nor a prompt that begins like it."""
    out = np.zeros(len(table))
    for number in np.unique(fold):
        held = np.flatnonzero(fold == number)
        train = np.flatnonzero((fold != number) & ~np.isin(table.keys, table.keys[held]))
        out[held] = fit_linear(table.take(train)).raw(table.take(held))
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


def pack(linear: Linear, slope: float, intercept: float, card: Mapping[str, Any]) -> Weights:
    """Rounds the tables to signed bytes."""
    steps = tuple(float(np.abs(row).max()) / 127 or 1.0 for row in linear.tables)
    tables = tuple(
        array("b", np.rint(row / step).astype(np.int8).tobytes())
        for row, step in zip(linear.tables, steps, strict=True)
    )
    return Weights(
        tables,
        steps,
        tuple(tuple(round(float(x), 6) for x in row) for row in linear.coefficients),
        tuple(round(float(x), 6) for x in linear.biases),
        slope,
        intercept,
        card,
    )


def fit(examples: Sequence[Example], card: Mapping[str, Any] | None = None) -> Weights:
    """Weights from labelled examples: ridge on all, the logistic curve on cross-validated raw scores."""
    table = tabulate(examples)
    raw = cross_validated(table, folds_of(table.keys))
    slope, intercept = logistic(raw, (table.gain > 0).astype(np.float64))
    return pack(fit_linear(table), slope, intercept, card or {})
