"""What of a chat request its provider keeps and is told by name: files, spoken answers, caches; and what answers leave.

Most chat requests name nothing, and show it at a glance: what every conversation consists of is passed over, and
whatever else there is is searched through.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import Json
from adapters.dialects.kept import named
from adapters.others import OFTEN, others

NAMELESS: Final = frozenset(  # members of a request that hold no name, or only what the application made up
    ("model", "stream", "stream_options", "temperature", "top_p", "top_k", "n", "stop", "seed", "user", "store",
     "max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs",
     "top_logprobs", "response_format", "tool_choice", "parallel_tool_calls", "reasoning_effort", "service_tier",
     "functions", "function_call", "metadata", "modalities", "prediction", "guided_json", "structured_outputs",
     "chat_template_kwargs", "documents", "input")
)  # fmt: skip
_SAID: Final = frozenset(
    ("role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "reasoning_content",
     "reasoning", "thinking_blocks", "provider_blocks", "parsed")
)  # fmt: skip
_OWN_TOOLS: Final = frozenset({"function", "custom"})  # what the application runs itself


def references(values: Mapping[str, Any], nameless: frozenset[str] = NAMELESS) -> tuple[str, ...]:
    """The names of kept objects in a chat request, or another like it; `nameless` are members that hold none. Each
    once, in order."""
    found: dict[str, None] = {}
    for key, value in values.items():
        if key == "messages":
            _of_messages(value, found)
        elif key == "tools":
            _of_tools(value, found)
        elif key not in nameless and value.__class__ in (dict, list, str):
            found.update(dict.fromkeys(named(value, key)))
    return tuple(found)


def _of_messages(messages: Any, found: dict[str, None]) -> None:
    for i, message in enumerate(messages if isinstance(messages, list) else ()):
        if i & OFTEN == OFTEN:
            others()
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        if content.__class__ is list:
            for part in content:
                if part.__class__ is dict and part.get("type") != "text":
                    found.update(dict.fromkeys(named(part)))
                elif part.__class__ is dict and len(part) > 2:  # a text with more than its text
                    found.update(dict.fromkeys(named({**part, "text": None})))
        if not _SAID.issuperset(message):
            for key in message.keys() - _SAID:
                found.update(dict.fromkeys(named(message[key], key)))


def _of_tools(tools: Any, found: dict[str, None]) -> None:
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and str(tool.get("type")) not in _OWN_TOOLS:
            found.update(dict.fromkeys(named(tool)))


def made(message: Mapping[str, Any]) -> Iterator[str]:
    """The names of what a whole answer's message, or a piece of it, leaves at its provider: what it said aloud, and
    files that the provider's own tools wrote."""
    audio: Any = message.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("id"), str) and audio["id"]:
        yield audio["id"]
    annotations: list[Json] = message.get("annotations") or []
    for note in annotations:
        if note.get("type") == "container_file_citation":
            yield from named(note)
