"""The containers in which Anthropic runs code: an answer leaves one behind, and a later request may name it."""

from collections.abc import Mapping
from typing import Any


def references(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The id of the container that a messages request names, if it names one: by itself, or beside its skills."""
    container = values.get("container")
    if isinstance(container, dict):
        container = container.get("id")
    return (container,) if container and isinstance(container, str) else ()


def made(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The id of the container that a message, or the end of a streamed one, says its tools ran in."""
    return references(answer)
