"""Legacy completions as OpenAI and vLLM write them: a prompt, or several, each continued `n` times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.sandbox.answers import Answer, compose, pieces, token_ids
from gateway.sandbox.asks import Ask

_USUAL_LIMIT = 16  # tokens


@dataclass(frozen=True, slots=True)
class Continued:
    """One prompt and how it goes on."""

    prompt: str = field(repr=False)
    ids: Sequence[int] = field(repr=False)
    answer: Answer


@dataclass(frozen=True, slots=True)
class TextFrame:
    """One answer: `extra` are the provider's own members of every choice, `tail` those of the answer."""

    id: str
    created: int
    model: str
    continued: tuple[Continued, ...]
    copies: int
    echo: bool
    usage_wanted: bool
    extra: Mapping[str, Any] = field(default_factory=dict)
    tail: Mapping[str, Any] = field(default_factory=dict)

    def whole(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """The unstreamed answer."""
        choices = [
            self._choice(index, (each.prompt if self.echo else "") + each.answer.text, _reason(each.answer))
            for index, each in self.choices()
        ]
        return self._message(choices) | {"usage": dict(usage)} | dict(self.tail)

    def choices(self) -> list[tuple[int, Continued]]:
        """Every continuation with its index."""
        return list(enumerate(each for each in self.continued for _ in range(self.copies)))

    def deltas(self, index: int, each: Continued) -> list[bytes]:
        """One continuation's chunks; the last token's tells the finish."""
        parts = [*([each.prompt] if self.echo else []), *(each.answer.pieces or ("",))]
        last = len(parts) - 1
        return [
            self._chunk([self._choice(index, part, _reason(each.answer) if i == last else None)])
            for i, part in enumerate(parts)
        ]

    def usage_event(self, usage: Mapping[str, Any]) -> bytes:
        """The chunk without choices."""
        return self._chunk([], usage)

    def usage(self) -> dict[str, int]:
        """Prompts once each, and every token of every continuation."""
        prompt = sum(len(each.ids) for each in self.continued)
        made = sum(each.answer.tokens for _, each in self.choices())
        return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}

    def _choice(self, index: int, text: str, reason: str | None) -> dict[str, Any]:
        return {"index": index, "text": text, "logprobs": None, "finish_reason": reason, **self.extra}

    def _message(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        head = {"id": self.id, "object": "text_completion", "created": self.created, "model": self.model}
        return head | {"choices": choices}

    def _chunk(self, choices: list[dict[str, Any]], usage: Mapping[str, Any] | None = None) -> bytes:
        told = {} if usage is None else {"usage": dict(usage)}
        return b"data: " + orjson.dumps(self._message(choices) | told) + b"\n\n"


def framed(
    body: Mapping[str, Any],
    identity: str,
    created: int,
    seed: int,
    extra: Mapping[str, Any] | None = None,
    tail: Mapping[str, Any] | None = None,
) -> TextFrame:
    """The answer that a body asks for. Raises TypeError where its prompt is none."""
    return TextFrame(
        id=identity,
        created=created,
        model=body["model"],
        continued=_continued(body, seed),
        copies=int(body.get("n") or 1),
        echo=body.get("echo") is True,
        usage_wanted=bool((body.get("stream_options") or {}).get("include_usage")),
        extra=extra or {},
        tail=tail or {},
    )


def _continued(body: Mapping[str, Any], seed: int) -> tuple[Continued, ...]:
    prompts = body.get("prompt", "")
    if isinstance(prompts, str) or (prompts and isinstance(prompts[0], int)):
        prompts = [prompts]
    return tuple(_continue(prompt, body, seed) for prompt in prompts)


def _continue(prompt: str | Sequence[int], body: Mapping[str, Any], seed: int) -> Continued:
    text = prompt if isinstance(prompt, str) else " ".join(str(token) for token in prompt)
    limit = body.get("max_tokens")
    ask = Ask(str(body["model"]), (("user", text),), max_tokens=_USUAL_LIMIT if limit is None else limit)
    ids = token_ids(text) if isinstance(prompt, str) else prompt
    return Continued(text, ids, compose(ask, seed=seed))


def embedded(inputs: object) -> list[str]:
    """The texts that an embeddings body names; token ids as their numbers' text."""
    if isinstance(inputs, str):
        return [inputs]
    if not isinstance(inputs, list):
        return []
    if inputs and isinstance(inputs[0], int):
        return [" ".join(str(token) for token in inputs)]
    return [each if isinstance(each, str) else " ".join(str(token) for token in each) for each in inputs]


def vector(text: str, size: int) -> list[float]:
    """A unit vector in which texts that share words are near each other."""
    values = [0.0] * size
    for token in token_ids(text.lower()):
        values[token % size] += 1.0
    length = sum(value * value for value in values) ** 0.5 or 1.0
    return [value / length for value in values]


def count(texts: Sequence[str]) -> int:
    """Tokens of some texts."""
    return sum(len(pieces(text)) for text in texts)


def _reason(answer: Answer) -> str:
    return "length" if answer.cut_short else "stop"
