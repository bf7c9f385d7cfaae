"""Opens again what was open when a process ended: reads the journal the way its events came.

What was closed is known by the records that say so. Each tells up to which last sign of life actions were closed
with it, so that the same are closed here, whatever the configuration was.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from adapters.call import MODELLESS
from gateway.ledger.reading import Line
from gateway.ledger.records import EnergyBooking, GpuBooking, RequestRecord
from gateway.metering.actions.book import ActionBook
from gateway.metering.actions.late import Late

_ZERO: Final = Decimal(0)
Members = Mapping[str, Any]


class Replay:
    """Takes a journal's lines in their order."""

    def __init__(self, book: ActionBook, late: Late) -> None:
        self._book = book
        self._late = late
        self._attempts: dict[str, tuple[Decimal, int]] = {}  # request → (USD that was final, without a price)
        self._take: Final = {
            "attempt": self._attempt,
            "request": self._request,
            "gpu": self._gpu,
            "energy": self._energy,
            "feedback": self._feedback,
            "action": self._action,
        }

    def take(self, line: Line) -> None:
        """The next line."""
        take = self._take.get(line.kind)
        if take is not None:
            take(line.members)

    def _attempt(self, members: Members) -> None:
        usd, unpriced = self._attempts.get(members["request"], (_ZERO, 0))
        if members.get("usd") is None:
            unpriced += 1
        elif members.get("gpu_ns") is None:  # else its windows say what it cost
            usd += Decimal(members["usd"])
        self._attempts[members["request"]] = (usd, unpriced)

    def _request(self, members: Members) -> None:
        usd, unpriced = self._attempts.pop(members["id"], (_ZERO, 0))
        names = ("id", "at", "tenant", "workflow", "action", "dialect", "outcome", "duration_ns")
        record = RequestRecord(**{name: members[name] for name in names if name in members})
        if record.dialect in MODELLESS:
            return
        closed = self._book.request(record, usd, unpriced)
        if closed is not None:
            self._late.add(closed, usd, 0, requests=1, unpriced=unpriced)

    def _gpu(self, members: Members) -> None:
        if members["use"] == "request":
            self._spent(GpuBooking(**{**members, "usd": _money(members)}), members["gpu_ns"])

    def _energy(self, members: Members) -> None:
        if members.get("usd") is not None and members.get("request"):
            self._spent(EnergyBooking(**{**members, "usd": _money(members)}), 0)

    def _spent(self, booking: GpuBooking | EnergyBooking, gpu_ns: int) -> None:
        closed = self._book.spent(booking, booking.at, booking.usd, gpu_ns)
        if closed is not None:
            self._late.add(closed, booking.usd or _ZERO, gpu_ns)

    def _feedback(self, members: Members) -> None:
        verdict = members.get("outcome", "")
        found = self._book.find(members["tenant"], members.get("action", ""), "")
        if verdict and found is not None:
            found.verdict, found.judged_by = verdict, members["metric"]

    def _action(self, members: Members) -> None:
        if until := members.get("until"):
            for _ in self._book.close(until, members["closed"]):
                pass
            self._book.written(until)
        elif members.get("correction") and not members.get("action"):
            self._late.booked((members["tenant"], members.get("workflow", ""), members["outcome"]))


def _money(members: Members) -> Decimal | None:
    usd = members.get("usd")
    return None if usd is None else Decimal(usd)
