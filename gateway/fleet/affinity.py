"""Which replica a conversation goes to, so that its prefix is found in the cache it was computed into.

Rendezvous hashing: a key weighs every replica, and the heaviest is its own. Nothing is kept, so all gateways agree;
a replica that goes or comes moves only its own keys. A replica that is busier than the others is left for the next.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

LOAD: Final = 1.25  # times the mean of requests outstanding, and one: busier than that, a replica is left


class Loaded(Protocol):
    """What is known of a replica."""

    @property
    def url(self) -> str: ...
    @property
    def outstanding(self) -> int: ...


_R = TypeVar("_R", bound=Loaded)


def by_weight(key: bytes, replicas: Sequence[_R]) -> list[_R]:
    """The replicas in the order in which this key (at most 64 bytes) would have them."""
    return sorted(replicas, key=lambda replica: _weight(key, replica), reverse=True)


def within_load(ranked: Sequence[_R]) -> _R:
    """The first of these replicas (at least one) that is not too busy: one always is not, since one is at the mean."""
    bound = LOAD * sum(replica.outstanding for replica in ranked) / len(ranked) + 1
    return next(replica for replica in ranked if replica.outstanding <= bound)


def _weight(key: bytes, replica: Loaded) -> bytes:
    return hashlib.blake2b(replica.url.encode(), digest_size=8, key=key).digest()
