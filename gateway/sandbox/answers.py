"""Canned answers: they follow the prompt's words, say that they are a stand-in's, and never vary."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import orjson

from gateway.sandbox.asks import Ask, Tool
from gateway.sandbox.examples import example, topics, words

_pieces = re.compile(r" ?[^\W\d_]{1,8}| ?\d{1,3}|\s+| ?[^\w\s]|_").findall

_OPENINGS: Final = (
    "This is {name}, a stand-in: I cannot think, but I can show the way your request took.",
    "A stand-in for {name} answers here, so take the form as real and the content as canned.",
    "{name} is not really running; its stand-in read your request and answers in its place.",
)
_SENTENCES: Final = (
    "You asked about {topics}.",
    "A real model would now go into {topic} and weigh the evidence for it.",
    "It would set out the assumptions behind {topic}, then work through them one at a time.",
    "Where {other} matters it would say how, with an example that can be checked.",
    "It would close with what remains open about {topic}, and what to ask next.",
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool, its arguments as JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stand-in says: text or tool calls, in the pieces it counts as tokens."""

    pieces: tuple[str, ...]  # of the text, at most max_tokens
    calls: tuple[ToolCall, ...] = ()
    cut_short: bool = False  # max_tokens ended it
    refused: bool = False  # the text is why it would not answer

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """How many tokens it counts as; a tool call costs its name, its arguments and a frame."""
        return len(self.pieces) + sum(4 + len(pieces(c.name)) + len(pieces(c.arguments)) for c in self.calls)


def pieces(text: str) -> list[str]:
    """The text in pieces of about a token's length; joined they are the text."""
    return list(_pieces(text))


def token_ids(text: str) -> list[int]:
    """The same pieces as numbers, equal where the pieces are."""
    return [crc32(piece.encode()) % 128_000 for piece in _pieces(text)]


def compose(ask: Ask, *, seed: int = 0) -> Answer:
    """The answer to `ask`: tool calls where the prompt asks for them, JSON where a schema does, else text."""
    if ask.spoilt:
        return _spoilt(ask, seed)
    calls = _tool_calls(ask)
    if calls:
        return Answer((), calls)
    said = pieces(_prose(ask, seed) if ask.schema is None else _json(ask.schema, ask.question))
    limit = ask.max_tokens
    if limit is not None and ask.to_the_limit:
        said = (said * (limit // len(said) + 1))[:limit]
        return Answer(tuple(said), cut_short=True)
    cut_short = limit is not None and limit < len(said)
    return Answer(tuple(said[:limit]), cut_short=cut_short)


def _spoilt(ask: Ask, seed: int) -> Answer:
    """A bad answer: one that says nothing, that refuses, that is not what its schema asks, or half of one."""
    match ask.spoilt:
        case "empty":
            return Answer(())
        case "refusal":
            return Answer(tuple(pieces("I'm sorry, but I can't help with that.")), refused=True)
        case "misshapen":
            wrong = '{"nobody_asked_for_this": true}'
            calls = tuple(ToolCall(call.name, wrong) for call in _tool_calls(ask))
            return Answer((), calls) if calls else Answer(tuple(pieces(wrong)))
    said = pieces(_prose(ask, seed))
    return Answer(tuple(said[: len(said) // 2]), cut_short=True)


def _json(schema: Mapping[str, Any], question: str) -> str:
    return orjson.dumps(example(schema, question)).decode()


def _prose(ask: Ask, seed: int) -> str:
    """Longer for longer questions: one sentence more for every twelve words."""
    result = ask.tool_result
    about = topics(ask.question)
    opening = _OPENINGS[(crc32(ask.question.encode()) + seed) % len(_OPENINGS)].format(name=ask.model)
    if result is not None:
        return f"{opening} The tool said: {result[:200]}"
    count = min(1 + len(ask.question.split()) // 12, len(_SENTENCES))
    places = {"topics": ", ".join(about), "topic": about[0], "other": about[-1]}
    return " ".join([opening, *(sentence.format(**places) for sentence in _SENTENCES[:count])])


def _tool_calls(ask: Ask) -> tuple[ToolCall, ...]:
    if ask.tool_choice == "none" or not ask.tools:
        return ()
    named = [tool for tool in ask.tools if tool.name == ask.tool_choice]
    if named:
        wanted: Sequence[Tool] = named
    elif ask.tool_result is not None:
        return ()  # it has what it asked for
    else:
        asked = {word.lower() for word in words(ask.question)}
        wanted = [tool for tool in ask.tools if asked & _stems(tool)]
        if not wanted and ask.tool_choice == "required":
            wanted = ask.tools[:1]
    calls = [ToolCall(tool.name, _json(tool.schema, ask.question)) for tool in wanted]
    return tuple(calls if ask.parallel else calls[:1])


def _stems(tool: Tool) -> set[str]:
    """The words a prompt would use to ask for this tool: `get_weather` → weather."""
    said: set[str] = {word.lower() for word in words(tool.name.replace("_", " "))}
    return said - {"and", "do", "for", "get", "run", "set", "the", "to"}
