"""Whether an answer will do: cut, refused, empty, or not the JSON that its request declared."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from adapters.chat import Answer, Aside, Format, Text, ToolCall
from adapters.declared import Declared
from adapters.json_schema import violates
from gateway.dispatch.refusing import refuses


def fault_of(answer: Answer, declared: Declared) -> str | None:
    """What is wrong with a whole answer, as `routers.policy.policy.FAULTS` has it; None: nothing that shows."""
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    text = "".join([part.text for part in answer.parts if isinstance(part, Text)])
    if refused_at_once(answer):
        return "refused"
    if not text.strip() and not calls and not any(isinstance(part, Aside) for part in answer.parts):
        return "empty"
    misshapen = _misshapen(text, calls, declared)
    if answer.finish == "length" and (declared.limit is None or misshapen):
        return "cut"
    if not calls and refuses(text):
        return "refused"
    return "schema" if misshapen else None


def refused_at_once(answer: Answer) -> bool:
    """Whether the provider itself says that the answer is a refusal, or held it back."""
    return bool(answer.refusal) or answer.finish == "content_filter"


def _misshapen(text: str, calls: list[ToolCall], declared: Declared) -> bool:
    """Whether the answer is certainly not the JSON that was declared for it."""
    if calls:
        return declared.tools is not None and any(_wrong_call(call, declared.tools) for call in calls)
    return declared.format is not None and _wrong_text(text, declared.format)


def _wrong_call(call: ToolCall, tools: Mapping[str, Any]) -> bool:
    if call.name not in tools:
        return True
    arguments = _read(call.arguments or "{}")
    return not isinstance(arguments, dict) or violates(arguments, tools[call.name])


def _wrong_text(text: str, format_: Format) -> bool:
    value = _read(text)
    if format_.schema is None:
        return not isinstance(value, dict)
    return value is _NOT_JSON or violates(value, format_.schema)


_NOT_JSON: Final = object()


def _read(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _NOT_JSON
