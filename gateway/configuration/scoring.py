"""Which weights score requests, as it stands in YAML and as it is read."""

from pathlib import Path

from pydantic import Field

from gateway.configuration.language import Strict
from routers.complexity.weights import LARGEST, BadWeights, Weights


class ComplexityTerms(Strict):
    """The complexity score of this deployment."""

    weights: str | None = Field(
        None,
        description="A file that `weir router train` or `weir router calibrate` wrote, relative to this YAML file;"
        " left out: the weights that ship. A new file in its place is taken over by a running gateway.",
        examples=["complexity.weights"],
    )


def read_weights(file: Path) -> bytes:
    """The bytes of a weights file, once they are known to be good. Raises BadWeights, OSError."""
    with file.open("rb") as opened:
        data = opened.read(LARGEST + 1)
    Weights.from_bytes(data)
    return data


def fault_of(error: BadWeights | OSError) -> str:
    """Why a weights file will not do."""
    return str(error) if isinstance(error, BadWeights) else f"it cannot be read ({error.strerror})"
