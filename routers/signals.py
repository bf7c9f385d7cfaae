"""The facts a decision rests on."""

from dataclasses import dataclass
from typing import Final

from routers.sensitivity.label import Label

KINDS: Final = (
    "code",
    "maths",
    "extraction",
    "summarising",
    "translation",
    "chat",
    "reasoning",
    "creative",
)
MODALITIES: Final = ("text", "image", "audio", "file")
CAPABILITIES: Final = (
    "tools",
    "json_schema",
    "vision",
    "audio",
    "files",
    "reasoning",
    "completions",  # continues a bare prompt, without a conversation
    "embeddings",
    "rerank",  # and score
)


@dataclass(slots=True)  # not frozen, since it is made for every request; nobody changes one
class Signals:
    """What is known of a request before it is routed. Everything here is data: no clock, no lookup."""

    label: Label
    complexity: float  # 0..1
    kind: str  # one of KINDS
    language: str  # ISO 639-1, or "und"
    prompt_tokens: int  # estimate
    max_output_tokens: int | None  # as the client asked
    modality: frozenset[str]  # of MODALITIES
    needs: frozenset[str]  # of CAPABILITIES: what the model must be able to do
    tools: bool
    stream: bool
    tenant: str
    workflow: str  # "" where none was named
    model: str  # as the application sent it
    conversation: str = ""  # "" where none was named
    budget_used: float = 0.0  # share of the tightest budget already spent
    day: int = 0  # days since 1970-01-01 UTC, for retirement; 0 where unknown: nothing is retired then
