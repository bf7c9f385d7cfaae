"""Rows of labelled or plain requests, from JSON lines to conversations; a bad row is named by file and line."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import click

from adapters.visible import visible
from gateway.pipeline.reading import conversation_of
from routers.complexity.conversation import Conversation, Turn
from routers.complexity.example import Example


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its conversation, and the row itself for what else it says."""

    conversation: Conversation
    values: Mapping[str, Any]
    where: str  # file:line


def read_rows(paths: Sequence[Path]) -> Iterator[Row]:
    """Every row of the files, plain or gzipped. Raises ClickException, which never quotes a row's text."""
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            where = f"{path.name}:{number}"
            try:
                values = json.loads(line)
            except ValueError:
                raise click.ClickException(f"{where} is not JSON") from None
            if not isinstance(values, dict):
                raise click.ClickException(f"{where} is not a JSON object")
            yield Row(_conversation(values, where), values, where)


def read_examples(paths: Sequence[Path]) -> list[Example]:
    """Labelled rows: {prompt | request, strong, weak} with qualities 0..1, and `source` and `subject` if known."""
    examples = []
    for row in read_rows(paths):
        strong, weak = (_quality(row, name) for name in ("strong", "weak"))
        source, subject = (str(row.values.get(name) or "") for name in ("source", "subject"))
        examples.append(Example(row.conversation, strong, weak, source, subject))
    if not examples:
        raise click.ClickException("the files hold no rows")
    return examples


def digest(path: Path) -> str:
    """Which data it was: the file's SHA-256, shortened."""
    return sha256(path.read_bytes()).hexdigest()[:16]


def data_of(paths: Sequence[Path]) -> list[dict[str, str]]:
    """The files as a model card names them."""
    return [{"file": path.name, "sha256": digest(path)} for path in paths]


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                yield line.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path.name} cannot be read: {type(error).__name__}") from None


def _conversation(values: Mapping[str, Any], where: str) -> Conversation:
    prompt, request = values.get("prompt", values.get("text")), values.get("request")
    if isinstance(prompt, str):
        return Conversation((Turn("user", prompt),))
    if isinstance(request, dict):
        return conversation_of(visible(request, "chat"))
    raise click.ClickException(f'{where} needs "prompt" (a string) or "request" (a chat body)')


def _quality(row: Row, name: str) -> float:
    value = row.values.get(name)
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, int | float) or not isfinite(value) or not 0 <= value <= 1:
        raise click.ClickException(f'{row.where} needs "{name}", a quality from 0 to 1')
    return float(value)
