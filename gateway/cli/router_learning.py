"""How much of the score a few labels in domain teach, beside plain words and a ridge on the same labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.table import Table as Sheet

from gateway.cli.router_baseline import PENALTIES, ridge
from gateway.cli.router_train import told
from routers.complexity.curve import Interval, apgr
from routers.complexity.train import Ints, Table, fit_model

# Labels, and what words and a ridge are told to reach with so many (lowest to highest). They were taken on the whole of
# MMLU with its 57 subjects, of which the public part holds fewer: the nearest here in width is all sources together.
TOLD: Final[Mapping[int, tuple[float, float]]] = {100: (0.54, 0.59), 300: (0.61, 0.63), 1_000: (0.63, 0.67)}
TOGETHER: Final = "together"
DRAWS: Final = 10
_TWO_SIDED: Final = 2.262  # Student's t for DRAWS - 1 degrees of freedom, 95%


@dataclass(frozen=True, slots=True)
class Learned:
    """APGR on the rest of the rows after training on some of their labels: for each draw of them, this method's and the
    yardstick's (`router_baseline`)."""

    own: tuple[float, ...]
    plain: tuple[float, ...]

    @property
    def lead(self) -> Interval:
        """The mean lead over the yardstick, drawn in pairs, and its 95% interval over the draws."""
        leads = np.array(self.own) - np.array(self.plain)
        middle, half = float(leads.mean()), _TWO_SIDED * float(leads.std(ddof=1)) / len(leads) ** 0.5
        return Interval(middle, middle - half, middle + half)


Curves = Mapping[str, Mapping[int, Learned]]  # by source, or TOGETHER; then by labels


def learning_curves(table: Table, words: Sequence[Ints], draw: np.random.Generator) -> Curves:
    """The curve of each source, and of all rows as one."""
    sources = np.array(table.sources)
    names = sorted(set(table.sources))
    rows: dict[str, Ints] = {name: np.flatnonzero(sources == name) for name in names}
    if len(names) > 1:
        rows[TOGETHER] = np.arange(len(table))
    return {name: _curve(table.take(of), [words[at] for at in of], draw) for name, of in rows.items()}


def _curve(table: Table, words: Sequence[Ints], draw: np.random.Generator) -> dict[int, Learned]:
    """One learning curve; the yardstick has the penalty that serves it best over the draws."""
    out: dict[int, Learned] = {}
    for labels in TOLD:
        if labels * 2 > len(table):
            continue
        own: list[float] = []
        plain: dict[float, list[float]] = {penalty: [] for penalty in PENALTIES}
        for _ in range(DRAWS):
            order = draw.permutation(len(table))
            first = order[:labels]
            others = order[labels:][~np.isin(table.keys[order[labels:]], table.keys[first])]
            train, rest = table.take(first), table.take(others)
            own.append(float(apgr(fit_model(train).raw(rest), rest.gain)[0]))
            for penalty, found in plain.items():
                raw = ridge([words[at] for at in first], train.gain, [words[at] for at in others], penalty)
                found.append(float(apgr(raw, rest.gain)[0]))
        out[labels] = Learned(tuple(own), tuple(max(plain.values(), key=sum)))
    return out


def learning_values(curves: Curves) -> dict[str, float]:
    """Figures by name: curve:mmlu@100, lead:mmlu@100, lead:mean@100 (over the sources, each by itself)."""
    values: dict[str, float] = {}
    for labels in TOLD:
        leads = []
        for of, curve in curves.items():
            if labels in curve:
                values[f"curve:{of}@{labels}"] = float(np.mean(curve[labels].own))
                values[f"lead:{of}@{labels}"] = curve[labels].lead.value
                leads += [curve[labels].lead.value] if of != TOGETHER else []
        if leads:
            values[f"lead:mean@{labels}"] = float(np.mean(leads))
    return values


def learning_sheet(curves: Curves) -> Sheet:
    """The curves as a table."""
    title = (
        f"APGR by labels in domain: mean of {DRAWS} draws (lowest to highest); beside it plain words and ridge on the "
        "same draws, with the penalty that serves them best, and the lead [95% over draws]"
    )
    out = Sheet("labels", *curves, title=title, title_justify="left")
    for labels in TOLD:
        found = [curve.get(labels) for curve in curves.values()]
        out.add_row(f"{labels:,}", *(_learned(each) if each else "too few rows" for each in found))
    return out


def _learned(each: Learned) -> str:
    own, plain = float(np.mean(each.own)), float(np.mean(each.plain))
    spread = f"({min(each.own):.3f} to {max(each.own):.3f})"
    return f"{own:.3f} {spread}\nplain {plain:.3f}, lead {told(each.lead, signed=True)}"


def against_told(curves: Curves) -> Iterator[str]:
    """A line for each number of labels: where the figures stand to those that words and a ridge are told to reach."""
    yield "against what words and a ridge are told to reach on the whole of MMLU:"
    for labels, (low, high) in TOLD.items():
        stand = []
        for of, curve in curves.items():
            if labels in curve:
                own, plain = (float(np.mean(each)) for each in (curve[labels].own, curve[labels].plain))
                stand.append(
                    f"{of} {own:.3f} {_stands(own, low, high)} (plain {plain:.3f} {_stands(plain, low, high)})"
                )
        yield f"{labels:>5,} labels, {low:.2f}-{high:.2f}: {'; '.join(stand) or 'too few rows'}"


def _stands(value: float, low: float, high: float) -> str:
    return "above" if value > high else "within" if value >= low else "below"
