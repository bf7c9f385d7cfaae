"""The facts a decision rests on."""

from dataclasses import dataclass

from routers.sensitivity.label import Label


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a request before it is routed. Everything here is data: no clock, no lookup."""

    label: Label
    complexity: float  # 0..1
    kind: str  # code, maths, extraction, summarising, translation, chat, reasoning, creative
    language: str  # ISO 639-1, or "und"
    prompt_tokens: int  # estimate
    max_output_tokens: int | None  # as the client asked
    modality: frozenset[str]  # text, image, audio, file
    needs: frozenset[str]  # capabilities the model must have: tools, json_schema, vision, audio, …
    tools: bool
    stream: bool
    tenant: str
    workflow: str  # "" where none was named
    model: str  # as the application sent it
    conversation: str = ""  # "" where none was named
    budget_used: float = 0.0  # share of the tightest budget already spent
