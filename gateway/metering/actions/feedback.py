"""What an application says of an action, and whether that makes it a success or a failure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gateway.configuration.settings import Threshold

Verdict = Literal["", "success", "failure"]

_WORDS: Final[Mapping[str, Verdict]] = {"success": "success", "failure": "failure"}


@dataclass(frozen=True, slots=True)
class Feedback:
    """One statement: of an action, or of one request and so of the action it belongs to. One of the two is set."""

    metric: str
    value: bool | float | str
    action: str = ""
    request: str = ""
    tags: Mapping[str, str] | None = None


def verdict(said: Feedback, outcomes: Mapping[str, Threshold]) -> Verdict:
    """What it says of the outcome; empty: nothing. `outcomes` names the metrics that decide and from which figure
    on; where it is empty, every boolean does, and the words `success` and `failure`."""
    threshold = outcomes.get(said.metric)
    if outcomes and threshold is None:
        return ""
    if isinstance(said.value, str):
        return _WORDS.get(said.value, "")
    if isinstance(said.value, bool):
        return "success" if said.value else "failure"
    if threshold is None or (threshold.at_least is None and threshold.at_most is None):
        return ""
    low = threshold.at_least is None or said.value >= threshold.at_least
    high = threshold.at_most is None or said.value <= threshold.at_most
    return "success" if low and high else "failure"


def written(value: bool | float | str) -> tuple[str, float | None]:
    """A value as the ledger keeps it: as text, and as a number where it is one."""
    if isinstance(value, bool):
        return ("true" if value else "false"), None
    if isinstance(value, str):
        return value, None
    return repr(value), float(value)
