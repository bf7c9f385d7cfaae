"""Reloading: whole or not at all, only what holds still, and whatever way the files change."""

import asyncio
import errno
import logging
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from gateway.app.build import placements
from gateway.configuration.apart import read_apart
from gateway.configuration.loading import load, read_settings
from gateway.configuration.problems import ConfigurationErrors
from gateway.configuration.reload import Watcher

TODAY = date(2026, 11, 21)


class Pauses:
    """Stands in for sleeping: runs a step of the test at each pause, and never waits."""

    def __init__(self) -> None:
        self.steps: list = []
        self.count = 0

    async def __call__(self, _seconds: float) -> None:
        self.count += 1
        if self.steps:
            self.steps.pop(0)()
        await asyncio.sleep(0)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def watch(folder, pauses):
    """A watcher over the folder, the snapshots it handed out, and how often it read."""

    def build(read=read_settings):
        got: list = []
        watcher = Watcher(
            [folder], {}, load([folder], {}, TODAY), got.append, today=lambda: TODAY, read=read, pause=pauses
        )
        return watcher, got

    return build


def write(folder: Path, text: str, name: str = "weir.yaml") -> None:
    (folder / name).write_text(text)


async def test_nothing_happens_while_nothing_changes(watch):
    watcher, got = watch()
    before = watcher.current
    assert [await watcher.look(), await watcher.look()] == [False, False]
    assert (got, watcher.current) == ([], before)


async def test_a_change_becomes_one_new_snapshot(watch, folder, small):
    watcher, got = watch()
    write(folder, small.replace("0.7", "0.8"))
    assert await watcher.look() is True
    assert got == [watcher.current]
    assert watcher.current.policy.routes[0].when.at_least == 0.8
    assert await watcher.look() is False


async def test_a_bad_file_is_refused_and_the_good_one_stays(watch, folder, small, caplog):
    watcher, got = watch()
    before = watcher.current
    write(folder, small.replace("use: [small]", "use: [smal]"))
    with caplog.at_level(logging.ERROR):
        assert await watcher.look() is False
    assert (got, watcher.current) == ([], before)
    assert "weir.yaml:16: there is no model `smal`" in caplog.text
    assert isinstance(watcher.refused, ConfigurationErrors)
    assert await watcher.look() is False  # it is not read again until it changes
    write(folder, small.replace("0.7", "0.9"))
    assert await watcher.look() is True
    assert watcher.refused is None


async def test_files_that_still_change_are_left_alone(watch, folder, small, pauses):
    """A boundary's file rewritten in two steps: the moment between, valid and without boundaries, is not seen."""
    boundary = "boundaries:\n  - {name: stays-home, data: {at_least: confidential}, only: {inside: true}}\n"
    write(folder, small.replace(boundary, ""))
    write(folder, boundary, "boundaries.yaml")
    watcher, got = watch()
    write(folder, "", "boundaries.yaml")
    pauses.steps = [lambda: write(folder, boundary.replace("confidential", "internal"), "boundaries.yaml")]
    assert await watcher.look() is True
    assert [len(snapshot.policy.boundaries) for snapshot in got] == [1]


async def test_a_change_while_reading_is_seen_at_the_next_look(watch, folder, small):
    def read(paths, environ, today):
        settings = read_settings(paths, environ, today)
        if "0.8" in (folder / "weir.yaml").read_text():
            write(folder, small.replace("0.7", "0.95"))
        return settings

    watcher, got = watch(read)
    write(folder, small.replace("0.7", "0.8"))
    assert [await watcher.look(), await watcher.look(), await watcher.look()] == [True, True, False]
    assert [snapshot.policy.routes[0].when.at_least for snapshot in got] == [0.8, 0.95]


async def test_swapped_symlinks_are_followed(tmp_path, small, pauses):
    """As Kubernetes updates a ConfigMap: the files stay links, and the folder they lead through is exchanged."""
    for name, text in (("one", small), ("two", small.replace("0.7", "0.8"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weir.yaml").write_text(text)
        os.utime(tmp_path / name / "weir.yaml", ns=(1, 1))
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "..data").symlink_to(tmp_path / "one")
    (tmp_path / "mounted" / "weir.yaml").symlink_to("..data/weir.yaml")
    paths = [tmp_path / "mounted"]
    watcher = Watcher(
        paths,
        {},
        load(paths, {}, TODAY),
        lambda _: None,
        today=lambda: TODAY,
        read=read_settings,
        pause=pauses,
    )
    assert await watcher.look() is False
    (tmp_path / "mounted" / "..new").symlink_to(tmp_path / "two")
    (tmp_path / "mounted" / "..new").rename(tmp_path / "mounted" / "..data")
    assert await watcher.look() is True
    assert watcher.current.policy.routes[0].when.at_least == 0.8


async def test_what_the_yaml_names_is_watched_too(watch, folder, small):
    write(folder, '["Heron"]', "terms.json")
    write(folder, f"sensitivity: {{terms_files: [terms.json]}}\n{small}")
    watcher, _ = watch()
    assert await watcher.look() is False
    policy = watcher.current.policy.hash
    write(folder, '["Heron", "Falke"]', "terms.json")
    assert await watcher.look() is True
    assert watcher.current.policy.hash != policy, "other words, other decisions"
    assert watcher.current.sensitivity.terms == ("Heron", "Falke")


async def test_prices_that_change_are_a_new_configuration(watch, folder, small):
    write(folder, "{}", "prices.json")
    write(folder, f"server: {{prices: prices.json}}\n{small}")
    watcher, got = watch()
    write(folder, '{"prices": []}', "prices.json")
    assert await watcher.look() is True
    write(folder, '{"prices": [] }', "prices.json")
    assert await watcher.look() is True
    assert len({each.hash for each in got}) == 2


def authority(folder: Path, name: str) -> None:
    """A PEM file of an authority of one's own."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         "key.pem", "-out", name, "-days", "2", "-subj", "/CN=ours"],
        check=True, capture_output=True, cwd=folder, timeout=60,
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
async def test_other_authorities_in_the_same_file_mean_other_connections(watch, folder, small):
    tls = small.replace("kind: openai,", "kind: openai, tls: {ca_file: ca.pem},")
    authority(folder, "ca.pem")
    write(folder, tls)
    watcher, got = watch()
    before = placements(watcher.current)
    authority(folder, "ca.pem")
    assert await watcher.look() is True
    changed = {
        each.backend
        for each, old in zip(placements(watcher.current), before, strict=True)
        if each.fingerprint != old.fingerprint
    }
    assert changed == {"cloud"}
    write(folder, "no certificate", "ca.pem")
    assert await watcher.look() is False
    assert "holds no certificates" in str(watcher.refused)
    assert "weir.yaml:7" in str(watcher.refused)
    assert len(got) == 1


async def test_snapshots_are_taken_over_in_their_order(folder, small, pauses):
    """A slow taking-over is awaited before the next look, and refusals are told."""
    log: list[str] = []

    async def changed(snapshot):
        log.append("began")
        await asyncio.sleep(0)
        log.append("ended")

    watcher = Watcher(
        [folder],
        {},
        load([folder], {}, TODAY),
        changed,
        today=lambda: TODAY,
        refused=lambda errors: log.append(f"refused {len(errors.problems)}"),
        read=read_settings,
        pause=pauses,
    )
    for text in (small.replace("0.7", "0.8"), "site: [", small.replace("0.7", "0.9")):
        write(folder, text)
        await watcher.look()
    assert log == ["began", "ended", "refused 1", "began", "ended"]


async def test_asking_reads_at_once_and_swaps_only_what_is_new(watch, folder):
    reads = []

    def read(*task):
        reads.append(task)
        return read_settings(*task)

    watcher, got = watch(read)
    watcher.ask()
    assert await watcher.look() is False
    assert (len(reads), got) == (1, [])


async def test_it_runs_until_it_is_cancelled(watch, folder, small, pauses):
    watcher, got = watch()
    pauses.steps = [lambda: write(folder, small.replace("0.7", "0.8"))]
    running = asyncio.create_task(watcher.run())
    async with asyncio.timeout(60):
        while not got:  # noqa: ASYNC110  # what is awaited is that nobody calls it
            await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(got) == 1


def test_reading_apart_gives_the_same(folder, small):
    write(folder, small + "".join(f"  tenant-{i}: {{}}\n" for i in range(60)))
    assert read_apart([folder], {}, TODAY) == read_settings([folder], {}, TODAY)


def test_reading_apart_brings_problems_back(folder, small):
    write(folder, small.replace("use: [small]", "use: [smal]"))
    with pytest.raises(ConfigurationErrors, match="there is no model `smal`"):
        read_apart([folder], {}, TODAY)


def test_a_reader_that_dies_is_a_problem_like_another(folder, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with pytest.raises(ConfigurationErrors, match="could not be read: FileNotFoundError"):
        read_apart([folder], {}, TODAY)


async def test_a_folder_that_cannot_be_listed_for_a_moment_ends_no_watching(
    watch, folder, small, monkeypatch
):
    watcher, got = watch()
    with monkeypatch.context() as gone:
        gone.setattr(Path, "iterdir", _vanished)
        await watcher.look()
    write(folder, small.replace("0.7", "0.8"))
    assert await watcher.look() is True
    assert got == [watcher.current]


def test_a_folder_that_cannot_be_listed_is_said(folder, monkeypatch):
    monkeypatch.setattr(Path, "iterdir", _vanished)
    with pytest.raises(ConfigurationErrors, match="it cannot be read: Permission denied"):
        load([folder], {}, TODAY)


def _vanished(_folder: Path):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
