"""What is counted against ceilings: claims are held before a call and settled after it.

An amount is a whole number in its account's own unit. What an account has used is what was settled there
plus what is held; a claim is granted only where used plus claimed stays within the ceiling, and all claims
of a request are granted together or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Account(NamedTuple):
    """One figure under a ceiling, such as a tenant's dollars of one day."""

    owner: str  # whose it is; accounts of one owner are kept together
    name: str  # unique to the owner
    until: int  # UTC milliseconds from which nobody asks for it any more; 0: it has no end


class Claim(NamedTuple):
    """What one request wants of an account: an amount for each way in which it may be served, the way that
    is liked best first. An amount of 0 always fits."""

    account: Account
    ceiling: int
    amounts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Granted: every claim holds its amount of the way numbered `way`, the first that fitted."""

    way: int


@dataclass(frozen=True, slots=True)
class Full:
    """Not granted, and nothing is held: under the last way, the claim numbered `claim` did not fit an account
    that has used `used`."""

    claim: int
    used: int


class Gone(Exception):  # noqa: N818  # it names a state that passes
    """The store cannot be asked just now."""


class State(Protocol):
    """Where it is counted. Leases are names of requests, each used once."""

    @property
    def trouble(self) -> str:
        """Why it cannot be asked just now; empty: it can."""

    async def reserve(self, lease: str, claims: Sequence[Claim]) -> Held | Full:
        """Hold what the claims (at least one, all of one owner) want. Raises Gone: then it may be held or not,
        and `settle` puts it right as ever."""

    def settle(self, lease: str, spent: Sequence[tuple[Account, int]], line: int = 0) -> None:
        """Let go of what a lease holds and add what was spent instead, all accounts of one owner. Takes effect
        now, or as soon as the store can be asked; once, however often it is called. Not after Full. `line`: the
        number of its last line in the ledger's journal, greater than those before; 0: it has none there."""

    async def used(self, accounts: Sequence[Account]) -> list[int]:
        """What each account has used, those of one owner. Raises Gone."""

    async def run(self) -> None:
        """Do what has to be done in the background, for as long as the task lives."""

    async def close(self) -> None:
        """Settle what waits if it can be done soon, and let go."""


class SharedState(State, Protocol):
    """Where several gateways count, and what is counted outlives them."""

    @property
    def settled(self) -> int:
        """The journal's line up to which all that was spent is counted."""

    async def settle_again(self, lease: str, spent: Sequence[tuple[Account, int]], line: int) -> None:
        """What an earlier process of this gateway spent: it is counted, unless it is already. In the order of lines,
        and before anything of a later line is. Raises Gone: then it may be counted or not, and can be said again."""
