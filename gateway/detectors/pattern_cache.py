"""Compiled pattern databases kept between starts: compiling takes a second or more, loading milliseconds."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from routers.sensitivity import patterns
from routers.sensitivity.engine import Engine, HyperscanEngine, compile_triggers, key, load_triggers
from routers.sensitivity.patterns import HyperscanPatterns, Patterns
from routers.sensitivity.trigger import Trigger


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where Weir keeps what it can make again: `$XDG_CACHE_HOME/weir`, or `~/.cache/weir`."""
    base = environment.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "weir"


def cached_engine(triggers: Sequence[Trigger], directory: Path | None) -> Engine:
    """The engine for these triggers, from the cache or compiled and put there. A cache that cannot be read or
    written costs time, never correctness; `directory=None` does without."""
    if directory is None:
        return compile_triggers(triggers)
    path = directory / f"patterns-{key(triggers)}.hsdb"
    try:
        return load_triggers(triggers, path.read_bytes())
    except (OSError, ValueError):
        engine = compile_triggers(triggers)
    if isinstance(engine, HyperscanEngine):
        _keep(path, engine.to_bytes())
    return engine


def cached_patterns(own: Mapping[str, str], directory: Path) -> Patterns:
    """The tenant's own expressions by name, as `cached_engine`. Raises ValueError naming one that cannot be used."""
    path = directory / f"patterns-{patterns.key(own)}.hsdb"
    try:
        return patterns.load_patterns(own, path.read_bytes())
    except (OSError, ValueError):
        compiled = patterns.compile_patterns(own)
    if isinstance(compiled, HyperscanPatterns):
        _keep(path, compiled.to_bytes())
    return compiled


def _keep(path: Path, compiled: bytes) -> None:
    """Write beside the final name and move it there, so that no other process reads half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(compiled)
        Path(name).replace(path)
    except OSError:
        return
