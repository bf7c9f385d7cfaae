"""The canonical request, answer, stream events and usage that the dialects translate through."""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Json = dict[str, Any]
Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(slots=True, unsafe_hash=True)  # not frozen, since one is made for every answer; nobody changes one
class TokenUsage:
    """Disjoint token classes of one answer (tokens), where the figures come from, and at which tier's price.

    `input` is uncached; the whole prompt is `input + cache_read + cache_write + audio_in`, the whole
    answer `output + reasoning + audio_out`. `tier` is as the answer reported it (`flex`, `priority`, `batch`);
    empty: the standard one.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    audio_in: int = 0
    audio_out: int = 0
    source: Literal["reported", "estimated", "unknown"] = "unknown"
    tier: str = ""

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


UNKNOWN_USAGE: Final = TokenUsage()  # of an answer that has told nothing yet
_STANDARD_TIERS: Final = frozenset({"auto", "default", "standard", "standard_only", "on_demand"})
_MOST_TOKENS: Final = 2**63 - 1  # as a database holds them
_LONGEST_TIER: Final = 32  # characters: it becomes part of a ledger row


def counted(value: Any) -> int:
    """A token count as a provider tells it: 0 where it is none, and no more than a ledger holds."""
    if value.__class__ is not int or value <= 0:
        return 0
    count: int = value if value < _MOST_TOKENS else _MOST_TOKENS
    return count


def served_tier(reported: object) -> str:
    """The service tier an answer says it was served in; empty where it is the standard one, or none is named."""
    if not isinstance(reported, str) or reported in _STANDARD_TIERS:
        return ""
    return reported[:_LONGEST_TIER]


@dataclass(frozen=True, slots=True)
class Text:
    """Words. `cache` is a cache breakpoint behind them (`cache_control`), `citations` what they rest on."""

    text: str
    cache: Json | None = None
    citations: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a document: at a URL, as base64 `data`, as a provider's `file_id`, or as plain `text`."""

    kind: Literal["image", "document"]
    url: str = ""
    data: str = field(default="", repr=False)
    media_type: str = ""
    file_id: str = ""
    text: str = field(default="", repr=False)
    name: str = ""
    detail: str = ""
    cites: bool = False  # the answer shall cite it
    cache: Json | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought. Only the provider that signed it takes it back; `redacted` is its sealed form."""

    text: str
    signature: str = ""
    redacted: str = ""

    @property
    def open(self) -> bool:
        """Whether nobody signed or sealed it."""
        return not self.signature and not self.redacted


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model makes; `arguments` are JSON text."""

    id: str
    name: str
    arguments: str
    cache: Json | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a called tool gave back."""

    call: str
    parts: tuple["Text | Media", ...]
    failed: bool = False
    cache: Json | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """A part that only the dialect it came in knows, as a provider's own tools leave them in an answer."""

    block: Json


Part = Text | Media | Thinking | ToolCall | ToolResult | Aside


@dataclass(frozen=True, slots=True)
class Turn:
    """What one party said; tool results are part of the user's turn."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Json
    strict: bool = False
    cache: Json | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether tools may, must or must not be called; `named` is the one to call."""

    mode: Literal["auto", "none", "required", "named"]
    named: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """The JSON an answer must be; without a schema any object will do."""

    schema: Json | None = None
    name: str = "answer"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation to be continued, in no provider's words. None means: as the provider has it."""

    turns: tuple[Turn, ...]
    stream: bool = False
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    format: Format | None = None
    effort: Effort | None = None
    thinking_budget: int | None = None  # tokens; 0 forbids thinking
    user: str | None = None
    standard_tier: bool = False  # no priority capacity
    tier: str = ""  # another tier of OpenAI's, as `flex` or `priority`


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    id: str
    model: str
    parts: tuple[Part, ...]
    finish: Finish | None
    stop_sequence: str | None = None
    refusal: str | None = None
    usage: TokenUsage = UNKNOWN_USAGE  # as the client is told


@dataclass(frozen=True, slots=True)
class Begun:
    """A streamed answer begins."""

    id: str
    model: str


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of text, thinking, or refusal."""

    what: Literal["text", "thinking", "refusal"]
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call begins; `index` counts the answer's calls from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Argued:
    """A piece of a call's arguments."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A part that is told only once it is whole: signed thinking, citations of a text, an aside."""

    part: Thinking | Text | Aside


@dataclass(frozen=True, slots=True)
class Kept:
    """A keep-alive."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer ends as it should. `usage` is what the client is told."""

    finish: Finish
    stop_sequence: str | None
    usage: TokenUsage


Event = Begun | Said | Called | Argued | Whole | Kept | Ended
