"""Completions answers on their way to a completions client: as chat's, but for where the text stands."""

from typing import ClassVar

from adapters.call import Call, Headers
from adapters.chat import Json
from adapters.dialects.chat import relay as chat
from adapters.dialects.chat.answer import write_error
from adapters.dialects.completions.ingress import answers


def relay(call: Call, headers: Headers) -> "chat.JsonRelay | StreamRelay":
    """The way back for a 2xx answer to a completions request; `headers` are the provider's."""
    return StreamRelay(call, headers) if call.stream else chat.JsonRelay(headers, write_error)


class StreamRelay(chat.StreamRelay):
    """A streamed answer, which has a choice for each prompt and each of its `n` continuations."""

    __slots__ = ()

    marks: ClassVar[chat.Marks] = (b'"text":"', ())

    def __init__(self, call: Call, headers: Headers) -> None:
        super().__init__(call, headers, answers(call.document.values))

    def _carries(self, choice: Json) -> bool:
        return bool(choice.get("text"))

    def _as_chunk(self, answer: Json) -> Json:
        return answer
