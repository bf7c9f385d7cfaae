"""OpenAI's responses: a dialect of items, whose provider may keep what was said and run tools of its own."""

from adapters.dialects.checks import InvalidRequest, own_metadata
from adapters.dialects.responses.ingress import max_output_tokens, modality, needs, read
from adapters.dialects.responses.stored import made, references

__all__ = [
    "InvalidRequest",
    "made",
    "max_output_tokens",
    "modality",
    "needs",
    "own_metadata",
    "read",
    "references",
]
