"""Models that will be gone soon: a metric for all with a date, and a warning each day of the last thirty."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from gateway.metering.series import Cell, Cells
from routers.policy.facts import Model

log = logging.getLogger("weir.models")

SOON: Final = timedelta(days=30)
_EPOCH: Final = date(1970, 1, 1)


class Retirements:
    """The models in force and the days from which they are gone (UTC)."""

    def __init__(self, gauge: Cells[Cell]) -> None:
        """`gauge` has the label `model`; it is given seconds since the epoch."""
        self._gauge = gauge
        self._days: dict[str, date] = {}
        self._warned: date | None = None

    def follow(self, models: Mapping[str, Model]) -> None:
        """These models are in force from now on."""
        for name in self._days.keys() - models.keys():
            self._gauge.remove(name)
        days = {name: model.retires for name, model in models.items()}
        self._days = {name: _EPOCH + timedelta(days=day) for name, day in days.items() if day is not None}
        for name in models:
            day = self._days.get(name)
            if day is None:
                self._gauge.remove(name)
            else:
                self._gauge.at(name).value = int(
                    datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
                )
        self._warned = None

    def soon(self, today: date) -> dict[str, str]:
        """Those that retire within thirty days, or have, with their day."""
        return {name: str(day) for name, day in sorted(self._days.items()) if day <= today + SOON}

    def look(self, today: date) -> None:
        """Warn of those, once a day and after every change. Cheap: it may be asked each second."""
        if today == self._warned:
            return
        self._warned = today
        for name, day in self.soon(today).items():
            log.warning("the model %s retires on %s: requests will no longer go there", name, day)
