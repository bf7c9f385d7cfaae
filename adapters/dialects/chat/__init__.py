"""OpenAI's chat completions, the dialect most applications speak."""

from adapters.dialects.chat.ingress import (
    InvalidRequest,
    max_output_tokens,
    modality,
    needs,
    own_metadata,
    read,
)

__all__ = ["InvalidRequest", "max_output_tokens", "modality", "needs", "own_metadata", "read"]
