"""Responses streams as Weir writes them: every kind of item, whole and in pieces, and what they say at the end."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import (
    Answer,
    Argued,
    Aside,
    Begun,
    Called,
    Ended,
    Event,
    Finish,
    Kept,
    Said,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    Whole,
)
from adapters.dialects.responses.answer import echo
from adapters.dialects.responses.events import StreamWriter, write_answer
from adapters.dialects.translation import events_of
from tests.contract import responses_oracle as oracle

_USAGE = TokenUsage(input=3, cache_read=2, cache_write=1, output=5, reasoning=4, source="reported")
_NO_TOOLS: frozenset[str] = frozenset()


def _writer(*custom: str, **asked: Any) -> StreamWriter:
    return StreamWriter(echo(asked), 17, frozenset(custom))


def _told(*events: Event, finish: Finish = "stop", custom: tuple[str, ...] = ()) -> dict[str, Any]:
    """The response at the end of a stream of these events, which the oracle has checked."""
    begun, ended = Begun("msg_1", "claude"), Ended(finish, None, _USAGE)
    return oracle.assembled(_writer(*custom).write([begun, *events, ended]))


def test_the_order_of_events() -> None:
    out = _writer().write(
        [Begun("1", "m"), Said("text", "Hel"), Said("text", "lo"), Ended("stop", None, _USAGE)]
    )
    assert [event["type"].removeprefix("response.") for event in oracle.events_of(out)] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_what_the_response_repeats_of_its_request() -> None:
    writer = _writer(
        instructions="Be brief.", temperature=0.5, tool_choice="required", metadata={"workflow": "w", "a": "b"},
        tools=[{"type": "function", "name": "f"}], text={"verbosity": "low"}, reasoning={"effort": "low"},
    )  # fmt: skip
    writer.write([Begun("1", "m"), Ended("stop", None, _USAGE)])
    response = writer.response
    assert (response["id"], response["object"], response["created_at"]) == ("resp_1", "response", 17)
    assert (response["instructions"], response["temperature"]) == ("Be brief.", 0.5)
    assert response["metadata"] == {"a": "b"}
    assert response["tools"] == [{"type": "function", "name": "f", "parameters": None, "strict": None}]
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert response["reasoning"] == {"effort": "low", "summary": None}
    assert (response["store"], response["previous_response_id"]) == (False, None)


def test_usage_with_its_classes() -> None:
    assert _told(Said("text", "x"))["usage"] == {
        "input_tokens": 6,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 15,
    }
    assert write_answer(Answer("1", "m", (), "stop"), {}, 0, _NO_TOOLS)["usage"] is None


def test_a_refusal_is_a_part_of_its_own() -> None:
    response = _told(Said("refusal", "I can"), Said("refusal", "not."), finish="content_filter")
    assert oracle.refused(response) == "I cannot."
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": "content_filter"},
    )


def test_thoughts_that_are_open_signed_and_redacted() -> None:
    response = _told(
        Said("thinking", "One."), Whole(Thinking("One.", "c2ln")),
        Whole(Thinking("", redacted="c2VhbA")), Whole(Thinking("", "bm90ZXh0")),
        Said("thinking", "Two."), Said("text", "Hi."),
    )  # fmt: skip
    thoughts = response["output"][:4]
    assert [[part["text"] for part in item["summary"]] for item in thoughts] == [["One."], [], [], ["Two."]]
    assert [item["encrypted_content"] for item in thoughts] == [
        "weir.signed:c2ln",
        "weir.redacted:c2VhbA",
        "weir.signed:bm90ZXh0",
        "weir.open",
    ]


def test_citations_point_at_their_words() -> None:
    web = {"type": "web_search_result_location", "url": "https://x", "title": "X", "cited_text": "b"}
    page = {"type": "page_location", "document_title": "Doc", "file_id": "file_1", "start_page_number": 2}
    response = _told(Said("text", "ab"), Said("text", "cd"), Whole(Text("cd", citations=(web, page))))
    first, second = oracle.annotations(response)
    assert first == {
        "type": "url_citation",
        "url": "https://x",
        "title": "X",
        "start_index": 2,
        "end_index": 4,
    }
    assert (second["type"], second["filename"], second["file_id"], second["index"]) == (
        "file_citation",
        "Doc",
        "file_1",
        4,
    )
    assert second["citation"] == page


def test_what_has_no_item_travels_beside_them() -> None:
    block = {"type": "server_tool_use", "id": "s"}
    assert _told(Said("text", "x"), Whole(Aside(block)))["provider_blocks"] == [block]


def test_a_keep_alive_is_a_comment() -> None:
    assert _writer().write([Kept()]) == b": keep-alive\n\n"


@pytest.mark.parametrize(
    ("events", "statuses"),
    [
        ((Said("text", "half"),), ["incomplete"]),
        ((Said("text", "all"), Called(0, "c", "f"), Argued(0, '{"a":')), ["completed", "incomplete"]),
        (
            (Called(0, "c", "f"), Argued(0, "{}"), Called(1, "d", "f"), Argued(1, "{")),
            ["completed", "incomplete"],
        ),
        ((Called(0, "c", "f"), Argued(0, "{}"), Said("text", "half")), ["completed", "incomplete"]),
    ],
)
def test_a_limit_leaves_the_last_item_incomplete(events: tuple[Event, ...], statuses: list[str]) -> None:
    response = _told(*events, finish="length")
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )
    assert [item["status"] for item in response["output"]] == statuses


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"SELECT \\"1\\""}', 'SELECT "1"'),
        ("", ""),
        ('{"input":"SEL', '{"input":"SEL'),
        ('{"q":1}', '{"q":1}'),
    ],
)
def test_the_input_of_a_custom_tool(arguments: str, text: str) -> None:
    called = (Called(0, "c", "sql"), *([Argued(0, arguments)] if arguments else []))
    (item,) = _told(*called, finish="tool_calls", custom=("sql",))["output"]
    assert (item["type"], item["call_id"], item["name"], item["input"]) == (
        "custom_tool_call",
        "c",
        "sql",
        text,
    )


@pytest.mark.parametrize("id_", ["", "chatcmpl-" + "x" * 90, "msg_01/ü", "resp_1"])
def test_ids_are_such_as_openai_takes(id_: str) -> None:
    writer = _writer()
    writer.write(
        [
            Begun(id_, "m"),
            Said("thinking", "x"),
            Said("text", "y"),
            Called(0, "c", "f"),
            Ended("stop", None, _USAGE),
        ]
    )
    ids = [item["id"] for item in writer.response["output"]]
    assert len(set(ids)) == 3
    assert [id_.split("_")[0] for id_ in ids] == ["rs", "msg", "fc"]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id_) for id_ in ids)
    assert writer.response["id"].startswith("resp_")


def test_a_failure_is_told_both_ways() -> None:
    event = json.loads(_writer().failure("It broke.").split(b"data: ")[1])
    assert (event["type"], event["message"], event["error"]["message"]) == ("error", "It broke.", "It broke.")


_TEXTS = st.text(min_size=1, max_size=6)
_PARTS = st.one_of(
    st.builds(Text, _TEXTS),
    st.builds(Thinking, _TEXTS, st.sampled_from(["", "c2ln"])),
    st.builds(lambda data: Thinking("", redacted=data), _TEXTS),
    st.builds(
        ToolCall, st.uuids().map(str), st.sampled_from(["f", "sql"]), st.sampled_from(["{}", '{"input":"x"}'])
    ),
)


@given(
    parts=st.lists(_PARTS, max_size=8),
    finish=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    refusal=st.none() | _TEXTS,
)
def test_a_stream_ends_with_what_the_whole_answer_is(
    parts: list[Any], finish: Finish, refusal: str | None
) -> None:
    answer = Answer("a", "m", tuple(parts), finish, refusal=refusal, usage=_USAGE)
    streamed = oracle.assembled(_writer("sql").write(list(events_of(answer))))
    assert streamed == json.loads(json.dumps(write_answer(answer, echo({}), 17, frozenset({"sql"}))))
    assert oracle.said(streamed) == "".join(part.text for part in parts if isinstance(part, Text))
    calls = [item["call_id"] for item in streamed["output"] if item["type"].endswith("_call")]
    assert calls == [part.id for part in parts if isinstance(part, ToolCall)]
