"""Anthropic's own library, and what coding agents send, through Weir: to Anthropic, to OpenAI by translation, and
to vLLM as it is."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.integration.sandboxed import PROVIDER_KEY, Sandboxed

MODELS = ["claude", "gpt", "llama"]
HELLO: Any = [{"role": "user", "content": "Say hello."}]
OSLO: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
SECRET: Any = [{"role": "user", "content": "My SSN is 536-22-8741, file my form."}]
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(weir: Sandboxed) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=weir.url, api_key=weir.key, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_a_message(client: anthropic.Anthropic, weir: Sandboxed, model: str) -> None:
    raw = client.messages.with_raw_response.create(model=model, max_tokens=64, messages=HELLO)
    message = raw.parse()
    assert raw.headers["x-weir-model"] == model
    assert raw.headers["request-id"]
    assert message.content[0].type == "text"
    assert message.content[0].text
    assert message.stop_reason == "end_turn"
    row = next(row for row in weir.rows("requests") if row["id"] == raw.headers["x-weir-request-id"])
    assert (row["dialect"], row["outcome"], row["usage_source"]) == ("messages", "ok", "reported")
    prompt = row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"]
    cached = (message.usage.cache_read_input_tokens or 0) + (message.usage.cache_creation_input_tokens or 0)
    assert prompt == message.usage.input_tokens + cached
    assert row["output_tokens"] + row["reasoning_tokens"] == message.usage.output_tokens


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_message(client: anthropic.Anthropic, weir: Sandboxed, model: str) -> None:
    with client.messages.stream(model=model, max_tokens=64, messages=HELLO) as stream:
        said = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert said
    assert message.stop_reason == "end_turn"
    row = weir.rows("requests")[-1]
    assert (row["outcome"], row["stream"], row["usage_source"]) == ("ok", 1, "reported")
    assert row["output_tokens"] + row["reasoning_tokens"] == message.usage.output_tokens


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_read(
    client: anthropic.Anthropic, model: str, streamed: bool
) -> None:
    def ask(messages: Any) -> Any:
        asked: Any = {"model": model, "max_tokens": 200, "messages": messages, "tools": [WEATHER]}
        if not streamed:
            return client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            return stream.get_final_message()

    message = ask(OSLO)
    assert message.stop_reason == "tool_use"
    call = next(block for block in message.content if block.type == "tool_use")
    assert (call.name, list(call.input)) == ("get_weather", ["city"])
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees, rain"}
    told = [*OSLO, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    answer = ask(told)
    assert answer.stop_reason == "end_turn"
    assert "4 degrees, rain" in answer.content[0].text


@pytest.mark.parametrize("model", ["claude", "llama"])
def test_tokens_are_counted_and_nothing_is_owed(
    client: anthropic.Anthropic, weir: Sandboxed, model: str
) -> None:
    assert client.messages.count_tokens(model=model, messages=HELLO).input_tokens > 0
    row = weir.rows("attempts")[-1]
    assert (row["model"], row["outcome"], row["input_tokens"], row["output_tokens"]) == (model, "ok", 0, 0)
    assert float(row["usd"]) == 0
    assert not row["gpu_ns"]
    assert weir.rows("requests")[-1]["dialect"] == "count_tokens"


def test_who_counts_no_tokens_says_so(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="count_tokens"):
        client.messages.count_tokens(model="gpt", messages=HELLO)


def test_bytes_pass_unchanged_to_who_speaks_the_dialect(weir: Sandboxed) -> None:
    body = b'{"model": "claude",  "max_tokens":5, "messages":[{"role":"user","content":"hi"}], "new_field": {"a": "b"}}'
    assert weir.post(body, path="/v1/messages")[0] == 200
    assert weir.sandbox.anthropic.received[-1].body == body.replace(b'"claude"', b'"claude-sonnet-4-5"')
    weir.post(body.replace(b'"claude"', b'"llama"'), path="/v1/messages")
    sent = weir.sandbox.vllm.received[-1]
    assert sent.path == "/v1/messages"
    assert sent.body == body.replace(b'"claude"', b'"meta-llama/Llama-3.1-8B-Instruct"')


def test_a_providers_key_is_weirs_and_the_clients_stays_here(
    client: anthropic.Anthropic, weir: Sandboxed
) -> None:
    client.messages.create(
        model="claude", max_tokens=9, messages=HELLO, extra_headers={"anthropic-beta": "b-1"}
    )
    headers = weir.sandbox.anthropic.received[-1].headers
    assert (headers["x-api-key"], headers["anthropic-beta"]) == (PROVIDER_KEY, "b-1")
    assert weir.key not in str(dict(headers))


# ── an agent's habits ────────────────────────────────────────────────────────────────────────────────────


def test_an_agents_session_blob_is_nobodys_tenant_and_reaches_its_provider(
    client: anthropic.Anthropic, weir: Sandboxed
) -> None:
    blob = "user_" + "0af3" * 16 + "_account_6f1c2f58-0c1e-4d52-9a52-1d2f3b4c5d6e_session_" + "9d" * 16
    client.messages.create(model="claude", max_tokens=9, messages=HELLO, metadata={"user_id": blob})
    assert json.loads(weir.sandbox.anthropic.received[-1].body)["metadata"] == {"user_id": blob}
    row = weir.rows("requests")[-1]
    assert (row["tenant"], row["workflow"], row["action"], row["conversation"]) == ("acme", "", "", "")
    assert blob not in json.dumps(weir.rows("requests"))


def test_weirs_own_metadata_does_not_travel(weir: Sandboxed) -> None:
    metadata = {"user_id": "u", "workflow": "invoices", "action_id": "a-1"}
    body = {"model": "claude", "max_tokens": 9, "messages": HELLO, "metadata": metadata}
    assert weir.post(body, path="/v1/messages")[0] == 200
    assert json.loads(weir.sandbox.anthropic.received[-1].body)["metadata"] == {"user_id": "u"}
    row = weir.rows("requests")[-1]
    assert (row["workflow"], row["action"]) == ("invoices", "a-1")


@pytest.mark.parametrize("container", ["container_1", {"id": "container_1", "skills": []}])
def test_a_container_that_is_nobodys_cannot_be_named(weir: Sandboxed, container: Any) -> None:
    body = {"model": "claude", "max_tokens": 9, "messages": HELLO, "container": container}
    weir.sandbox.anthropic.received.clear()
    status, _, told = weir.post(body, path="/v1/messages")
    assert (status, json.loads(told)["error"]["type"]) == (404, "not_found_error")
    assert "No such object: 'container_1'" in json.loads(told)["error"]["message"]
    assert not weir.sandbox.anthropic.received


def test_a_bearer_key_does_too(weir: Sandboxed) -> None:
    with anthropic.Anthropic(base_url=weir.url, api_key=None, auth_token=weir.key, max_retries=0) as client:
        assert client.messages.create(model="llama", max_tokens=9, messages=HELLO).content


def test_the_beta_client_too(client: anthropic.Anthropic) -> None:
    message = client.beta.messages.create(model="claude", max_tokens=9, messages=HELLO, betas=["context-1m"])
    assert message.content


# ── boundaries hold on this path too ─────────────────────────────────────────────────────────────────────


def test_what_is_sensitive_stays_home(client: anthropic.Anthropic, weir: Sandboxed) -> None:
    hard = {"x-weir-workflow": "hard"}
    raw = client.messages.with_raw_response.create(
        model="auto", max_tokens=9, messages=SECRET, extra_headers=hard
    )
    assert (raw.headers["x-weir-model"], raw.headers["x-weir-sensitivity"]) == ("llama", "restricted")
    with pytest.raises(anthropic.PermissionDeniedError, match="stays-home"):
        client.messages.create(model="claude", max_tokens=9, messages=SECRET)
    with pytest.raises(anthropic.PermissionDeniedError, match="stays-home"):
        client.messages.count_tokens(model="claude", messages=SECRET)
    assert not len(weir.sandbox.anthropic.received) + len(weir.sandbox.openai.received)


def test_a_services_tool_is_not_silently_lost(client: anthropic.Anthropic, weir: Sandboxed) -> None:
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    with pytest.raises(anthropic.BadRequestError, match="web_search"):
        client.messages.create(model="llama", max_tokens=9, messages=HELLO, tools=[search])
    assert not len(weir.sandbox.vllm.received)
    raw = client.messages.with_raw_response.create(
        model="auto", max_tokens=9, messages=HELLO, tools=[search], extra_headers={"x-weir-workflow": "hard"}
    )
    assert raw.headers["x-weir-model"] == "claude"  # the first of the route that can
    assert "web_search_20250305" in json.loads(weir.rows("requests")[-1]["dropped"])["gpt"]


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────

WRONG: list[tuple[str, dict[str, Any], type[anthropic.APIStatusError], str]] = [
    ("no model", {"model": "nope"}, anthropic.NotFoundError, "not_found_error"),
    ("empty", {"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
    ("raised too high", {"metadata": {"sensitivity": "very"}}, anthropic.BadRequestError, "invalid_request_error"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "word"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG]
)
def test_errors_are_anthropics(client: anthropic.Anthropic, body: Any, kind: Any, word: str) -> None:
    with pytest.raises(kind) as refused:
        client.messages.create(**{"model": "claude", "max_tokens": 9, "messages": HELLO, **body})
    told: Any = refused.value.body
    assert (told["type"], told["error"]["type"]) == ("error", word)
    assert told["error"]["message"]
    assert told["request_id"] == refused.value.request_id


def test_a_wrong_key_is_an_authentication_error(weir: Sandboxed) -> None:
    with (
        anthropic.Anthropic(base_url=weir.url, api_key="sk-weir-wrong", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError) as refused,
    ):
        stranger.messages.create(model="claude", max_tokens=9, messages=HELLO)
    assert refused.value.body["error"]["type"] == "authentication_error"  # type: ignore[index]  # a JSON object


FAULTS = [
    ("429", anthropic.RateLimitError, "rate_limit_error"),
    ("503", anthropic.InternalServerError, "overloaded_error"),
    ("500", anthropic.InternalServerError, "api_error"),
    ("401", anthropic.InternalServerError, "api_error"),
    ("400", anthropic.BadRequestError, "invalid_request_error"),
    ("refuse", anthropic.InternalServerError, "api_error"),
]


@pytest.mark.parametrize("part", ["anthropic", "openai"])
@pytest.mark.parametrize(("mode", "kind", "word"), FAULTS, ids=[each[0] for each in FAULTS])
def test_a_providers_fault_is_told_in_anthropics_words(
    client: anthropic.Anthropic, weir: Sandboxed, part: str, mode: str, kind: Any, word: str
) -> None:
    weir.run(getattr(weir.sandbox, part).fault(mode))
    model = {"anthropic": "claude", "openai": "gpt"}[part]
    with pytest.raises(kind) as refused:
        client.messages.create(model=model, max_tokens=9, messages=HELLO)
    assert refused.value.body["error"]["type"] == word
    assert PROVIDER_KEY not in str(refused.value.body)
    if mode == "429":
        assert refused.value.response.headers["retry-after"]
    assert weir.rows("requests")[-1]["status"] == refused.value.status_code


@pytest.mark.parametrize("mode", ["cut", "error_event"])
@pytest.mark.parametrize(("part", "model"), [("anthropic", "claude"), ("openai", "gpt"), ("vllm", "llama")])
def test_a_stream_that_breaks_is_an_error_and_no_stop(
    client: anthropic.Anthropic, weir: Sandboxed, part: str, model: str, mode: str
) -> None:
    weir.run(getattr(weir.sandbox, part).fault(mode))
    seen: list[str] = []
    stream = client.messages.create(model=model, max_tokens=64, messages=HELLO, stream=True)
    with pytest.raises(anthropic.APIStatusError):
        seen.extend(event.type for event in stream)
    assert "message_stop" not in seen
    assert weir.rows("requests")[-1]["outcome"] == "cut"


def test_the_decision_is_shown_where_it_is_asked_for(client: anthropic.Anthropic, weir: Sandboxed) -> None:
    asked: Any = {"model": "llama", "max_tokens": 20, "messages": HELLO}
    message = client.messages.create(**asked, extra_headers={"x-weir-debug": "1"})
    assert message.to_dict()["weir"]["decision"]["targets"] == ["llama"]  # type: ignore[index]  # Weir adds it
    body = {**asked, "stream": True}
    _, _, stream = weir.post(body, path="/v1/messages", x_weir_debug="1")
    assert b"event: weir\ndata: " in stream
    assert stream.rstrip().endswith(b'data: {"type":"message_stop"}')
    with client.messages.stream(**asked, extra_headers={"x-weir-debug": "1"}) as streamed:
        assert streamed.get_final_message().stop_reason  # the library passes over it


def test_models_are_listed_as_anthropic_lists_them(client: anthropic.Anthropic) -> None:
    page = client.models.list()
    assert [model.id for model in page] == ["auto", "llama", "gpt", "claude"]
    assert (page.has_more, page.first_id, page.last_id) == (False, "auto", "claude")
    assert client.models.retrieve("claude").display_name == "claude"
    with pytest.raises(anthropic.NotFoundError) as refused:
        client.models.retrieve("nope")
    assert refused.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]  # a JSON object


def test_paths_nobody_serves_are_told_in_anthropics_words(weir: Sandboxed) -> None:
    status, _, body = weir.post({}, path="/v1/messages/batches")
    assert (status, json.loads(body)["error"]["type"]) == (404, "not_found_error")
