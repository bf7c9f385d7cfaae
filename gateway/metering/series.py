"""Prometheus series as plain cells: recording is one addition, and a scrape writes each line once.

prometheus-client costs 0.3 to 0.8 µs a touch and 8 µs for each line of a scrape, which at a few hundred
series holds the event loop for 20 ms. Cells belong to one thread, the event loop's.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Generic, Protocol, TypeVar

Labels = tuple[str, ...]


class Cell:
    """One counter or gauge series: add to `value`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: int | float = 0  # a count stays one, and is shown as one


class MoneyCell:
    """One counter of money: exact, so that it equals the ledger's sum. Money given back holds the counter where
    it is until as much has come again: a counter that fell would look to Prometheus like a restart."""

    __slots__ = ("_total", "value")

    def __init__(self) -> None:
        self.value = self._total = Decimal(0)

    def add(self, usd: Decimal) -> None:
        """Add money; negative in a correction."""
        self._total += usd
        if self._total > self.value:
            self.value = self._total


class TimeCell:
    """One counter of time, kept in integer nanoseconds and shown in seconds: exact too, and never falling."""

    __slots__ = ("_total", "value")

    def __init__(self) -> None:
        self.value = self._total = 0

    def add(self, ns: int) -> None:
        """Add nanoseconds; negative in a correction."""
        self._total += ns
        if self._total > self.value:
            self.value = self._total

    def seconds(self) -> str:
        """The value as the text format has it."""
        return f"{self.value // 1_000_000_000}.{self.value % 1_000_000_000:09d}"


class EnergyCell:
    """One counter of energy, kept in integer microjoules and shown in joules."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, uj: int) -> None:
        """Add microjoules."""
        self.value += uj

    def joules(self) -> str:
        """The value as the text format has it."""
        return f"{self.value // 1_000_000}.{self.value % 1_000_000:06d}"


class HistogramCell:
    """One histogram series over fixed upper bounds."""

    __slots__ = ("_bounds", "buckets", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)  # not cumulative; the last is above all bounds
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value (in the family's base unit)."""
        self.buckets[bisect_left(self._bounds, value)] += 1
        self.total += value


class Family(Protocol):
    """All series of one name."""

    def lines(self) -> Iterator[str]:
        """HELP, TYPE and each series, as the text format has them."""


_C = TypeVar("_C", Cell, MoneyCell, TimeCell, EnergyCell)


class Cells(Generic[_C]):
    """A counter or gauge by labels."""

    def __init__(
        self, make: type[_C], kind: str, name: str, help_text: str, labels: Sequence[str] = ()
    ) -> None:
        self.name: Final = name
        self._make: type[_C] = make
        self._head = f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"
        self._labels: Final = tuple(labels)
        self._cells: dict[Labels, tuple[str, _C]] = {}
        if not labels:
            self.at()  # a series without labels is there from the start, at 0

    def at(self, *values: str) -> _C:
        """The series of those label values, in the order of the labels. Keep it: the look-up is the cost."""
        held = self._cells.get(values)
        if held is None:
            held = (self.name + _label_text(self._labels, values), self._make())
            self._cells[values] = held
        return held[1]

    def remove(self, *values: str) -> None:
        """Forget a series (a replica that is gone)."""
        self._cells.pop(values, None)

    def keys(self) -> list[Labels]:
        """The label values in use."""
        return list(self._cells)

    def lines(self) -> Iterator[str]:
        """As Family.lines."""
        if not self._cells:
            return
        yield self._head
        for prefix, cell in list(self._cells.values()):
            yield f"{prefix} {_shown(cell)}\n"


class Histograms:
    """A histogram by labels, with one set of bounds."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name: Final = name
        self._head = f"# HELP {name} {help_text}\n# TYPE {name} histogram\n"
        self._labels: Final = tuple(labels)
        self._bounds: Final = tuple(bounds)
        self._cells: dict[Labels, tuple[tuple[str, ...], HistogramCell]] = {}

    def at(self, *values: str) -> HistogramCell:
        """The series of those label values. Keep it."""
        held = self._cells.get(values)
        if held is None:
            edges = (*(_number(bound) for bound in self._bounds), "+Inf")
            prefixes = (
                *(
                    f"{self.name}_bucket{_label_text((*self._labels, 'le'), (*values, edge))} "
                    for edge in edges
                ),
                f"{self.name}_sum{_label_text(self._labels, values)} ",
                f"{self.name}_count{_label_text(self._labels, values)} ",
            )
            held = (prefixes, HistogramCell(self._bounds))
            self._cells[values] = held
        return held[1]

    def lines(self) -> Iterator[str]:
        """As Family.lines."""
        if not self._cells:
            return
        yield self._head
        for prefixes, cell in list(self._cells.values()):
            running, text = 0, []
            for prefix, count in zip(prefixes, cell.buckets, strict=False):
                running += count
                text.append(f"{prefix}{running}\n")
            yield f"{''.join(text)}{prefixes[-2]}{_number(cell.total)}\n{prefixes[-1]}{running}\n"


class Sampled:
    """One series without labels whose value is asked for at each scrape."""

    def __init__(self, kind: str, name: str, help_text: str, value: Callable[[], float]) -> None:
        self.name: Final = name
        self._head = f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"
        self._value = value

    def lines(self) -> Iterator[str]:
        """As Family.lines."""
        yield f"{self._head}{self.name} {_number(self._value())}\n"


class SampledBy:
    """Series by one label, whose label values and values are asked for at each scrape."""

    def __init__(
        self, kind: str, name: str, help_text: str, label: str, values: Callable[[], Mapping[str, float]]
    ) -> None:
        self.name: Final = name
        self._head = f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"
        self._labels: Final = (label,)
        self._values = values

    def lines(self) -> Iterator[str]:
        """As Family.lines."""
        values = self._values()
        if values:
            yield self._head
        for label, value in values.items():
            yield f"{self.name}{_label_text(self._labels, (label,))} {_number(value)}\n"


def _shown(cell: Cell | MoneyCell | TimeCell | EnergyCell) -> str:
    if isinstance(cell, TimeCell):
        return cell.seconds()
    if isinstance(cell, EnergyCell):
        return cell.joules()
    return _number(cell.value)


def _number(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) else repr(value)


def _label_text(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
