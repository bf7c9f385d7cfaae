"""Responses clients of a backend that speaks another dialect: what it is asked, and how they are told its answer."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from adapters.call import Call
from adapters.chat import Answer, Json, Request
from adapters.dialects import translation
from adapters.dialects.responses.answer import echo
from adapters.dialects.responses.events import StreamWriter, write_answer
from adapters.dialects.responses.offered import custom_tools
from adapters.dialects.responses.request import read_request
from adapters.errors import Unsupported

_OWN_WORDS: Final = {  # a field as the other dialects' writers name it → as this client does
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "messages": "input",
}


def carried(call: Call, write: Callable[[Request], Json]) -> Json:
    """The body of the request in another dialect. Raises Unsupported, which names the client's own field."""
    try:
        return translation.rebuilt(call, read_request, write)
    except Unsupported as error:
        field = "input" if error.field.startswith("messages[") else _OWN_WORDS.get(error.field, error.field)
        raise Unsupported(field, str(error)) from None


def told(
    values: Mapping[str, Any], created: int
) -> tuple[Callable[[Answer], Json], Callable[[], StreamWriter]]:
    """How the client is told an answer: whole, and streamed. `created` in seconds since 1970."""
    repeated, custom = echo(values), custom_tools(values)
    return (
        partial(write_answer, echo=repeated, created=created, custom=custom),
        partial(StreamWriter, repeated, created, custom),
    )
