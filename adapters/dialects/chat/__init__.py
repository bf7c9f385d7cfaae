"""OpenAI's chat completions, the dialect most applications speak."""

from adapters.dialects.chat.ingress import max_output_tokens, modality, needs, read
from adapters.dialects.checks import InvalidRequest, own_metadata

__all__ = ["InvalidRequest", "max_output_tokens", "modality", "needs", "own_metadata", "read"]
