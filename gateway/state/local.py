"""State in process: for one gateway. What it holds ends with it, so its leases need no clock."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from gateway.state.claims import Account, Claim, Full, Held

_SWEEP_AT: Final = 1024  # accounts, before those of past windows are looked for


class _Book:
    """One account's figures."""

    __slots__ = ("held", "settled", "until")

    def __init__(self, until: int) -> None:
        self.until = until
        self.settled = 0
        self.held = 0


class LocalState:
    """Counts for one process; a few microseconds a request, and never waits."""

    trouble: Final = ""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """`now_ms`: UTC milliseconds."""
        self._now_ms = now_ms
        self._books: dict[tuple[str, str], _Book] = {}
        self._leases: dict[str, list[tuple[_Book, int]]] = {}
        self._sweep_at = _SWEEP_AT

    async def reserve(self, lease: str, claims: Sequence[Claim]) -> Held | Full:
        """As State.reserve."""
        books = [self._book(claim.account) for claim in claims]
        refusal = Full(0, 0)
        for way in range(len(claims[0].amounts)):
            full = _first_full(claims, books, way)
            if full is None:
                held = self._leases[lease] = [
                    (book, claim.amounts[way]) for book, claim in zip(books, claims, strict=True)
                ]
                for book, amount in held:
                    book.held += amount
                return Held(way)
            refusal = full
        return refusal

    def settle(self, lease: str, spent: Sequence[tuple[Account, int]], line: int = 0) -> None:
        """As State.settle."""
        del line  # what is counted here ends with the process
        held = self._leases.pop(lease, None)
        if held is None:
            return
        for book, amount in held:
            book.held -= amount
        for account, amount in spent:
            self._book(account).settled += amount

    async def used(self, accounts: Sequence[Account]) -> list[int]:
        """As State.used."""
        return [
            0 if book is None else book.settled + book.held
            for book in (self._books.get((each.owner, each.name)) for each in accounts)
        ]

    def raise_to(self, account: Account, amount: int) -> None:
        """Have at least `amount` settled: what is known from before this process began."""
        book = self._book(account)
        book.settled = max(book.settled, amount)

    async def run(self) -> None:
        """As State.run: there is nothing to do."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """As State.close."""

    def _book(self, account: Account) -> _Book:
        key = (account.owner, account.name)
        book = self._books.get(key)
        if book is None:
            if len(self._books) >= self._sweep_at:
                self._sweep()
            book = self._books[key] = _Book(account.until)
        return book

    def _sweep(self) -> None:
        """Forget the accounts of past windows."""
        now = self._now_ms()
        self._books = {key: book for key, book in self._books.items() if not 0 < book.until <= now}
        self._sweep_at = _SWEEP_AT + 2 * len(self._books)


def _first_full(claims: Sequence[Claim], books: Sequence[_Book], way: int) -> Full | None:
    """The first claim that does not fit; None: all do."""
    for number, (claim, book) in enumerate(zip(claims, books, strict=True)):
        amount = claim.amounts[way]
        if amount and book.settled + book.held + amount > claim.ceiling:
            return Full(number, book.settled + book.held)
    return None
