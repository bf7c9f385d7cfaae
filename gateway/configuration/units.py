"""Durations, sizes, shares and moments as people write them: `500ms`, `2m`, `32MB`, `30%`, `2027-01-01`."""

import re
from datetime import UTC, datetime
from typing import Final

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_SIZE: Final = re.compile(r"(\d+)\s*(B|KB|MB|GB)", re.IGNORECASE)
_BYTES: Final = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}


def seconds(text: str) -> float:
    """`500ms` → 0.5. Raises ValueError with the sentence to show."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError("a duration has a number and a unit, like 500ms, 5s, 2m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def size(text: str) -> int:
    """`32MB` → 33554432 bytes. Raises ValueError with the sentence to show."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("a size has a whole number and a unit, like 512KB or 32MB")
    return int(found[1]) * _BYTES[found[2].upper()]


def share(text: str) -> float:
    """`30%` → 0.3. Raises ValueError with the sentence to show."""
    found = _PERCENT.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) < 100:
        raise ValueError("a share is a percentage between 0% and 100%, like 30%")
    return float(found[1]) / 100


def utc(moment: datetime) -> datetime:
    """A moment as UTC; one that names no zone is UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
