"""What the model would see: nothing is missed because a field is unknown, and what cannot be read is named."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.visible import visible

PLAIN = base64.b64encode(b"phone: 206-555-0185").decode()


def texts(values, dialect="chat"):
    return [text for _, text in visible(values, dialect).texts]


def user(*content, **rest):
    return {"model": "auto", "messages": [{"role": "user", "content": list(content)}], **rest}


def test_a_plain_chat():
    seen = visible(
        {
            "model": "auto",
            "temperature": 0.2,
            "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}],
        },
        "chat",
    )
    assert seen.texts == seen.turns == (("system", "be kind"), ("user", "hello"))
    assert (seen.opaque, seen.tools, seen.schema) == ((), 0, False)


def test_calls_results_names_and_unknown_fields():
    body = {
        "model": "auto",
        "messages": [
            {"role": "user", "content": "look", "name": "anna"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": "x"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "not found", "note": {"deep": [["down"]]}},
        ],
        "user": "somebody",
        "metadata": {"contact": "a@b.example", "ssn": 436784374, "small": 3},
        "novelty": {"any": {"thing": "else"}},
    }
    seen = texts(body)
    for text in (
        "anna",
        "find",
        '{"q": "x"}',
        "not found",
        "down",
        "somebody",
        "contact",
        "a@b.example",
        "436784374",
        "else",
    ):
        assert text in seen
    assert "auto" not in seen


def test_tools_are_counted_and_read():
    tool = {
        "type": "function",
        "function": {
            "name": "send",
            "description": "Send to 303-555-0198",
            "parameters": {"type": "object", "properties": {"to": {"type": "string", "default": "anna"}}},
        },
    }
    seen = visible(user({"type": "text", "text": "hi"}, tools=[tool, tool]), "chat")
    assert seen.tools == 2
    assert {"Send to 303-555-0198", "anna", "send", "to"} <= {text for _, text in seen.texts}


@pytest.mark.parametrize(
    ("part", "opaque"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}, "image"),
        ({"type": "image_url", "image_url": {"url": "https://img.example.com/x?u=anna"}}, "remote_url"),
        ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, "audio"),
        ({"type": "file", "file": {"file_id": "file-abc"}}, "file_id"),
        (
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
            },
            "file",
        ),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}, "image"),
        ({"type": "image", "source": {"type": "url", "url": "https://x.example/y.png"}}, "remote_url"),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            },
            "file",
        ),
        ({"type": "input_image", "image_url": "data:image/jpeg;base64,/9j/4AAQ"}, "image"),
        ({"type": "input_file", "file_id": "file-1"}, "file_id"),
    ],
)
def test_what_cannot_be_read_is_named(part, opaque):
    seen = visible(user({"type": "text", "text": "look"}, part), "chat")
    assert seen.opaque == (opaque,)
    assert not any("iVBOR" in text or "UklGRg" in text for _, text in seen.texts)


def test_the_name_of_a_file_and_the_address_of_a_picture_are_read():
    body = user(
        {
            "type": "file",
            "file": {"filename": "605-34-7282.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        },
        {"type": "image_url", "image_url": {"url": "https://img.example.com/x?u=anna"}},
    )
    assert "605-34-7282.pdf" in texts(body)
    assert "https://img.example.com/x?u=anna" in texts(body)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain;base64,{PLAIN}"}},
        {
            "type": "file",
            "file": {"filename": "a.txt", "file_data": f"data:text/plain;charset=utf-8;base64,{PLAIN}"},
        },
        {"type": "file", "file": {"filename": "a.csv", "file_data": PLAIN}},  # no word of what it is
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": PLAIN}},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "phone: 206-555-0185"},
        },
        {"type": "text", "text": "data:text/plain,phone:%20206-555-0185"},
    ],
)
def test_text_in_files_is_decoded(part):
    seen = visible(user(part), "chat")
    assert "phone: 206-555-0185" in [text for _, text in seen.texts]
    assert seen.opaque == ()


@pytest.mark.parametrize(
    ("dialect", "body", "opaque"),
    [
        ("completions", {"prompt": [1, 2, 3]}, ("token_ids",)),
        ("completions", {"prompt": [[1, 2], [3]]}, ("token_ids",)),
        ("embeddings", {"input": [5, 6]}, ("token_ids",)),
        ("responses", {"input": "hi", "previous_response_id": "resp_1"}, ("response_id",)),
        ("responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}, ("response_id",)),
    ],
)
def test_references_and_token_ids(dialect, body, opaque):
    assert visible(body, dialect).opaque == opaque


def test_the_other_dialects_have_turns():
    messages = {
        "system": [{"type": "text", "text": "be kind"}],
        "messages": [{"role": "user", "content": "hi"}],
    }
    responses = {
        "instructions": "be kind",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call_output", "call_id": "c", "output": "none"},
        ],
    }
    assert ("user", "hi") in visible(messages, "messages").turns
    assert "be kind" in texts(messages, "messages")
    assert visible(responses, "responses").turns == (("system", "be kind"), ("user", "hi"), ("tool", "none"))
    assert visible({"prompt": ["one", "two"]}, "completions").turns == (("user", "one"), ("user", "two"))
    assert visible({"input": "one"}, "embeddings").turns == (("user", "one"),)


@pytest.mark.parametrize(
    ("field", "declared"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, True),
        ({"response_format": {"type": "text"}}, False),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, True),
        ({"text": {"format": {"type": "text"}}}, False),
        ({"guided_json": {"type": "object"}}, True),
    ],
)
def test_a_declared_schema(field, declared):
    assert visible({"messages": [], **field}, "chat").schema is declared


def test_deep_nesting_is_no_recursion():
    deep = []
    for _ in range(50_000):
        deep = [deep]
    assert visible({"messages": [{"role": "user", "content": "hi"}], "extra": deep}, "chat").turns


def test_repr_shows_no_text():
    assert "secret" not in repr(visible(user({"type": "text", "text": "secret"}), "chat"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["messages", "input", "prompt", "tools", "system", "x"]), JSON, max_size=4
    )
)
def test_no_json_breaks_it(values):
    for dialect in ("chat", "messages", "responses", "completions", "embeddings"):
        visible(values, dialect)


@given(JSON)
def test_every_string_of_an_unknown_field_is_seen(value):
    seen = " ".join(texts({"messages": [], "unknown": value}))
    for text in json_strings(value):
        assert text in seen


def json_strings(value):
    """The plain strings of a value; what the wire itself says (`type`, `role`) is no text of anybody's."""
    found = []
    json.dumps(value)
    if isinstance(value, str) and not value.lower().startswith("data:"):
        found.append(value)
    elif isinstance(value, list):
        found += [text for item in value for text in json_strings(item)]
    elif isinstance(value, dict):
        found += [
            text for key, item in value.items() if key not in ("type", "role") for text in json_strings(item)
        ]
    return found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, None),
        (None, None),
        (3, None),
        (0.5, None),
        (536221846.0, "536221846"),
        (-536221846, "536221846"),
    ],
)
def test_a_field_nobody_knows_is_read_whatever_its_value(value, shown):
    seen = texts({**user(), "my SSN is 436-78-4374": value})
    assert "my SSN is 436-78-4374" in seen
    assert shown is None or shown in seen


def test_settings_that_any_request_has_are_no_text():
    body = {**user(), "stream": True, "temperature": 0.5, "max_tokens": 100, "seed": None, "top_p": 1}
    assert texts(body) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp500", "utf-7"])
def test_text_in_another_encoding_is_read_in_it(encoding):
    payload = base64.b64encode("phone: 206-555-0185".encode(encoding)).decode()
    url = f"data:text/plain;charset={encoding};base64,{payload}"
    seen = visible(user({"type": "file", "file": {"filename": "a.txt", "file_data": url}}), "chat")
    assert "206-555-0185" in " ".join(text for _, text in seen.texts)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("head", ["data:text/plain;base64,", ""])
def test_text_that_does_not_say_its_encoding_shows_it(encoding, head):
    payload = base64.b64encode("phone: 206-555-0185".encode(encoding)).decode()
    seen = visible(user({"type": "file", "file": {"filename": "a", "file_data": head + payload}}), "chat")
    assert "206-555-0185" in " ".join(text for _, text in seen.texts)
    assert seen.opaque == ()


@pytest.mark.parametrize("head", ["data:text/plain;charset=nobody-knows;base64,", "data:text/plain;base64,"])
def test_text_that_nobody_can_read_is_opaque(head):
    payload = base64.b64encode(b"\0\1\2\3" * 9).decode()
    seen = visible(user({"type": "file", "file": {"filename": "a", "file_data": head + payload}}), "chat")
    assert seen.opaque == ("file",)


@pytest.mark.parametrize(
    ("part", "opaque"),
    [
        ({"image_url": {"url": "https://x.example/y.png"}}, "remote_url"),
        ({"image_url": "https://x.example/y.png"}, "remote_url"),
        ({"type": "document_url", "document_url": "https://x.example/y.pdf"}, "remote_url"),
        ({"type": "novel", "file_id": "file-1"}, "file_id"),
        ({"input_audio": {"data": "UklGRg=="}}, "audio"),
    ],
)
def test_media_of_no_known_type_is_told_by_its_name(part, opaque):
    assert opaque in visible(user(part), "chat").opaque


def test_a_tools_arguments_and_schemas_may_bear_such_names():
    schema = {
        "type": "object",
        "properties": {"image_url": {"type": "string"}, "file_id": {"type": "string"}},
    }
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "7", "image_url": "https://x/y"}}
    body = {
        "messages": [{"role": "assistant", "content": [call]}],
        "tools": [{"name": "f", "input_schema": schema}],
        "metadata": {"file_id": "7"},
    }
    assert visible(body, "messages").opaque == ()


@pytest.mark.parametrize(
    ("field", "opaque"),
    [
        ({"container": "container_1"}, "file_id"),
        ({"mcp_servers": [{"type": "url", "name": "n", "url": "https://x.example/"}]}, "remote_url"),
    ],
)
def test_what_a_provider_would_read_elsewhere(field, opaque):
    body = {"messages": [{"role": "user", "content": "hi"}], **field}
    assert visible(body, "messages").opaque == (opaque,)


@pytest.mark.parametrize(
    "name", [b"x-request-id", b"idempotency-key", b"tracestate", b"traceparent", b"openai-beta"]
)
def test_headers_that_travel_on_are_read(name):
    seen = visible(user(), "chat", ((name, b"my SSN is 436-78-4374"),))
    assert seen.texts == (("header", "my SSN is 436-78-4374"),)


@pytest.mark.parametrize(
    "value",
    [
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"6f1c5a2e-9d4b-4c7f-8a3e-2b1d0c9f8e7a",
        b"req_6f1c5a2e9d4b4c7f8a3e2b1d0c9f8e7a",
        b"prompt-caching-2024-07-31",
        b"claude-code-20250219,interleaved-thinking-2025-05-14, files-api-2025-04-14",
        b"responses=v1",
    ],
)
def test_headers_that_can_hold_nothing_are_not(value):
    assert visible(user(), "chat", ((b"x-request-id", value),)).texts == ()
