"""Whatever a client puts wherever, nothing but a complaint comes of it: what is not shaped as its dialect says is
refused here or left to the provider, and never a fault of Weir's."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Dialect
from adapters.declared import declared
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.visible import visible
from adapters.vllm import VLLM

ODD: Final[tuple[Any, ...]] = (None, True, 5, "", "x", [], {}, [5], [[]], [{}], {"type": []}, {"id": 5})
BACKENDS: Final = (OpenAI(), VLLM(), VLLM(keeps_responses=True), Anthropic(base_path="", api_key="k"))
Path = tuple[str | int, ...]

_FUNCTION: Final = {"name": "f", "parameters": {"type": "object"}}
BODIES: Final[Mapping[Dialect, dict[str, Any]]] = {
    "chat": {
        "model": "m",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "hi"},
                {"type": "image_url", "image_url": {"url": "http://a/b"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "input_audio", "input_audio": {"data": "a", "format": "wav"}},
            ]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ], "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]},
            {"role": "tool", "tool_call_id": "a", "content": "r"},
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "x"},
        ],
        "tools": [{"type": "function", "function": _FUNCTION}],
        "functions": [_FUNCTION],
        "function_call": {"name": "f"},
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
        "stop": ["a"],
        "stream_options": {"include_usage": True},
        "metadata": {"workflow": "w"},
    },
    "messages": {
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "hi"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aa"}},
                {"type": "document", "source": {"type": "text", "data": "t"}, "citations": {"enabled": True}},
                {"type": "search_result", "title": "t", "content": [{"type": "text", "text": "z"}]},
            ]},
            {"role": "assistant", "content": [
                {"type": "compaction", "content": "sum"},
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                {"type": "server_tool_use", "id": "b", "name": "tool_search_tool_regex", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [
                    {"type": "tool_reference", "tool_name": "f"},
                ]},
                {"type": "tool_addition", "tool": {"definition": {"name": "n", "input_schema": {}}}},
                {"type": "tool_removal", "tool": {"name": "n"}},
            ]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
        "metadata": {"user_id": "u"},
    },
    "responses": {
        "model": "m",
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "hi"},
                {"type": "input_image", "image_url": "http://a/b"},
                {"type": "input_file", "file_id": "f"},
            ]},
            {"type": "reasoning", "encrypted_content": "weir.open",
             "summary": [{"type": "summary_text", "text": "t"}], "content": [{"type": "reasoning_text"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "q"}]},
            {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "x"},
            {"type": "additional_tools", "tools": [{"type": "function", **_FUNCTION}]},
            {"type": "tool_search_output", "tools": [{"type": "custom", "name": "y"}]},
        ],
        "tools": [{"type": "function", **_FUNCTION}, {"type": "custom", "name": "g", "format": {"type": "text"}},
                  {"type": "tool_search", "execution": "client"}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        "text": {"format": {"type": "json_schema", "name": "a", "schema": {}}},
        "reasoning": {"effort": "low"},
        "include": ["x"],
        "prompt": {"id": "p", "variables": {"a": "b"}},
        "metadata": {"workflow": "w"},
    },
}  # fmt: skip
LEFT_OUT: Final[tuple[frozenset[str], ...]] = (  # one member would hide what becomes of another
    frozenset(),
    frozenset({"tools", "tool_choice"}),
    frozenset({"functions", "function_call", "prompt"}),
)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


def with_odd(body: Any, path: Path, odd: Any) -> Any:
    changed = copy.deepcopy(body)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = odd
    return changed


def take(dialect: Dialect, body: dict[str, Any]) -> None:
    """All that is done with a request before it is sent."""
    ingress = INGRESS[dialect]
    document = parse(json.dumps(body).encode())
    call = ingress.read(document, ())
    values = document.values
    ingress.needs(values)
    ingress.modality(values)
    ingress.max_output_tokens(values)
    ingress.references(values)
    visible(values, dialect, ())
    declared(call)
    for backend in BACKENDS:
        try:
            backend.outgoing(call, "upstream")
        except Unsupported:
            continue


@pytest.mark.parametrize("left_out", LEFT_OUT, ids=lambda names: "-".join(sorted(names)) or "nothing")
@pytest.mark.parametrize("dialect", BODIES)
def test_nothing_but_a_complaint_comes_of_it(dialect: Dialect, left_out: frozenset[str]) -> None:
    body = {key: value for key, value in BODIES[dialect].items() if key not in left_out}
    tried = 0
    for path in places(body):
        for odd in ODD:
            changed = with_odd(body, path, odd)
            try:
                take(dialect, changed)
            except InvalidRequest:
                continue
            except Exception as error:
                raise AssertionError(f"{path} set to {odd!r}") from error
            tried += 1
    assert tried > 500
