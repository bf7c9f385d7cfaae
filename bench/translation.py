"""What a streamed event costs on its way through, in each pair of dialects: CPU microseconds on one core.

    python -m bench.translation [--rounds 7]

Each pair is given a stream of its provider's making, one event a read, as a model that decodes at its own pace sends
them: the worst case, since events that arrive together are read together. Rounds repeat the whole stream; the least
counts, for other work on the machine only ever adds.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call, Dialect
from adapters.deviations import Deviations
from adapters.document import parse
from adapters.openai import OpenAI

BAR_US: Final = 60.0  # of a translated event
_DELTAS: Final = 2000
_ARGUMENTS: Final = 500
_ASKED: Final = parse(b'{"model":"m","messages":[],"input":"x","stream":true}')

Stream = list[bytes]


def chat_stream() -> Stream:
    """A text and a tool call, as OpenAI streams them."""
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": " word"}] * _DELTAS + [{"tool_calls": [call]}]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}] * _ARGUMENTS
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    chunks = [{"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice]} for choice in choices]
    return [b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n" for chunk in chunks]


def messages_stream() -> Stream:
    """The same as Anthropic streams it."""
    text = {"type": "text_delta", "text": " word"}
    arguments = {"type": "input_json_delta", "partial_json": '{"a":'}
    used = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *([{"type": "content_block_delta", "index": 0, "delta": text}] * _DELTAS),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": used},
        *([{"type": "content_block_delta", "index": 1, "delta": arguments}] * _ARGUMENTS),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def responses_stream() -> Stream:
    """A text as OpenAI streams responses."""
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}
    ]
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": " word"}
    events += [{**delta, "sequence_number": number} for number in range(1, _DELTAS)]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


_CHAT_ONLY: Final = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
PAIRS: Final[tuple[tuple[Dialect, str, Backend, Callable[[], Stream]], ...]] = (
    ("chat", "chat", OpenAI(), chat_stream),
    ("chat", "messages", Anthropic(), messages_stream),
    ("messages", "chat", OpenAI(), chat_stream),
    ("messages", "messages", Anthropic(), messages_stream),
    ("responses", "chat", _CHAT_ONLY, chat_stream),
    ("responses", "messages", Anthropic(), messages_stream),
    ("responses", "responses", OpenAI(), responses_stream),
)


def microseconds(client: Dialect, backend: Backend, stream: Stream, rounds: int) -> float:
    """The least CPU time of an event over some rounds."""
    return min(_rounds(client, backend, stream, rounds)) / len(stream) * 1e6


def _rounds(client: Dialect, backend: Backend, stream: Stream, rounds: int) -> Iterator[float]:
    for _ in range(rounds):
        relay = backend.relay(Call(client, _ASKED, stream=True, wants_usage=True), "m", ())
        begun = time.process_time()
        for event in stream:
            relay.feed(event)
        yield time.process_time() - begun


def main() -> None:
    """Measure every pair, print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rounds", type=int, default=7, help="how often each stream is relayed")
    rounds = arguments.parse_args().rounds
    table = Table("client", "provider", "µs of CPU an event", f"bar ≤ {BAR_US:g}")
    for client, provider, backend, stream in PAIRS:
        cost = microseconds(client, backend, stream(), rounds)
        table.add_row(client, provider, f"{cost:.1f}", "yes" if cost <= BAR_US else "NO")
    Console().print(table)


if __name__ == "__main__":
    main()
