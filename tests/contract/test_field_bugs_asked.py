"""Bugs that other gateways shipped between OpenAI's dialect and Anthropic's, one test each: in what is asked
(FIELD.md, 4 to 7 and 11)."""

import json

import pytest

from adapters.call import Call
from adapters.errors import Unsupported
from tests.contract.between import (
    ADAPTIVE,
    BUDGETED,
    CLAUDE,
    THOUGHTLESS,
    USER,
    added,
    chat_call,
    chunks_of,
    claude_answer,
    closed,
    events,
    opened,
    stopping,
    to_claude,
    to_openai,
)


@pytest.mark.parametrize("kind", ["custom", "web_search_preview", "mcp", None])
def test_bug_4_unknown_tool_types_are_an_error(kind: str | None) -> None:
    good = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(Unsupported) as refused:
        to_claude(tools=[good, {"type": kind, "custom": {"name": "g"}}])
    assert refused.value.field == "tools[1].type"
    with pytest.raises(Unsupported) as refused:
        to_openai(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert refused.value.field == "tools[0].type"


class TestBug5Thinking:
    """Thinking blocks turned into text, signatures dropped, foreign thinking sent to who did not think it."""

    SIGNED = {"type": "thinking", "thinking": "hm", "signature": "sig=="}  # noqa: RUF012  # never changed

    def test_thinking_is_no_text_and_keeps_its_signature(self) -> None:
        blocks = [self.SIGNED, {"type": "redacted_thinking", "data": "xx"}, {"type": "text", "text": "4"}]
        message = claude_answer({"content": blocks, "stop_reason": "end_turn"})["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == ("4", "hm")
        assert message["thinking_blocks"] == blocks[:2]

    def test_streamed_thinking_too(self) -> None:
        stream = events(
            opened(0, type="thinking", thinking="", signature=""), added(0, "thinking_delta", thinking="h"),
            added(0, "thinking_delta", thinking="m"), added(0, "signature_delta", signature="sig=="), closed(0),
            *stopping("end_turn"),
        )  # fmt: skip
        deltas = [c["choices"][0]["delta"] for c in chunks_of(stream)[0] if c["choices"]]
        assert [d["reasoning_content"] for d in deltas if "reasoning_content" in d] == ["h", "m"]
        assert [d["thinking_blocks"] for d in deltas if "thinking_blocks" in d] == [
            [{"index": 0, **self.SIGNED}]
        ]

    def test_signed_thinking_returns_to_its_provider_before_the_call_it_led_to(self) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        turns = [
            USER,
            {"role": "assistant", "reasoning_content": "hm", "thinking_blocks": [self.SIGNED], "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
        ]  # fmt: skip
        body = to_claude(messages=turns, reasoning_effort="low")
        assert body["messages"][1]["content"][0] == self.SIGNED
        assert body["thinking"]["type"] == "enabled"

    def test_foreign_thinking_is_dropped_on_a_switch(self) -> None:
        turns = [USER, {"role": "assistant", "content": "4", "reasoning_content": "hm"}, USER]
        assert to_claude(messages=turns)["messages"][1]["content"] == [{"type": "text", "text": "4"}]
        said = {"role": "assistant", "content": [self.SIGNED, {"type": "text", "text": "4"}]}
        assert to_openai(messages=[USER, said, USER])["messages"][1] == {
            "role": "assistant",
            "content": "4",
        }

    def test_a_tool_loop_whose_thinking_is_lost_goes_on_without(self) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        turns = [
            USER,
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
        ]
        assert "thinking" not in to_claude(messages=turns, reasoning_effort="high")


class TestBug6Effort:
    """`reasoning_effort` against a thinking budget or adaptive thinking, per model."""

    def test_newest_models_take_an_effort(self) -> None:
        body = to_claude(ADAPTIVE, reasoning_effort="xhigh")
        assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "xhigh"})
        assert to_claude("claude-opus-4-6", reasoning_effort="xhigh")["output_config"] == {"effort": "max"}

    @pytest.mark.parametrize("limit", [None, 1400, 2000, 8000, 64000])
    @pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh"])
    def test_the_budget_is_below_the_limit(self, effort: str, limit: int | None) -> None:
        body = to_claude(reasoning_effort=effort, **({"max_completion_tokens": limit} if limit else {}))
        assert 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"]
        assert limit is None or body["max_tokens"] == limit

    def test_no_thinking_where_there_is_no_room_or_a_forced_tool(self) -> None:
        assert "thinking" not in to_claude(reasoning_effort="high", max_tokens=1024)
        tools = [{"type": "function", "function": {"name": "f"}}]
        assert "thinking" not in to_claude(reasoning_effort="high", tools=tools, tool_choice="required")

    def test_what_cannot_be_is_refused(self) -> None:
        for field, body, model in (
            ("reasoning_effort", {}, THOUGHTLESS),
            ("temperature", {"temperature": 0.2}, BUDGETED),
            ("top_p", {"top_p": 0.5}, BUDGETED),
        ):
            with pytest.raises(Unsupported) as refused:
                to_claude(model, reasoning_effort="low", **body)
            assert refused.value.field == field

    def test_a_budget_becomes_an_effort(self) -> None:
        for budget, effort in ((1024, "low"), (10000, "medium"), (30000, "high")):
            body = to_openai(thinking={"type": "enabled", "budget_tokens": budget}, max_tokens=50000)
            assert body["reasoning_effort"] == effort


def test_bug_7_cache_breakpoints_are_kept_for_those_who_know_them() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    turns = [{"role": "user", "content": [{"type": "text", "text": "long", "cache_control": mark}]}]
    system = {"role": "system", "content": "be kind", "cache_control": mark}
    body = to_claude(messages=[system, *turns])
    assert body["system"] == [{"type": "text", "text": "be kind", "cache_control": mark}]
    assert body["messages"][0]["content"][0]["cache_control"] == mark
    assert "cache_control" not in json.dumps(to_openai(system=body["system"], messages=turns))


class TestBug11Shapes:
    """What the other side demands or does not know."""

    def test_max_tokens_is_always_there(self) -> None:
        assert to_claude()["max_tokens"] > 0
        assert to_claude(max_completion_tokens=5, max_tokens=9)["max_tokens"] == 5

    def test_system_as_string_blocks_several_and_midway(self) -> None:
        turns = [
            {"role": "system", "content": "a"},
            USER,
            {"role": "developer", "content": [{"type": "text", "text": "b"}]},
            USER,
        ]
        body = to_claude(messages=turns)
        assert [block["text"] for block in body["system"]] == ["a", "b"]
        assert [message["role"] for message in body["messages"]] == ["user"]
        assert len(body["messages"][0]["content"]) == 2
        for system in ("a", [{"type": "text", "text": "a"}]):
            assert to_openai(system=system)["messages"][0] == {"role": "system", "content": "a"}

    def test_a_conversation_of_system_alone(self) -> None:
        body = to_claude(messages=[{"role": "system", "content": "a"}, {"role": "system", "content": "b"}])
        assert body["system"] == [{"type": "text", "text": "a"}]
        assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "b"}]}]

    @pytest.mark.parametrize(("url", "source"), [
        ("https://x.test/a.png", {"type": "url", "url": "https://x.test/a.png"}),
        ("data:image/png;base64,AAAA", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
    ])  # fmt: skip
    def test_images_there_and_back(self, url: str, source: dict[str, str]) -> None:
        part = {"type": "image_url", "image_url": {"url": url}}
        turn = to_claude(messages=[{"role": "user", "content": [part]}])["messages"][0]
        assert turn["content"] == [{"type": "image", "source": source}]
        assert to_openai(messages=[turn])["messages"][0]["content"] == [part]

    def test_documents_there_and_back(self) -> None:
        part = {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        }
        turn = to_claude(messages=[{"role": "user", "content": [part]}])["messages"][0]
        source = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
        assert turn["content"] == [{"type": "document", "source": source, "title": "a.pdf"}]
        assert to_openai(messages=[turn])["messages"][0]["content"] == [part]

    def test_files_by_reference_only_where_they_are_kept(self) -> None:
        def ask(file_id: str) -> Call:
            return chat_call(
                messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": file_id}}]}]
            )

        outgoing = CLAUDE.outgoing(ask("file_011"), BUDGETED)
        assert (b"anthropic-beta", b"files-api-2025-04-14") in outgoing.headers
        with pytest.raises(Unsupported):
            CLAUDE.outgoing(ask("file-openai"), BUDGETED)

    def test_images_in_a_tools_result_follow_it(self) -> None:
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
        result = {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [{"type": "text", "text": "see"}, image],
        }
        turns = to_openai(messages=[{"role": "user", "content": [{"type": "text", "text": "so?"}, result]}])[
            "messages"
        ]
        assert turns[0] == {"role": "tool", "tool_call_id": "a", "content": "see"}
        assert [part["type"] for part in turns[1]["content"]] == ["text", "image_url"]
