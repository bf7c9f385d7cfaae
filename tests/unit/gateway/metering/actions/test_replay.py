"""What was open when a process was killed is open again, whatever came before: nothing lost, nothing counted twice."""

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.configuration.settings import ActionSettings
from gateway.ledger.encoding import encoded
from gateway.ledger.reading import Line
from gateway.ledger.records import (
    ActionRecord,
    AttemptRecord,
    EnergyBooking,
    GpuBooking,
    Record,
    RequestRecord,
)
from gateway.metering.actions import book
from gateway.metering.actions.actions import Actions
from gateway.metering.actions.feedback import Feedback
from gateway.metering.prometheus import Metrics

SECOND = 10**9
QUIET = 5
ACTIONS = ("", "a", "b")


@pytest.fixture(autouse=True, scope="module")
def short_events() -> Iterator[None]:
    """An event of these tests has two lines at most, so that short lives show what the bookmark leaves out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "OF_ONE", 2)
        yield


class Kept:
    """A journal in memory: what a killed process leaves behind."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.lines: list[Line] = []
        self.line = 0  # the bookmark

    @property
    def last(self) -> int:
        return len(self.lines)

    def append(self, *records: Record) -> bool:
        for record in records:
            self.records.append(record)
            self.lines.append(Line(len(self.lines) + 1, "", *encoded(record)))
        return True

    def bookmark(self, name: str) -> "Kept":
        return self

    def move(self, line: int) -> None:
        self.line = line

    def reader(self, after: int) -> "Reading":
        return Reading(self.lines, after)


class Reading:
    def __init__(self, lines: Sequence[Line], after: int) -> None:
        self._lines, self._at = lines, after

    def read(self, up_to: int, most: int) -> Sequence[Line]:
        few = self._lines[self._at : min(up_to, self._at + most)]
        self._at += len(few)
        return few


class Life:
    """Actions of one process after the other, on one journal."""

    def __init__(self, most: int = 7) -> None:
        self.kept = Kept()
        self.most = most
        self.now = 1_000 * SECOND
        self.requests: list[RequestRecord] = []
        self.spent = Decimal(0)
        self.gpu_ns = 0
        self.actions = self.made()

    def made(self) -> Actions:
        kept: Any = self.kept
        return Actions(
            Metrics(version="0"),
            kept,
            lambda *_: None,
            f"p{self.kept.last}",
            ActionSettings(quiet=QUIET, most_open=self.most),
            now_ns=lambda: self.now,
        )

    def request(self, action: str, usd: int, *, failed: bool, ours: bool) -> None:
        number = len(self.requests)
        record = RequestRecord(
            id=f"r{number}", at=self.now, tenant=f"t{number % 2}", action=action, workflow="w" * (number % 3),
            outcome="failed" if failed else "ok", attempts=1,
        )  # fmt: skip
        attempt = AttemptRecord(
            id=f"r{number}/1", request=record.id, n=1, at=self.now, tenant=record.tenant, action=action,
            usd=Decimal(usd), gpu_ns=7 if ours else None,
        )  # fmt: skip
        final = Decimal(0) if ours else Decimal(usd)
        self.spent += final
        self.requests.append(record)
        self.kept.append(attempt, record)
        self.actions.request(record, final, 0)

    def book(self, which: int, usd: int, gpu_ns: int) -> None:
        """GPU time (or, without any, electricity) of some request."""
        if not self.requests:
            return
        of = self.requests[which % len(self.requests)]
        common: dict[str, Any] = {
            "id": f"b{self.kept.last}", "at": self.now, "window": 0, "window_ns": 1, "backend": "b", "replica": "x",
            "use": "request", "tenant": of.tenant, "workflow": of.workflow, "action": of.action, "request": of.id,
            "usd": Decimal(usd),
        }  # fmt: skip
        booking = GpuBooking(**common, gpu_ns=gpu_ns) if gpu_ns else EnergyBooking(**common, energy_uj=1)
        self.spent += usd
        self.gpu_ns += gpu_ns
        self.actions.spent(booking, booking.at, booking.usd, gpu_ns)
        self.kept.append(booking)

    async def judge(self, which: int, success: bool) -> None:
        if self.requests:
            of = self.requests[which % len(self.requests)]
            found = self.actions._book.find(of.tenant, "", of.id)
            if found is not None:
                await self.actions.feedback(of.tenant, Feedback("done", success, request=of.id))

    async def pass_by(self, seconds: int) -> None:
        self.now += seconds * SECOND
        await self.actions.close()

    async def kill(self) -> None:
        before = self.open()
        self.actions = self.made()
        await self.actions.reopen()
        assert self.open() == before

    def open(self) -> list[tuple[Any, ...]]:
        return [
            (each.key, each.workflow, each.requests, each.failed, each.failing, each.usd, each.gpu_ns,
             each.unpriced, each.verdict, each.judged_by, each.touched, each.named)
            for each in self.actions._book._open.values()
        ]  # fmt: skip

    async def end(self) -> None:
        await self.actions.close(everything=True)
        booked = [each for each in self.kept.records if isinstance(each, ActionRecord)]
        assert sum((each.usd for each in booked), Decimal(0)) == self.spent
        assert sum(each.gpu_ns for each in booked) == self.gpu_ns
        assert sum(each.requests for each in booked) == len(self.requests)


steps = st.lists(  # each with which of them, an amount, and a flag
    st.tuples(
        st.sampled_from(["request", "request", "book", "judge", "pass", "kill"]),
        st.integers(0, 20),
        st.integers(0, 6),
        st.booleans(),
    ),
    max_size=40,
)


COMES_AGAIN = [  # an action is closed, another is not, and the first gets a request more
    ("request", 1, 1, False),
    ("request", 3, 1, False),
    ("pass", 0, QUIET, False),
    ("request", 0, 1, False),
    ("request", 0, 1, False),
    ("request", 1, 1, False),
    ("pass", 0, 1, False),
    ("kill", 0, 0, False),
]


@given(steps)
@example(COMES_AGAIN)
@example([*COMES_AGAIN, ("pass", 0, 6, False), ("kill", 0, 0, False)])
def test_what_was_open_is_open_again(life: list[tuple[str, int, int, bool]]) -> None:
    asyncio.run(lived(life))


async def lived(life: list[tuple[str, int, int, bool]]) -> None:
    held = Life()
    await held.actions.reopen()
    for what, which, amount, flag in life:
        match what:
            case "request":
                held.request(ACTIONS[which % 3], amount, failed=flag, ours=which > 10)
            case "book":
                held.book(which, amount, which % 3)
            case "judge":
                await held.judge(which, flag)
            case "pass":
                await held.pass_by(amount)
            case "kill":
                await held.kill()
    await held.end()


async def test_what_comes_while_the_journal_is_read_is_added_behind_it() -> None:
    held = Life()
    await held.actions.reopen()
    held.request("a", 3, failed=False, ours=False)
    held.actions = held.made()
    held.request("a", 4, failed=True, ours=True)
    held.book(1, 5, 9)
    await held.actions.close(everything=True)  # it was stopped before it had read: nothing is closed
    assert not [each for each in held.kept.records if isinstance(each, ActionRecord)]
    await held.actions.reopen()
    assert [each[1:7] for each in held.open()] == [
        ("", 1, 0, False, Decimal(3), 0),
        ("w", 1, 1, True, Decimal(5), 9),
    ]
    await held.end()


async def test_many_actions_that_close_at_once_are_told_from_those_that_do_not() -> None:
    held = Life(most=5000)
    await held.actions.reopen()
    for number in range(1000):
        held.request("", 1, failed=number % 5 == 0, ours=False)
        held.now += SECOND // 100
    await held.pass_by(0)  # those of the first five seconds
    assert len(held.open()) in range(490, 510)
    await held.kill()
    await held.end()
