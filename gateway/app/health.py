"""Says how replicas are: as a metric, in /readyz, and in the log whenever that changes."""

import logging
from collections.abc import Iterable
from typing import Final, Literal

from gateway.fleet.replicas import Replica
from gateway.metering.prometheus import Metrics

State = Literal["up", "ejected", "refuses Weir's own key"]

_log = logging.getLogger("weir.replicas")


def state_of(replica: Replica) -> State:
    """How it is, by the last word on it."""
    if replica.refuses_us:
        return "refuses Weir's own key"
    return "up" if replica.up else "ejected"


class ReplicaHealth:
    """What was last said of every replica."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics: Final = metrics
        self._said: dict[tuple[str, str], State] = {}

    def look(self, replicas: Iterable[Replica]) -> None:
        """Say how these are, and forget all others."""
        said, self._said = self._said, {}
        for replica in replicas:
            place = (replica.backend, replica.url)
            state = self._said[place] = state_of(replica)
            self._metrics.up(*place, replica.up)
            if state != said.pop(place, "up"):
                _tell(replica, state)
        for gone in said:
            self._metrics.up(*gone, None)


def _tell(replica: Replica, state: State) -> None:
    if state == "up":
        _log.info("%s at %s answers again", replica.backend, replica.url)
    elif state == "ejected":
        _log.warning(
            "%s at %s failed several times in a row: it gets a single request now and then until one succeeds",
            replica.backend,
            replica.url,
        )
    else:
        _log.error(
            "%s at %s refuses Weir's own key (HTTP %d): set a right `api_key` for this backend",
            replica.backend,
            replica.url,
            replica.refuses_us,
        )
