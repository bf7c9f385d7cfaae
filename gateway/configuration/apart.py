"""Reads a configuration in a process of its own: the event loop of a running gateway never waits for it.

Parsing YAML holds Python's lock: 1,700 lines in a thread make the loop wait for 25 ms and more.
"""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from gateway.configuration.loading import read_settings
from gateway.configuration.problems import ConfigurationErrors, Place, Problem
from gateway.configuration.settings import TenantSettings
from gateway.configuration.snapshot import Settings

LONGEST_READ: Final = 60.0  # seconds
BATCH: Final = 25  # tenants


def read_apart(paths: Sequence[Path], environ: Mapping[str, str], today: date) -> Settings:
    """`loading.read_settings` in a child process; blocks its thread until that is done.
    Raises ConfigurationErrors."""
    task = json.dumps({"paths": [str(path) for path in paths], "today": today.isoformat(), "path": sys.path})
    try:
        done = subprocess.run(  # noqa: S603  # our own module, by our own interpreter
            [sys.executable, "-c", _CHILD],
            input=task.encode(),
            env=dict(environ),
            capture_output=True,
            timeout=LONGEST_READ,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        problem = Problem(Place("configuration"), f"it could not be read: {type(error).__name__}")
        raise ConfigurationErrors([problem]) from None
    return _received(BytesIO(done.stdout))


def _received(stream: BytesIO) -> Settings:
    """What the child wrote. Tenants come in batches: unpickling holds Python's lock, and between two of them
    the event loop gets its turn."""
    settings = pickle.load(stream)  # noqa: S301  # it comes from our own child, through a pipe nobody else has
    if not isinstance(settings, Settings):
        raise ConfigurationErrors(settings)
    tenants: dict[str, TenantSettings] = {}
    while batch := pickle.load(stream):  # noqa: S301  # as above
        tenants.update(batch)
        time.sleep(0)
    return replace(settings, tenants=tenants)


_CHILD: Final = """
import json, sys
task = json.load(sys.stdin)
sys.path[:] = task["path"]
from gateway.configuration.apart import answer
answer(task["paths"], task["today"])
"""


def answer(paths: Sequence[str], today: str) -> None:
    """The child's whole life: read, and write the settings or the problems to standard output, pickled."""
    out = sys.stdout.buffer
    try:
        settings = read_settings(map(Path, paths), os.environ, date.fromisoformat(today))
    except ConfigurationErrors as errors:
        _send(out, errors.problems)
        return
    _send(out, replace(settings, tenants={}))
    tenants = list(settings.tenants.items())
    for start in range(0, len(tenants), BATCH):
        _send(out, dict(tenants[start : start + BATCH]))
    _send(out, {})


def _send(out: BinaryIO, value: object) -> None:
    pickle.dump(value, out, protocol=pickle.HIGHEST_PROTOCOL)
