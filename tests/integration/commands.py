"""Runs `weir` as a person does: as a process, with a terminal's width, and reads what it prints."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

WEIR = [sys.executable, "-m", "gateway"]
ROOT = Path(__file__).resolve().parents[2]


def environ(columns: int) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
    return {**own, "COLUMNS": str(columns), "PYTHONUNBUFFERED": "1"}


@contextmanager
def running(*arguments: str, columns: int = 200) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    process = subprocess.Popen(
        [*WEIR, *arguments],
        cwd=ROOT,
        env=environ(columns),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, process.stdout
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stdout.close()
        process.stderr.close()


def read_until(out: IO[str], word: str) -> str:
    text = ""
    for line in out:
        text += line
        if word in line:
            return text
    pytest.fail(f"it ended without saying {word!r}:\n{text}")
