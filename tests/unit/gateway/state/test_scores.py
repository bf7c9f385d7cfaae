"""Scores outlive their process in a small file, which may be damaged, old or out of reach."""

import asyncio
from pathlib import Path

import pytest

from gateway.state.scores import KEPT_MS, LocalScores


class Clock:
    """UTC milliseconds that a test moves."""

    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weir.scores.json"


def kept_at(path: Path, clock: Clock | None = None, most: int = 5) -> LocalScores:
    return LocalScores(path, clock or Clock(), most)


async def test_the_latest_are_there_again_after_a_restart(path: Path) -> None:
    first = kept_at(path)
    assert await first.exchange({"a": (), "b": ()}) == {"a": (), "b": ()}
    assert not await asyncio.to_thread(path.exists)  # there was nothing to keep
    assert await first.exchange({"a": (0.1, 0.2, 0.3), "b": (0.9,)}) == {"a": (0.1, 0.2, 0.3), "b": (0.9,)}
    assert await first.exchange({"a": (0.4, 0.5, 0.6)}) == {"a": (0.2, 0.3, 0.4, 0.5, 0.6)}
    await first.close()
    second = kept_at(path)
    assert await second.exchange({"a": (), "b": (0.8,)}) == {
        "a": (0.2, 0.3, 0.4, 0.5, 0.6),
        "b": (0.9, 0.8),
    }


async def test_what_nobody_asked_for_in_a_week_is_forgotten(path: Path) -> None:
    clock = Clock()
    await kept_at(path, clock).exchange({"a": (0.1,), "b": (0.2,)})
    clock.now += KEPT_MS - 1
    await kept_at(path, clock).exchange({"a": (0.3,)})
    clock.now += 1
    assert await kept_at(path, clock).exchange({"a": (), "b": ()}) == {"a": (0.1, 0.3), "b": ()}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"[]",
        b'{"version": 2, "windows": {}}',
        b'{"version": 1}',
        b'{"version": 1, "windows": {"a": {"at": 1, "scores": ["x"]}}}',
        b'{"version": 1, "windows": {"a": {"at": 1, "scores": [1e999]}}}',
        b'{"version": 1, "windows": {"a": 7}}',
    ],
)
async def test_a_file_that_is_none_is_said_and_begun_anew(
    path: Path, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(path.write_bytes, damaged)
    scores = kept_at(path)
    assert await scores.exchange({"a": ()}) == {"a": ()}
    assert "begin anew" in caplog.text
    assert await scores.exchange({"a": (0.5,)}) == {"a": (0.5,)}
    assert await kept_at(path).exchange({"a": ()}) == {"a": (0.5,)}


async def test_where_nothing_can_be_written_it_is_said_and_borne(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scores = kept_at(tmp_path / "gone" / "weir.scores.json")
    assert await scores.exchange({"a": (0.5,)}) == {"a": (0.5,)}
    assert "cannot be kept" in caplog.text
