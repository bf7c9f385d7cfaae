"""Reads a configuration in a process of its own: the event loop of a running gateway never waits for it.

Parsing YAML holds Python's lock: 1,700 lines in a thread make the loop wait for 25 ms and more.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from gateway.configuration.loading import read_settings
from gateway.configuration.problems import ConfigurationErrors, Place, Problem
from gateway.configuration.settings import Settings

LONGEST_READ: Final = 60.0  # seconds


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
    answer = pickle.loads(done.stdout)  # noqa: S301  # it comes from our own child, through a pipe nobody else has
    if isinstance(answer, Settings):
        return answer
    raise ConfigurationErrors(answer)


_CHILD: Final = """
import json, sys
task = json.load(sys.stdin)
sys.path[:] = task["path"]
from gateway.configuration.apart import answer
answer(task["paths"], task["today"])
"""


def answer(paths: Sequence[str], today: str) -> None:
    """The child's whole life: read, and write the settings or the problems to standard output, pickled."""
    result: Settings | tuple[Problem, ...]
    try:
        result = read_settings(map(Path, paths), os.environ, date.fromisoformat(today))
    except ConfigurationErrors as errors:
        result = errors.problems
    sys.stdout.buffer.write(pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL))
