"""The windows that budgets and rates are counted in: minutes, days and months, UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

Period = Literal["minute", "day", "month", "none"]

_MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """One window: what it is called, and its bounds in UTC milliseconds; `until` 0: it has no end."""

    name: str
    since: int
    until: int


ALWAYS: Final = Window("", 0, 0)  # of what is not counted over time


class Calendar:
    """Tells the windows of a moment; those of one minute are worked out once."""

    def __init__(self) -> None:
        self._minute = -1
        self._windows: dict[Period, Window] = {}

    def windows(self, now_ns: int) -> dict[Period, Window]:
        """The window of each period that holds at `now_ns` (UTC)."""
        minute = now_ns // _MINUTE_NS
        if minute != self._minute:
            self._minute, self._windows = minute, _windows(minute)
        return self._windows


def _windows(minute: int) -> dict[Period, Window]:
    now = datetime.fromtimestamp(minute * 60, UTC)
    day = now.replace(hour=0, minute=0)
    month = day.replace(day=1)
    return {
        "minute": _window(f"{now:%Y-%m-%dT%H:%M}", now, now + timedelta(minutes=1)),
        "day": _window(f"{day:%Y-%m-%d}", day, day + timedelta(days=1)),
        "month": _window(f"{month:%Y-%m}", month, (month + timedelta(days=31)).replace(day=1)),
        "none": ALWAYS,
    }


def _window(name: str, since: datetime, until: datetime) -> Window:
    return Window(name, int(since.timestamp()) * 1000, int(until.timestamp()) * 1000)
