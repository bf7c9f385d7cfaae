"""The cache saves time and is never needed: unreadable, foreign or damaged files are made anew."""

from pathlib import Path

import pytest

from gateway.detectors.pattern_cache import cache_directory, cached_engine
from routers.sensitivity.engine import HyperscanEngine, compile_triggers
from routers.sensitivity.trigger import Trigger

TRIGGERS = (Trigger("needle", ("needle",)),)

pytestmark = pytest.mark.skipif(
    not isinstance(compile_triggers(TRIGGERS), HyperscanEngine), reason="hyperscan is not installed"
)


def hits(engine):
    return engine.scan("a needle here")


def test_written_once_and_read_again(tmp_path: Path):
    first = cached_engine(TRIGGERS, tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    written = file.stat().st_mtime_ns
    assert hits(first) == hits(cached_engine(TRIGGERS, tmp_path / "new")) == [(8, 0)]
    assert file.stat().st_mtime_ns == written


def test_a_damaged_file_is_made_anew(tmp_path: Path):
    cached_engine(TRIGGERS, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    assert hits(cached_engine(TRIGGERS, tmp_path)) == [(8, 0)]
    assert file.read_bytes() == whole


def test_other_triggers_have_a_file_of_their_own(tmp_path: Path):
    cached_engine(TRIGGERS, tmp_path)
    cached_engine((Trigger("pin"),), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    assert hits(cached_engine(TRIGGERS, tmp_path / "file")) == [(8, 0)]
    assert hits(cached_engine(TRIGGERS, None)) == [(8, 0)]


def test_where_the_cache_is():
    assert cache_directory({"XDG_CACHE_HOME": "/somewhere"}) == Path("/somewhere/weir")
    assert cache_directory({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "weir"
    assert cache_directory({}) == Path.home() / ".cache" / "weir"
