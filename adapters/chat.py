"""The canonical request, answer, stream events and usage that the dialects translate through."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Disjoint token classes of one answer (tokens), and where the figures come from.

    `input` is uncached; the whole prompt is `input + cache_read + cache_write + audio_in`, the whole
    answer `output + reasoning + audio_out`.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    audio_in: int = 0
    audio_out: int = 0
    source: Literal["reported", "estimated", "unknown"] = "unknown"

    @property
    def prompt(self) -> int:
        """All tokens the model read."""
        return self.input + self.cache_read + self.cache_write + self.audio_in

    @property
    def generated(self) -> int:
        """All tokens the model wrote."""
        return self.output + self.reasoning + self.audio_out

    def estimated(self, prompt: int, content_events: int) -> "TokenUsage":
        """What to book for an answer that never reported its usage, as one cancelled midway.

        `prompt` is the caller's estimate (tokens), used where not even the prompt was reported;
        `content_events` stand for output tokens: engines send about one token an event.
        """
        if self.source == "reported":
            return self
        if self.prompt:  # Anthropic reports the prompt first and the output last
            return replace(self, output=max(self.output, content_events), source="estimated")
        return TokenUsage(input=prompt, output=content_events, source="estimated")
