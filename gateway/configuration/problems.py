"""What is wrong with a configuration, said so that the reader can mend it: place, sentence, suggestion."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

_MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file; lines count from 1, and 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Neither sentence ever holds a secret or the value of a variable."""

    place: Place
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}"
        return f"{text}\n    {self.suggestion}" if self.suggestion else text


class ConfigurationErrors(Exception):  # noqa: N818  # it holds several
    """The configuration is refused; `problems` are in the order of their places."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Final = tuple(sorted(problems, key=lambda problem: problem.place))
        super().__init__("\n".join(map(str, self.problems)))


def nearest(wrong: object, allowed: Iterable[str], *, noun: str = "") -> str:
    """A suggestion in place of a name that is not allowed: the nearest one, or all there are."""
    names: Sequence[str] = sorted(set(allowed))
    if not names:
        return f"there is no {noun} to name yet" if noun else ""
    close = get_close_matches(str(wrong), names, n=1, cutoff=0.6) or [
        name for name in names if name.lower() == str(wrong).lower()
    ]
    if len(names) > _MOST_LISTED:
        names = get_close_matches(str(wrong), names, n=5, cutoff=0.3)
        return f"did you mean `{close[0]}`?" if close else f"near it are: {', '.join(names)}" if names else ""
    listed = ", ".join(names)
    return f"did you mean `{close[0]}`? (allowed: {listed})" if close else f"allowed: {listed}"
