"""What an earlier process of this gateway spent, read from its journal, for a shared state that it may not have told.

What is told again is what a request's lines say: whom it was for, and what its attempts used. Limits are those in
force now.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from gateway.ledger.reading import Line
from gateway.metering.budgets.budgets import Spent
from gateway.metering.budgets.calendar import Calendar
from gateway.metering.budgets.limits import Allowances, gpu_micros, nano_dollars
from gateway.state.claims import Account

_NOTHING: Final = Spent(0, 0, 0)
_TOKENS: Final = ("input", "cache_read", "cache_write", "output", "reasoning", "audio_in", "audio_out")


class Replay:
    """Takes a journal's lines in their order."""

    def __init__(self, allowances: Allowances, now_ms: int) -> None:
        """`now_ms` (UTC milliseconds): windows that have passed by then are left out."""
        self._allowances = allowances
        self._now_ms = now_ms
        self._unpriced = nano_dollars(allowances.reserve.unpriced_usd)
        self._calendar = Calendar()
        self._spent: dict[str, Spent] = {}  # by attempts, of requests whose own line is to come

    def take(self, line: Line) -> tuple[str, list[tuple[Account, int]]] | None:
        """What the next line settles, a lease and where it spent how much; None: nothing."""
        if line.kind == "attempt":
            self._attempt(line.members)
        return self._request(line.members) if line.kind == "request" else None

    def _attempt(self, members: Mapping[str, Any]) -> None:
        before = self._spent.get(members["request"], _NOTHING)
        usd = members.get("usd")
        self._spent[members["request"]] = Spent(
            before.usd + (self._unpriced if usd is None else nano_dollars(Decimal(usd))),
            before.gpu + gpu_micros(members.get("gpu_ns") or 0),
            before.tokens + sum(members.get(f"{name}_tokens", 0) for name in _TOKENS),
        )

    def _request(self, members: Mapping[str, Any]) -> tuple[str, list[tuple[Account, int]]] | None:
        spent = self._spent.pop(members["id"], None)
        allowance = self._allowances.of(
            members["tenant"], members.get("key", ""), members.get("workflow", "")
        )
        if spent is None or allowance is None:
            return None
        settled = [
            (account, 0 if unit == "concurrent" else spent.of(unit))
            for unit, account in allowance.accounts(self._calendar.windows(members["at"]))
            if not account.until or account.until > self._now_ms
        ]
        return (members["id"], settled) if settled else None
