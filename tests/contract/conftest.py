"""Recorded provider traffic for the contract tests."""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Recording = dict[str, Any]

_FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "recordings"


@pytest.fixture(scope="session")
def recorded() -> Callable[[str, str], list[Recording]]:
    """`recorded(provider, path)`: the exchanges of one provider's endpoint."""

    def load(provider: str, path: str) -> list[Recording]:
        file = _FOLDER / f"{provider}.jsonl.gz"
        if not file.exists():
            pytest.skip(f"shared/data/recordings/{file.name} is missing beside the checkout")
        with gzip.open(file, "rt") as lines:
            rows = [json.loads(line) for line in lines]
        return [row for row in rows if row["request"]["path"] == path]

    return load


@pytest.fixture(scope="session")
def chunked() -> Callable[[bytes, int], Iterator[bytes]]:
    """`chunked(body, seed)`: the body in pieces of random sizes, from single bytes to a socket's read."""

    def cut(body: bytes, seed: int) -> Iterator[bytes]:
        draw = random.Random(seed)  # noqa: S311  # sizes of chunks, no secret
        at = 0
        while at < len(body):
            size = draw.choice((1, 2, 7, 50, 400, 4096))
            yield body[at : at + size]
            at += size

    return cut
