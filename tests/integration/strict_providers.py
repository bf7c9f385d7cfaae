"""Stand-ins of providers that refuse what their schemas do not have, each with the fields and words it documents.

As in `providers`: small servers of our own, none of them the provider. What each refuses, and where that is said, is
in its docstring.
"""

import itertools
from typing import Any

from tests.integration.providers import Asked, Reply, chunk, completion, problem, sse

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
_COMMON = frozenset(
    ("model", "messages", "temperature", "top_p", "stream", "stop", "tools", "tool_choice", "response_format")
)


def answered(asked: Asked, **message: Any) -> Reply:
    """The same short answer, streamed or not."""
    if not asked.json().get("stream"):
        return completion("Hello", USAGE, **message)
    counted = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    wanted = (asked.json().get("stream_options") or {}).get("include_usage")
    return sse(
        chunk({"role": "assistant", "content": "Hel", **message}),
        chunk({"content": "lo"}, "stop"),
        *([{**counted, "usage": USAGE}] if wanted else []),
    )


def cerebras(asked: Asked) -> Reply:
    """Errors without a wrapper; refuses both limits at once, tools beside a response format, and thoughts that are sent
    back by the name clients give them (its own is `reasoning`). Source: inference-docs.cerebras.ai/api-reference, and
    what users report of `wrong_api_format`."""
    body = asked.json()

    def wrong(message: str, param: str) -> Reply:
        said = {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": "wrong_api_format",
        }
        return problem(400, said)

    if "max_tokens" in body and "max_completion_tokens" in body:
        return wrong("max_tokens and max_completion_tokens cannot both be set.", "max_tokens")
    if body.get("tools") and body.get("response_format"):
        return wrong('"tools" is incompatible with "response_format"', "response_format")
    if any("reasoning_content" in message for message in body["messages"]):
        return wrong("property 'messages.1.reasoning_content' is unsupported", "messages")
    if "store" in body:
        return wrong("property 'store' is unsupported", "store")
    if body["model"] == "gone":
        said = {"message": "Model gone does not exist or you do not have access to it.", "type": "not_found_error",
                "param": "model", "code": "model_not_found"}  # fmt: skip
        return problem(404, said)
    return answered(asked, reasoning="Hm.")


_FIREWORKS = _COMMON | frozenset(
    ("top_k", "user", "prompt_cache_key", "prompt_cache_isolation_key", "raw_output", "perf_metrics_in_response", "n",
     "service_tier", "max_tokens", "max_completion_tokens", "min_p", "typical_p", "frequency_penalty",
     "presence_penalty", "repetition_penalty", "seed", "logprobs", "top_logprobs", "echo", "ignore_eos",
     "context_length_exceeded_behavior", "logit_bias", "prediction", "metadata", "reasoning_effort",
     "reasoning_history", "thinking", "functions", "function_call", "parallel_tool_calls", "stream_options")
)  # fmt: skip
_FIREWORKS_MESSAGE = frozenset({"role", "content", "reasoning_content", "tool_calls", "tool_call_id"})


def fireworks(asked: Asked) -> Reply:
    """Its schema knows no further member, of a request or of a message; both limits at once are refused; usage comes
    with the last chunk, unasked. Source: docs.fireworks.ai/api-reference/post-chatcompletions."""
    body = asked.json()
    odd = [key for key in body if key not in _FIREWORKS]
    odd += [
        f"messages[{i}].{key}"
        for i, each in enumerate(body["messages"])
        for key in each.keys() - _FIREWORKS_MESSAGE
    ]
    if "max_tokens" in body and "max_completion_tokens" in body:
        odd.append("max_completion_tokens")
    if odd:
        text = f"Extra inputs are not permitted, field: '{odd[0]}'"
        return problem(400, {"error": {"object": "error", "type": "invalid_request_error",
                                       "code": "invalid_request_error", "message": text}})  # fmt: skip
    if body.get("stream"):
        return sse(
            chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}, "stop", usage=USAGE)
        )
    return answered(asked, reasoning_content="Hm.")


_MOONSHOT = _COMMON | frozenset(
    ("max_tokens", "max_completion_tokens", "stream_options", "prompt_cache_key", "safety_identifier", "n",
     "presence_penalty", "frequency_penalty", "thinking", "seed", "metadata")
)  # fmt: skip


def moonshot(asked: Asked) -> Reply:
    """Has no log probabilities and no bias, and calls the user `safety_identifier`; one answer near temperature 0.
    Source: platform.kimi.ai/docs/api/chat and /docs/guide/migrating-from-openai-to-kimi."""
    body = asked.json()

    def invalid(message: str) -> Reply:
        return problem(
            400, {"error": {"message": f"Invalid request: {message}", "type": "invalid_request_error"}}
        )

    odd = [key for key in body if key not in _MOONSHOT]
    if odd:
        return invalid(f"unknown parameter {odd[0]}")
    if "max_tokens" in body:
        return invalid("max_tokens is deprecated, please refer to max_completion_tokens")
    if body.get("temperature", 1) < 0.01 and body.get("n", 1) > 1:
        return invalid("n must be 1 when temperature is close to 0")
    counted = {**USAGE, "cached_tokens": 5}
    if body.get("stream"):
        return answered(asked)
    return completion("Hello", counted, reasoning_content="Hm.")


_MISTRAL = _COMMON | frozenset(
    ("max_tokens", "random_seed", "metadata", "presence_penalty", "frequency_penalty", "n", "prediction",
     "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key", "safe_prompt")
)  # fmt: skip
_MISTRAL_MESSAGES = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}


def mistral(asked: Asked) -> Reply:
    """Its schema knows no further member of a request or a message, and no role `developer` (422); calls are named by
    nine letters and digits, a user speaks behind an assistant's words, not behind a tool's result, and an assistant's
    last only with `prefix` (400). Counts unasked; thinks in chunks of the content. Sources: the schema in
    mistralai/client-python (ChatCompletionRequest and its messages); docs.mistral.ai/capabilities/reasoning; the words
    of its refusals from issues of its users (nearai/ironclaw#1241, onyx-dot-app/onyx#6458, huggingface/smolagents#757,
    charmbracelet/crush#1590, avante-corp/avante.nvim#2347)."""
    body = asked.json()
    turns = body["messages"]
    odd = [[key] for key in body if key not in _MISTRAL]
    odd += [
        ["messages", i, turn["role"], key]
        for i, turn in enumerate(turns)
        for key in (turn.keys() - _MISTRAL_MESSAGES.get(turn["role"], set()))
    ]
    if odd:
        fault = {"type": "extra_forbidden", "loc": ["body", *odd[0]], "msg": "Extra inputs are not permitted"}
        return problem(
            422, {"object": "error", "message": {"detail": [fault]}, "type": "invalid_request_error"}
        )
    if body["model"] == "mistral-gone":
        return problem(400, {"object": "error", "message": "Invalid model: mistral-gone", "type": "invalid_model",
                             "param": None, "code": "1500"})  # fmt: skip
    wrong = _out_of_turn(turns)
    if wrong:
        return problem(400, {"object": "error", "message": wrong, "type": "invalid_request_message_order",
                             "param": None, "code": "3230"})  # fmt: skip
    if body.get("tools") and turns[-1]["role"] == "user":
        call = {"id": "D681PevKs", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        return completion("", USAGE, "tool_calls", tool_calls=[call])
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    thinks = body.get("reasoning_effort", "none") != "none"
    if body.get("stream"):
        first = [thought, {"type": "text", "text": "Hel"}] if thinks else "Hel"
        return sse(
            chunk({"role": "assistant", "content": first}), chunk({"content": "lo"}, "stop", usage=USAGE)
        )
    finish = "model_length" if body.get("max_tokens") == 3 else "stop"
    said: Any = [thought, {"type": "text", "text": "Hello"}] if thinks else "Hello"
    return completion(said, USAGE, finish)


def _out_of_turn(turns: list[dict[str, Any]]) -> str:
    """What is wrong with the order of a conversation, or with the names of its calls."""
    names = [call["id"] for turn in turns for call in turn.get("tool_calls") or ()]
    names += [turn["tool_call_id"] for turn in turns if "tool_call_id" in turn]
    for name in names:
        if not (len(name) == 9 and name.isascii() and name.isalnum()):
            return f"Tool call id was {name} but must be a-z, A-Z, 0-9, with a length of 9."
    for before, turn in itertools.pairwise(turns):
        if (before["role"], turn["role"]) == ("tool", "user"):
            return "Unexpected role 'user' after role 'tool'"
    if turns[-1]["role"] == "assistant" and not turns[-1].get("prefix"):
        return "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
    return ""


def together(asked: Asked) -> Reply:
    """Knows `max_tokens` alone, and `logprobs` as a number. Source: docs.together.ai/docs/inference/chat/parameters and
    its OpenAPI description."""
    body = asked.json()
    if "max_completion_tokens" in body or isinstance(body.get("logprobs"), bool) or "top_logprobs" in body:
        said = {
            "message": "Input validation error",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        return problem(422, {"id": "req-1", "error": said})
    if "/" not in body["model"]:
        text = f"Unable to access model {body['model']}. Please visit https://api.together.ai/models"
        said = {
            "message": text,
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_available",
        }
        return problem(404, {"id": "req-1", "error": said})
    return answered(asked)


def xai(asked: Asked) -> Reply:
    """Errors of two sentences; penalties, a bias and, of models that reason, `stop` are refused, even where they are 0.
    Thinking is counted apart. Source: docs.x.ai/docs/guides/reasoning and the API reference."""
    body = asked.json()
    names = {"presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty", "logit_bias": "logitBias",
             "stop": "stop"}  # fmt: skip
    for key, name in names.items():
        if key in body and (key != "stop" or "reasoning" in body["model"]):
            text = f"Argument not supported on this model: {name}"
            return problem(400, {"code": "Client specified an invalid argument", "error": text})
    if body["model"] == "grok-1":
        text = "The model grok-1 does not exist or your team does not have access to it."
        return problem(404, {"code": "Some requested entity was not found", "error": text})
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 50,
             "completion_tokens_details": {"reasoning_tokens": 40}}  # fmt: skip
    if not body.get("stream"):
        return completion("Hello", usage)
    return answered(asked)


_DEEPSEEK_ROLES = ("system", "user", "assistant", "tool")


def deepseek(asked: Asked) -> Reply:
    """Its schema has `max_tokens` alone, four roles, and JSON without a schema. It thinks unless told not to, and while
    it does takes no forced tool and no earlier call of a tool without the thinking that led to it. Sources:
    api-docs.deepseek.com/api/create-chat-completion and /guides/thinking_mode; the words of its refusals from issues
    of its users (earendil-works/pi#1048, llm-exe/llm-exe#662, deepseek-ai/DeepSeek-V3#1376,
    anomalyco/opencode#24083)."""
    body = asked.json()
    thinks = (body.get("thinking") or {}).get("type") != "disabled"
    odd = [each["role"] for each in body["messages"] if each["role"] not in _DEEPSEEK_ROLES]
    lost = any(each.get("tool_calls") and not each.get("reasoning_content") for each in body["messages"])
    refused = {
        "The supported API model names are deepseek-v4-pro or deepseek-v4-flash": body["model"] == "gone",
        f"messages[0].role: unknown variant {odd[:1]}, expected one of {_DEEPSEEK_ROLES}": bool(odd),
        "unknown field max_completion_tokens": "max_completion_tokens" in body,
        "This response_format type is unavailable now": _form(body) not in ("text", "json_object"),
        "Prompt must contain the word 'json' in some form": _form(body) == "json_object"
        and "json" not in str(body["messages"]).lower(),
        "Thinking mode does not support this tool_choice": thinks and _is_forced(body.get("tool_choice")),
        "The reasoning_content in the thinking mode must be passed back to the API.": thinks and lost,
    }
    for message, applies in refused.items():
        if applies:
            said = {"message": message, "type": "invalid_request_error", "param": None,
                    "code": "invalid_request_error"}  # fmt: skip
            return problem(400, {"error": said})
    if not body.get("tools") or body["messages"][-1]["role"] == "tool":
        return answered(asked, reasoning_content="Hm.")
    call = {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    if not body.get("stream"):
        return completion("", USAGE, "tool_calls", reasoning_content="Hm.", tool_calls=[call])
    counted = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    return sse(
        chunk({"role": "assistant", "content": None, "reasoning_content": "H"}),
        chunk({"content": None, "reasoning_content": "m."}),
        chunk({"tool_calls": [{"index": 0, **call}]}),
        chunk({}, "tool_calls"),
        {**counted, "usage": USAGE},
    )


def _form(body: dict[str, Any]) -> Any:
    return (body.get("response_format") or {}).get("type", "text")


def _is_forced(choice: Any) -> bool:
    return choice == "required" or isinstance(choice, dict)


def openrouter(asked: Asked) -> Reply:
    """Takes either limit and ignores what the model's provider does not know; counts unasked. Once a provider was found
    the status is 200, and an error stands in the body: of the answer, or of its choice. Errors have a number for a
    code. Sources: openrouter.ai/docs/api-reference/overview, /parameters and /errors, /docs/use-cases/usage-accounting;
    the words of the 404 from issues of its users (zed-industries/zed#36094)."""
    body, asks = asked.json(), asked.body.decode()
    if body["model"] == "org/toolless" and body.get("tools"):
        text = "No endpoints found that support tool use. To learn more about provider routing, visit: https://x.test"
        return problem(404, {"error": {"message": text, "code": 404}})
    if body["model"] == "org/unpaid":
        return problem(402, {"error": {"message": "Insufficient credits", "code": 402}})
    broken = {"code": 502, "message": "Provider returned error", "metadata": {"provider_name": "Some"}}
    if "fail at once" in asks:
        broken["code"] = next((code for code in (400, 402, 429) if str(code) in asks), 502)
        told = {"error": broken, "user_id": "u"}
        return sse(b": OPENROUTER PROCESSING", told) if body.get("stream") else problem(200, told)
    if "fail halfway" in asks and not body.get("stream"):
        status, headers, answer = completion("Hel", USAGE, "error")
        return status, headers, answer.replace(b'"index": 0', b'"error": {"code": 502}, "index": 0')
    usage = {**USAGE, "cost": 0.01, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 4}}
    if not body.get("stream"):
        return completion("Hello", usage, reasoning="Hm.", reasoning_details=[{"type": "reasoning.text"}])
    failing = chunk({"content": ""}, "error", error=broken)
    return sse(
        b": OPENROUTER PROCESSING",
        chunk({"role": "assistant", "content": "", "reasoning": "Hm."}),
        chunk({"role": "assistant", "content": "Hel"}),
        failing if "fail halfway" in asks else chunk({"role": "assistant", "content": "lo"}, "stop"),
        chunk({"role": "assistant", "content": ""}, usage=usage),
    )
