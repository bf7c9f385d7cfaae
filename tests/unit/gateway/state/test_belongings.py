"""What providers keep is noted for whoever made it first: over restarts, between gateways, bounded."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.state.belongings import KEPT_MS, Belongings, Keeper, LocalBelongings, Upload, digest
from gateway.state.claims import Gone
from gateway.state.shared_belongings import SharedBelongings
from tests.integration.redises import SERVER, RealRedis

ACME, GLOBEX = Keeper("acme", "openai"), Keeper("globex", "azure")
NOW = 1_800_000_000_000
Opened = Callable[..., Belongings]


@pytest.fixture(params=["file", "redis"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """`opened(most=…)`: as one more process would have it; all see the same."""
    redis, made = RealRedis(tmp_path), []
    if request.param == "redis":
        if SERVER is None:
            pytest.skip("redis-server is not installed")
        redis.start()

    def one(most: int = 100) -> Belongings:
        local = request.param == "file"
        made.append(
            LocalBelongings(tmp_path / "new" / "kept.sqlite", lambda: NOW, most)
            if local
            else SharedBelongings(redis.url, lambda: NOW, most)
        )
        return made[-1]

    yield one
    for each in made:
        await each.close()
    redis.stop()


async def test_what_one_process_notes_another_finds(opened: Opened) -> None:
    first = opened()
    await first.keep(ACME, ("resp_1", "msg_1"))
    await first.keep(GLOBEX, ("resp_2",))
    after = opened()
    assert await after.keepers(("resp_1", "resp_2", "resp_9")) == {"resp_1": ACME, "resp_2": GLOBEX}


async def test_an_id_stays_with_whoever_had_it_first(opened: Opened) -> None:
    belongings = opened()
    await belongings.keep(ACME, ("resp_1",))
    await belongings.keep(GLOBEX, ("resp_1", "resp_2"))
    assert await belongings.keepers(("resp_1", "resp_2")) == {"resp_1": ACME, "resp_2": GLOBEX}


async def test_no_id_is_too_odd(opened: Opened) -> None:
    belongings, odd = opened(), ("", "a\nb", "x" * 100_000, "\ud800", "naïve")
    await belongings.keep(ACME, odd)
    assert await belongings.keepers((*odd, "b")) == dict.fromkeys(odd, ACME)


@pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
async def test_redis_forgets_a_tenants_oldest_and_nobody_elses(tmp_path: Path) -> None:
    redis, now = RealRedis(tmp_path), [NOW]
    redis.start()
    belongings = SharedBelongings(redis.url, lambda: now[0], most=2)
    try:
        await belongings.keep(GLOBEX, ("theirs",))
        for name in ("one", "two", "three"):
            now[0] += 1
            await belongings.keep(ACME, (name,))
        assert (await belongings.keepers(("one", "two", "three", "theirs"))).keys() == {
            "two",
            "three",
            "theirs",
        }
        redis.stop()
        with pytest.raises(Gone):
            await belongings.keepers(("two",))
        await belongings.keep(ACME, ("four",))  # said in the log, and not raised: its answer is paid for
    finally:
        await belongings.close()
        redis.stop()


async def test_a_file_forgets_what_is_too_old_or_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.state.belongings._EVERY", 1)
    now = [NOW]
    belongings = LocalBelongings(tmp_path / "kept.sqlite", lambda: now[0], most=2)
    await belongings.keep(GLOBEX, ("theirs",))
    for name in ("one", "two", "three"):
        now[0] += 1
        await belongings.keep(ACME, (name,))
    assert (await belongings.keepers(("one", "two", "three", "theirs"))).keys() == {"two", "three", "theirs"}
    now[0] = NOW + KEPT_MS
    assert (await belongings.keepers(("two", "three", "theirs"))).keys() == {"two", "three"}
    await belongings.keep(ACME, ("four",))
    with sqlite3.connect(tmp_path / "kept.sqlite") as file:
        assert file.execute("SELECT count(*) FROM kept WHERE tenant = 'globex'").fetchone() == (0,)
    file.close()
    await belongings.close()


async def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "kept.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(OSError, match="Moved away, it is begun anew"):
        LocalBelongings(tmp_path / "kept.sqlite", lambda: NOW)


async def test_a_file_that_fails_later_tells_nobody_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    belongings = LocalBelongings(tmp_path / "kept.sqlite", lambda: NOW)
    await belongings.keep(ACME, ("resp_1",))
    await belongings.close()
    with pytest.raises(Gone):
        await belongings.keepers(("resp_1",))
    await belongings.keep(ACME, ("resp_2",))
    assert "acme cannot name 1 objects that openai keeps" in caplog.text


REPORT = Upload("file-1", "gpt", frozenset({"level internal"}), 12, 1_700_000_000, "user_data")


async def test_files_are_listed_newest_first_and_forgotten_when_deleted(opened: Opened) -> None:
    belongings = opened()
    second = replace(REPORT, id="file-2")
    await belongings.keep(replace(ACME, file=REPORT), ("file-1",))
    await belongings.keep(replace(ACME, file=second), ("file-2",))
    await belongings.keep(replace(GLOBEX, file=replace(REPORT, id="file-3")), ("file-3",))
    await belongings.keep(ACME, ("resp_1",))
    after = opened()
    assert {each.id for each in await after.uploads("acme")} == {"file-1", "file-2"}
    assert (await after.keepers(("file-1",)))["file-1"] == replace(ACME, file=REPORT)
    await after.forget("globex", ("file-1",))
    assert "file-1" in await after.keepers(("file-1",)), "it is not globex's to forget"
    await after.forget("acme", ("file-1", "resp_1"))
    assert await after.keepers(("file-1", "resp_1")) == {}
    assert list(await after.uploads("acme")) == [second]
    assert list(await after.uploads("nobody")) == []


async def test_many_files_are_all_listed(opened: Opened) -> None:
    belongings = opened(most=1_000)
    names = {f"file-{number}" for number in range(450)}
    for name in names:
        await belongings.keep(replace(ACME, file=replace(REPORT, id=name)), (name,))
    listed = [each.id for each in await belongings.uploads("acme")]
    assert len(listed) == len(names)
    assert set(listed) == names


async def test_files_are_known_until_they_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.state.belongings._EVERY", 1)
    now = [NOW]
    belongings = LocalBelongings(tmp_path / "kept.sqlite", lambda: now[0])
    await belongings.keep(replace(ACME, file=REPORT), ("file-1",))
    now[0] += 100 * KEPT_MS
    await belongings.keep(ACME, ("resp_1",))
    assert (await belongings.keepers(("file-1",)))["file-1"].file == REPORT
    await belongings.close()


async def test_a_file_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "kept.sqlite") as file:
        file.execute(
            "CREATE TABLE kept (name BLOB PRIMARY KEY, tenant TEXT NOT NULL, backend TEXT NOT NULL, at INTEGER"
            " NOT NULL) WITHOUT ROWID"
        )
        file.execute("INSERT INTO kept VALUES (?, 'acme', 'openai', ?)", (digest("resp_1"), NOW))
    file.close()
    belongings = LocalBelongings(tmp_path / "kept.sqlite", lambda: NOW)
    assert await belongings.keepers(("resp_1",)) == {"resp_1": ACME}
    await belongings.close()


async def test_the_replica_is_known(opened: Opened) -> None:
    belongings, there = opened(), replace(ACME, replica="http://10.0.0.4:8000")
    await belongings.keep(there, ("resp_1",))
    assert await belongings.keepers(("resp_1",)) == {"resp_1": there}
