"""The weights a command works with: those that ship, or a file's."""

from importlib.resources import files
from pathlib import Path

import click

from routers.complexity.scorer import Scorer
from routers.complexity.weights import BadWeights


def shipped() -> bytes:
    """The weights that come with the program."""
    return files("routers.complexity").joinpath("default.weights").read_bytes()


def bytes_of(path: Path | None) -> bytes:
    """A file's weights, or those that ship."""
    return path.read_bytes() if path else shipped()


def install(data: bytes, path: Path) -> None:
    """Replaces the file in one step, so that no reader sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def scorer_of(path: Path | None) -> Scorer:
    """A scorer with a file's weights, or those that ship. Raises ClickException."""
    try:
        return Scorer.from_bytes(bytes_of(path))
    except BadWeights as error:
        raise click.ClickException(f"{path.name if path else 'the shipped weights'}: {error}") from None
