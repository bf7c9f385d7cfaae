"""Each preset through a whole Weir, before a stand-in that refuses what the provider documents that it refuses."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.strict_site import ECHOED, SCHEMA, STRICT, TOOL, USER, Strict


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    running = Strict(tmp_path_factory.mktemp("strict"))
    yield running
    running.stop()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens", "both"])
@pytest.mark.parametrize("name", STRICT)
def test_what_any_client_sends_is_taken_and_counted(
    weir: Strict, name: str, limit: str, stream: bool
) -> None:
    limits = {"max_tokens": 9, "max_completion_tokens": 9} if limit == "both" else {limit: 9}
    status, body = weir.chat(
        name, **limits, user="u", store=False, safety_identifier="s", temperature=0.5, stream=stream
    )
    assert status == 200, body
    attempt = weir.rows("attempts")[-1]
    read = attempt["input_tokens"] + attempt["cache_read_tokens"] + attempt["cache_write_tokens"]
    assert (attempt["usage_source"], read) == ("reported", 7)
    assert attempt["output_tokens"] == 3
    assert 9 in (weir.sent(name).get("max_tokens"), weir.sent(name).get("max_completion_tokens"))


@pytest.mark.parametrize("name", STRICT)
def test_an_answer_can_be_sent_back(weir: Strict, name: str) -> None:
    status, body = weir.chat(name, messages=ECHOED)
    assert status == 200, body
    assert [each["content"] for each in weir.sent(name)["messages"]] == ["Hello", "Hi", "Hello"]


TRANSLATED = [("/v1/messages", name) for name in STRICT] + [
    ("/v1/responses", name)
    for name in STRICT
    if name not in ("fireworks", "xai")  # they have responses of their own
]


@pytest.mark.parametrize(("path", "name"), TRANSLATED)
@pytest.mark.parametrize("stream", [False, True])
def test_clients_of_other_dialects_are_served(weir: Strict, name: str, path: str, stream: bool) -> None:
    given = (
        {"messages": [USER], "max_tokens": 9}
        if path == "/v1/messages"
        else {"input": "Hello", "store": False}
    )
    status, _, body = weir.post({"model": name, "stream": stream, "temperature": 0.5, **given}, path=path)
    assert status == 200, body
    assert b"Hel" in body


REFUSED = [
    ("mistral", {"logprobs": True}, "logprobs"),
    ("mistral", {"logit_bias": {"1": 5}}, "logit_bias"),
    ("cerebras", {"tools": [TOOL], "response_format": SCHEMA}, "response_format"),
    ("deepseek", {"response_format": SCHEMA}, "response_format"),
    ("deepseek", {"logit_bias": {"1": 5}}, "logit_bias"),
    ("deepseek", {"n": 2}, "n"),
    ("moonshot", {"logprobs": True}, "logprobs"),
    ("moonshot", {"logit_bias": {"1": 5}}, "logit_bias"),
    ("together", {"logprobs": True, "top_logprobs": 2}, None),
    ("xai", {"presence_penalty": 0.5}, "presence_penalty"),
    ("xai", {"frequency_penalty": 0.5}, "frequency_penalty"),
    ("xai", {"logit_bias": {"1": 5}}, "logit_bias"),
]


@pytest.mark.parametrize(("name", "more", "field"), REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name_before_it_is_sent(
    weir: Strict, name: str, more: dict[str, Any], field: str | None
) -> None:
    before = len(weir.parts[name].asked)
    status, body = weir.chat(name, **more)
    assert (status, body["error"]["code"]) == (400, "unsupported_parameter")
    assert field in (None, body["error"]["param"])
    assert len(weir.parts[name].asked) == before


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("xai", {"presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}}),
        ("deepseek", {"response_format": {"type": "text"}, "logit_bias": {}, "n": 1, "logprobs": True}),
        ("deepseek", {"tools": [TOOL], "tool_choice": "auto"}),
        ("openrouter", {"logit_bias": {"1": 5}, "n": 2, "response_format": SCHEMA, "tools": [TOOL]}),
        (
            "mistral",
            {
                "seed": 4,
                "safe_prompt": True,
                "prompt_cache_key": "k",
                "verbosity": "low",
                "n": 2,
                "metadata": {},
            },
        ),
        ("mistral", {"tools": [TOOL], "tool_choice": "any", "parallel_tool_calls": False}),
        ("mistral", {"tools": [TOOL], "tool_choice": "required", "logprobs": False, "logit_bias": {}}),
        ("mistral", {"messages": [{"role": "developer", "content": "Be brief."}, USER]}),
        ("mistral", {"messages": [USER, {"role": "assistant", "content": "He", "prefix": True}]}),
        ("moonshot", {"logprobs": False, "logit_bias": {}, "service_tier": "auto"}),
        ("together", {"logprobs": False}),
        ("cerebras", {"tools": [TOOL]}),
        ("cerebras", {"response_format": SCHEMA}),
        ("fireworks", {"logprobs": True, "top_logprobs": 5, "n": 2, "logit_bias": {"1": 5}, "seed": 4}),
    ],
)
def test_what_asks_nothing_odd_is_taken(weir: Strict, name: str, more: dict[str, Any]) -> None:
    status, body = weir.chat(name, **more)
    assert status == 200, body


def test_a_model_that_cannot_is_passed_over_for_one_that_can(weir: Strict) -> None:
    status, body = weir.chat("auto", tools=[TOOL], response_format=SCHEMA)
    assert status == 200, body
    assert weir.rows("requests")[-1]["model"] == "fireworks"


@pytest.mark.parametrize("name", ["cerebras", "together", "xai"])
def test_a_model_that_is_gone_is_a_404(weir: Strict, name: str) -> None:
    status, body = weir.chat(f"{name}-gone")
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")


def test_what_only_some_models_refuse_is_told_in_the_providers_words(weir: Strict) -> None:
    assert weir.chat("xai", stop=["x"])[0] == 200
    status, body = weir.chat("xai-reasoning", stop=["x"])
    assert (status, body["error"]["message"]) == (400, "Argument not supported on this model: stop")
    status, body = weir.chat("moonshot", temperature=0, n=2)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    status, body = weir.chat("fireworks", odd_field=1)
    assert (status, body["error"]["message"]) == (400, "Extra inputs are not permitted, field: 'odd_field'")


def test_thinking_that_is_counted_apart_is_booked(weir: Strict) -> None:
    assert weir.chat("xai")[0] == 200
    attempt = weir.rows("attempts")[-1]
    assert (attempt["output_tokens"], attempt["reasoning_tokens"]) == (3, 40)


def test_cached_tokens_are_not_counted_twice(weir: Strict) -> None:
    assert weir.chat("moonshot")[0] == 200
    attempt = weir.rows("attempts")[-1]
    assert (attempt["input_tokens"], attempt["cache_read_tokens"]) == (2, 5)


def test_instructions_of_a_developer_are_deepseeks_systems(weir: Strict) -> None:
    status, body = weir.chat("deepseek", messages=[{"role": "developer", "content": "Be brief."}, USER])
    assert status == 200, body
    assert weir.sent("deepseek")["messages"] == [{"role": "system", "content": "Be brief."}, USER]


def test_a_schema_that_deepseek_does_not_take_is_a_reason_to_try_the_next_model(weir: Strict) -> None:
    status, _, body = weir.post(
        {"model": "auto", "messages": [USER], "response_format": SCHEMA}, x_weir_workflow="schemas"
    )
    assert status == 200, body
    assert weir.rows("requests")[-1]["model"] == "fireworks"


def test_deepseek_refuses_a_forced_tool_while_it_thinks_in_its_own_words(weir: Strict) -> None:
    forced = {"tools": [TOOL], "tool_choice": "required"}
    status, body = weir.chat("deepseek", **forced)
    assert (status, body["error"]["message"]) == (400, "Thinking mode does not support this tool_choice")
    assert weir.chat("deepseek", **forced, thinking={"type": "disabled"})[0] == 200


def test_deepseeks_tool_loop_of_a_chat_client_keeps_its_thinking(weir: Strict) -> None:
    status, body = weir.chat("deepseek", tools=[TOOL])
    assert status == 200, body
    said = body["choices"][0]["message"]
    done = {"role": "tool", "tool_call_id": "call-1", "content": "sky"}
    status, body = weir.chat("deepseek", tools=[TOOL], messages=[USER, said, done])
    assert status == 200, body
    del said["reasoning_content"]
    assert weir.chat("deepseek", tools=[TOOL], messages=[USER, said, done])[0] == 400


def test_deepseeks_tool_loop_of_a_messages_client_keeps_its_thinking(weir: Strict) -> None:
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    asked = {"model": "deepseek", "max_tokens": 9, "tools": tools}
    status, _, body = weir.post({**asked, "messages": [USER]}, path="/v1/messages")
    assert status == 200, body
    said = {"role": "assistant", "content": json.loads(body)["content"]}
    done = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call-1", "content": "sky"}]}
    status, _, body = weir.post({**asked, "messages": [USER, said, done]}, path="/v1/messages")
    assert status == 200, body
    assert weir.sent("deepseek")["messages"][1]["reasoning_content"] == "Hm."


@pytest.mark.parametrize("stream", [False, True])
def test_deepseeks_tool_loop_of_a_responses_client_keeps_its_thinking(weir: Strict, stream: bool) -> None:
    tool = {"type": "function", **TOOL["function"]}
    asked = {"model": "deepseek", "store": False, "stream": stream, "tools": [tool]}
    status, _, body = weir.post({**asked, "input": [USER]}, path="/v1/responses")
    assert status == 200, body
    if stream:
        events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
        output = events[-1]["response"]["output"]
    else:
        output = json.loads(body)["output"]
    done = {"type": "function_call_output", "call_id": "call-1", "output": "sky"}
    status, _, body = weir.post({**asked, "input": [USER, *output, done]}, path="/v1/responses")
    assert status == 200, body
    assert weir.sent("deepseek")["messages"][1]["reasoning_content"] == "Hm."


CALLED = {
    "id": "call_PTLP8xhu3uwZk4l3nlnrrJha",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
}


def test_a_loop_of_tools_that_began_elsewhere_goes_on_at_mistral(weir: Strict) -> None:
    turns = [
        USER,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [CALLED],
            "refusal": None,
            "function_call": None,
        },
        {"role": "tool", "tool_call_id": CALLED["id"], "content": "sky"},
        {"role": "user", "content": "So?"},
    ]
    status, body = weir.chat("mistral", messages=turns)
    assert status == 200, body
    sent = weir.sent("mistral")["messages"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] != CALLED["id"]
    assert [each["role"] for each in sent] == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
def test_mistrals_own_loop_of_tools_keeps_its_names(weir: Strict, path: str) -> None:
    if path == "/v1/messages":
        tool: Any = {"name": "look", "input_schema": {"type": "object"}}
        asked: Any = {"model": "mistral", "max_tokens": 9, "tools": [tool]}
        status, _, body = weir.post({**asked, "messages": [USER]}, path=path)
        assert status == 200, body
        call = json.loads(body)["content"][-1]
        done = {"type": "tool_result", "tool_use_id": call["id"], "content": "sky"}
        results = [done, {"type": "text", "text": "So?"}]  # as coding agents put their reminders
        turns = [USER, {"role": "assistant", "content": [call]}, {"role": "user", "content": results}]
        status, _, body = weir.post({**asked, "messages": turns}, path=path)
    else:
        tool = {"type": "function", **TOOL["function"]}
        asked = {"model": "mistral", "store": False, "tools": [tool]}
        status, _, body = weir.post({**asked, "input": [USER]}, path=path)
        assert status == 200, body
        output = json.loads(body)["output"]
        done = {"type": "function_call_output", "call_id": output[-1]["call_id"], "output": "sky"}
        status, _, body = weir.post({**asked, "input": [USER, *output, done]}, path=path)
    assert status == 200, body
    assert weir.sent("mistral")["messages"][2]["tool_call_id"] == "D681PevKs"


@pytest.mark.parametrize("stream", [False, True])
def test_what_mistral_thinks_is_told_as_thought(weir: Strict, stream: bool) -> None:
    asked = {"model": "mistral", "input": "Hello", "reasoning": {"effort": "high"}, "stream": stream}
    status, _, body = weir.post(asked, path="/v1/responses")
    assert status == 200, body
    if stream:
        response = json.loads(body.split(b"event: response.completed\ndata: ")[1])["response"]
    else:
        response = json.loads(body)
    thought, said = response["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert said["content"][0]["text"] == "Hello"


def test_what_openrouter_wrote_to_a_cache_is_booked(weir: Strict) -> None:
    for stream in (False, True):
        assert weir.chat("openrouter", stream=stream)[0] == 200
        attempt = weir.rows("attempts")[-1]
        counts = [attempt[name] for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens")]
        assert counts == [1, 2, 4]


def test_a_model_no_provider_of_which_can_is_passed_over(weir: Strict) -> None:
    status, body = weir.chat("openrouter-toolless", tools=[TOOL])
    assert (status, body["error"]["code"]) == (404, 404)
    status, _, answer = weir.post(
        {"model": "auto", "messages": [USER], "tools": [TOOL]}, x_weir_workflow="toolless"
    )
    assert status == 200, answer
    assert weir.rows("requests")[-1]["model"] == "fireworks"


def test_an_account_without_credit_is_the_gateways_fault_not_the_clients(weir: Strict) -> None:
    status, body = weir.chat("openrouter-unpaid")
    assert (status, body["error"]["code"]) == (502, "gateway_misconfigured")
