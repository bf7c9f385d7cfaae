"""A session as coding agents hold them, through Weir: many streamed turns with tools, cache breakpoints, thinking that
goes back as it came, token counts in between, and a session blob in `metadata.user_id`."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from reporting import NO_THOUGHT, Backend, Site, cannot, feature, needs_sense

_PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
_TOOLS: Any = [
    {"name": "read_file", "description": "Read a file of the project.", "input_schema": _PATH},
    {"name": "list_folder", "description": "List a folder of the project.", "input_schema": _PATH},
    {
        "name": "run_command",
        "description": "Run a shell command.",
        "input_schema": {
            "type": "object",
            "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
            "required": ["command"],
        },
        "cache_control": {"type": "ephemeral"},
    },
]
_STEPS = (
    "Read the file README.md and list the folder src.",
    "Run the command make test.",
    "Read the file Makefile.",
    "Now list the folder tests, and run the command ls.",
)


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[anthropic.Anthropic]:
    headers = {"anthropic-beta": "interleaved-thinking-2025-05-14", "x-app": "cli"}
    with anthropic.Anthropic(
        base_url=site.url, auth_token=site.key, api_key=None, max_retries=0, default_headers=headers
    ) as made:
        yield made


def _asked(backend: Backend, messages: list[Any], *, thinks: bool) -> dict[str, Any]:
    words = "You are an agent that works on a code base. Keep to its style. "
    long = words * (120 if backend.sensible else 1)
    asked: dict[str, Any] = {
        "model": backend.model,
        "system": [
            {"type": "text", "text": "You are a coding agent."},
            {"type": "text", "text": long, "cache_control": {"type": "ephemeral"}},
        ],
        "tools": _TOOLS,
        "messages": messages,
        "max_tokens": 4096 if backend.sensible else 40,
        "metadata": {"user_id": json.dumps({"device": "d" * 64, "session": "0b9e2a54"})},
    }
    if thinks:
        asked["thinking"] = {"type": "enabled", "budget_tokens": 2048}
    return asked


def _marked(messages: list[Any]) -> list[Any]:
    """The last turn carries the cache breakpoint, as agents move it along."""
    *before, last = messages
    content = (
        [{"type": "text", "text": last["content"]}] if isinstance(last["content"], str) else last["content"]
    )
    content = [*content[:-1], {**content[-1], "cache_control": {"type": "ephemeral"}}]
    return [*before, {**last, "content": content}]


def _session(client: anthropic.Anthropic, backend: Backend, *, thinks: bool) -> tuple[list[Any], list[Any]]:
    """The conversation, and each answer's message."""
    messages: list[Any] = []
    answers: list[Any] = []
    for step in _STEPS if backend.sensible else _STEPS[:1]:
        messages.append({"role": "user", "content": step})
        for _ in range(3):
            with client.messages.stream(**_asked(backend, _marked(messages), thinks=thinks)) as stream:
                message = stream.get_final_message()
            answers.append(message)
            messages.append(
                {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in message.content]}
            )
            calls = [block for block in message.content if block.type == "tool_use"]
            if not calls:
                break
            messages.append({"role": "user", "content": [_result(call) for call in calls]})
    return messages, answers


def _result(call: Any) -> dict[str, Any]:
    text = [{"type": "text", "text": f"the output of {call.name}"}]
    return {
        "type": "tool_result",
        "tool_use_id": call.id,
        "content": text,
        "is_error": call.name == "run_command",
    }


@feature("session")
def test_a_session(client: anthropic.Anthropic, backend: Backend) -> None:
    messages, answers = _session(client, backend, thinks=False)
    assert all(answer.content for answer in answers)
    needs_sense(backend)
    called = [b.name for answer in answers for b in answer.content if b.type == "tool_use"]
    assert called == ["read_file", "list_folder", "run_command", "read_file", "list_folder", "run_command"]
    assert len(messages) == 16
    assert answers[0].stop_reason == "tool_use"
    assert answers[-1].stop_reason == "end_turn"


@feature("session with thinking")
def test_a_session_that_thinks(client: anthropic.Anthropic, backend: Backend) -> None:
    if not backend.thinker:
        with pytest.raises(anthropic.BadRequestError, match="reasoning"):
            _session(client, backend, thinks=True)
        cannot(NO_THOUGHT)
    _, answers = _session(client, backend, thinks=True)
    if "Anthropic" not in backend.name:
        assert all(answer.content for answer in answers)
        cannot("OpenAI shows no thoughts; asking for them does no harm")
    assert all(answer.content[0].type == "thinking" for answer in answers)
    assert len(answers) == 8


@feature("prompt caching")
def test_the_prefix_stays_cached(client: anthropic.Anthropic, backend: Backend) -> None:
    _, answers = _session(client, backend, thinks=False)
    needs_sense(backend)
    assert all((answer.usage.cache_read_input_tokens or 0) > 0 for answer in answers[1:])


@feature("token count")
def test_counts_between_turns(client: anthropic.Anthropic, backend: Backend) -> None:
    asked = _asked(backend, [{"role": "user", "content": _STEPS[0]}], thinks=False)
    for key in ("max_tokens", "metadata"):
        del asked[key]
    if "messages" not in backend.native:
        with pytest.raises((anthropic.BadRequestError, anthropic.NotFoundError)):
            client.messages.count_tokens(**asked)
        cannot("Weir has no way to ask this provider for a count beforehand: an error that says so")
    short = client.messages.count_tokens(**asked).input_tokens
    asked["messages"] = [{"role": "user", "content": _STEPS[0] * 3}]
    assert client.messages.count_tokens(**asked).input_tokens > short > 0


@feature("thoughts of another model")
def test_a_change_of_model(site: Site, client: anthropic.Anthropic, backend: Backend) -> None:
    """A session begun on Claude goes on elsewhere, its signed thoughts in it."""
    needs_sense(backend)
    claude = next(each for each in site.backends if "Anthropic" in each.name)
    messages, _ = _session(client, claude, thinks=True)
    asked = _asked(backend, [*messages, {"role": "user", "content": "Say hello."}], thinks=False)
    assert client.messages.create(**(asked | {"max_tokens": 100})).content
