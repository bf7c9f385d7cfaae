"""Measures an engine with requests of its own, one at a time: what `weir gpu calibrate` fits."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from adapters.call import Outgoing
from adapters.transport import Pool
from gateway.app.pages import page
from gateway.fleet.engines.page import engines
from gateway.metering.gpu.calibration import Sample

_SHARES: Final = (0.03, 0.12, 0.3, 0.55, 0.8)  # of the longest prompt
_PROBE_WORDS: Final = 24
_LONGEST: Final = 16_384  # tokens; more tells little more, and takes long
_SHORTEST: Final = 8


class CannotMeasure(Exception):  # noqa: N818  # it names what cannot be done
    """The engine does not answer as it should; `str()` says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent: prompts of these lengths (tokens, about), each answered with `output` tokens."""

    prompts: Sequence[int]
    output: int

    @property
    def prompt_tokens(self) -> int:
        """All of them together."""
        return sum(self.prompts)


def plan(context: int, samples: int, output: int, longest: int | None = None) -> Plan:
    """`samples` prompts of each of five lengths that fit an engine's context, shuffled so that drift does no harm."""
    room = min(longest or _LONGEST, context - 2 * output)
    if room < _SHORTEST * len(_SHARES):
        raise CannotMeasure(
            f"a context of {context} tokens leaves no room for prompts; try a smaller --output"
        )
    prompts = [max(_SHORTEST, int(room * share)) for share in _SHARES for _ in range(samples)]
    random.Random(0).shuffle(prompts)  # noqa: S311  # an order, no secret
    return Plan(prompts, output)


class Engine:
    """One engine behind `pool`. `noise` draws prompts nobody has sent before, so that none is cached."""

    def __init__(self, pool: Pool, base_path: str, model: str, key: str | None, noise: random.Random) -> None:
        self._pool = pool
        self._base = base_path.rstrip("/").encode()
        self._key = key
        self._noise = noise
        self._words_per_token = 1.0
        self.model = model

    async def learn(self) -> int:
        """Find the model, if none was named, and how its words become tokens; its context (tokens)."""
        listed = await self._json(b"GET", b"/v1/models", None)
        models = [each for each in listed.get("data", ()) if isinstance(each, dict)]
        chosen = next((each for each in models if self.model in ("", each.get("id"))), None)
        if chosen is None:
            names = ", ".join(str(each.get("id")) for each in models) or "none"
            raise CannotMeasure(f"the engine serves no model {self.model!r}, but: {names}")
        self.model = str(chosen["id"])
        first = await self.measure(_PROBE_WORDS, 2)  # also warms it up
        self._words_per_token = _PROBE_WORDS / max(1, first.computed + first.cached)
        return int(chosen.get("max_model_len") or _LONGEST)

    async def others(self) -> tuple[float, float]:
        """(requests running or waiting, tokens generated since it started), as its metrics page says."""
        found = engines(await page(self._pool, self._base + b"/metrics")())
        return sum(each.running + each.waiting for each in found), sum(each.generated for each in found)

    async def measure(self, tokens: int, output: int) -> Sample:
        """One request with a prompt of about so many tokens."""
        words = max(1, int(tokens * self._words_per_token))
        body = {
            "model": self.model,
            "prompt": " ".join(self._words(words)),
            "max_tokens": output,
            "min_tokens": output,
            "ignore_eos": True,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        begun = time.perf_counter()
        first = last = 0.0
        usage: Mapping[str, Any] = {}
        timed: Mapping[str, Any] = {}
        async with await self._pool.exchange(self._outgoing(b"POST", b"/v1/completions", body)) as answer:
            pending = b""
            while data := await answer.read():
                now = time.perf_counter()
                *lines, pending = (pending + data).split(b"\n")
                for event in _events(lines):
                    usage = event.get("usage") or usage
                    timed = event.get("metrics") or timed
                    if event.get("choices"):
                        first, last = first or now, now
            if answer.status != 200:
                raise CannotMeasure(_refused(answer.status, pending))
        return _sample(usage, timed, (begun, first, last))

    def _words(self, count: int) -> Iterator[str]:
        for _ in range(count):
            yield "".join(self._noise.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(4))

    def _outgoing(self, method: bytes, path: bytes, body: Any) -> Outgoing:
        headers = [(b"accept", b"*/*"), (b"content-type", b"application/json")]
        if self._key:
            headers.append((b"authorization", f"Bearer {self._key}".encode()))
        data = b"" if body is None else orjson.dumps(body)
        return Outgoing(method, self._base + path, tuple(headers), data)

    async def _json(self, method: bytes, path: bytes, body: Any) -> dict[str, Any]:
        async with await self._pool.exchange(self._outgoing(method, path, body)) as answer:
            data = b""
            while piece := await answer.read():
                data += piece
            if answer.status != 200:
                raise CannotMeasure(_refused(answer.status, data))
        try:
            found = orjson.loads(data)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise CannotMeasure(
                f"{path.decode()} is not answered as vLLM does: is this the engine's address?"
            )
        return found


async def measured(engine: Engine, what: Plan, done: Callable[[int], None]) -> list[Sample]:
    """Every sample of a plan, one after another; `done` hears how many there are."""
    samples = []
    for tokens in what.prompts:
        samples.append(await engine.measure(tokens, what.output))
        done(len(samples))
    return samples


def _events(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        if not line.startswith(b"data:") or line[5:].strip() == b"[DONE]":
            continue
        event = orjson.loads(line[5:])
        if isinstance(event, dict):
            yield event


def _sample(usage: Mapping[str, Any], timed: Mapping[str, Any], clock: tuple[float, float, float]) -> Sample:
    """By the engine's own times, where it gives them (`--enable-per-request-metrics`), else by this clock."""
    begun, first, last = clock
    if not usage or not first:
        raise CannotMeasure("the engine's answer brought no tokens or no usage")
    details = usage.get("prompt_tokens_details") or {}
    cached = int(details.get("cached_tokens") or 0)
    prompt, output = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    to_first, rest = timed.get("time_to_first_token_ms"), timed.get("generation_time_ms")
    if isinstance(to_first, int | float) and isinstance(rest, int | float):
        return Sample(prompt - cached, cached, output, to_first / 1000, rest / 1000)
    return Sample(prompt - cached, cached, output, first - begun, last - first)


def _refused(status: int, body: bytes) -> str:
    hint = " (name its key's variable with --api-key-env)" if status in (401, 403) else ""
    return f"the engine answered {status}{hint}: {body[:200].decode(errors='replace').strip()}"
