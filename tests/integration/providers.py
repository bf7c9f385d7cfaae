"""Stand-ins of closed providers, each speaking the documented wire that departs from OpenAI's or Anthropic's.

They are stand-ins: small servers of our own that check what a provider's documentation says it refuses, and answer in
the shapes it documents. None of them is the provider.
"""

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.serving import Serving

Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it reached a stand-in."""

    path: str  # as sent, still escaped
    query: dict[str, list[str]]
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class StandIn(Serving):
    """A server that answers POSTs by a function, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.asked: list[Asked] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler) -> None:  # noqa: N805  # the library's name; `self` is the stand-in
                body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
                url = urlsplit(handler.path)
                headers = {name.lower(): value for name, value in handler.headers.items()}
                asked = Asked(url.path, parse_qs(url.query), headers, body)
                self.asked.append(asked)
                status, more, data = answer(asked)
                handler.send_response(status)
                for name, value in {"content-type": "application/json", **more}.items():
                    handler.send_header(name, value)
                handler.send_header("content-length", str(len(data)))
                handler.end_headers()
                handler.wfile.write(data)

            def log_message(handler, *_: object) -> None:  # noqa: N805  # as above
                pass

        super().__init__(Handler, "stand-in")


def sse(*chunks: Any) -> Reply:
    """A stream of chunks, ended as OpenAI ends one."""
    lines = [
        chunk if isinstance(chunk, bytes) else b"data: " + json.dumps(chunk).encode() for chunk in chunks
    ]
    return 200, {"content-type": "text/event-stream"}, b"\n\n".join((*lines, b"data: [DONE]")) + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of a chat stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def completion(content: str, usage: dict[str, Any], finish: str = "stop", **message: Any) -> Reply:
    """An unstreamed chat answer."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    whole = {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    return 200, {}, json.dumps(whole).encode()


def problem(status: int, body: Any, **headers: str) -> Reply:
    """An error answer."""
    return (
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(body).encode(),
    )


# OpenAI-like providers


def groq(asked: Asked) -> Reply:
    """Counts a stream in `x_groq`; 400 for logprobs, logit_bias, n > 1; 498 when flex capacity is out."""
    for key in ("logprobs", "top_logprobs", "logit_bias"):
        if key in asked.json():
            return problem(
                400, {"error": {"message": f"`{key}` is not supported with this model", "type": "x"}}
            )
    if asked.json()["model"] == "mixtral-8x7b-32768":
        return problem(400, {"error": {"message": "The model has been decommissioned.", "type": "invalid_request_error",
                                       "code": "model_decommissioned"}})  # fmt: skip
    if asked.json().get("service_tier") == "flex":
        return problem(498, {"error": {"message": "Flex capacity exceeded", "type": "capacity_exceeded"}})
    usage = {
        "queue_time": 0.01,
        "prompt_tokens": 11,
        "completion_tokens": 2,
        "total_tokens": 13,
        "total_time": 0.1,
    }
    if asked.json().get("stream"):
        return sse(
            chunk({"role": "assistant", "content": "Hi"}, x_groq={"id": "req_1"}),
            chunk({}, "stop", x_groq={"id": "req_1", "usage": usage}),
        )
    return completion("Hi", usage)


def deepseek(asked: Asked) -> Reply:
    """Keep-alives before the answer, thinking in `reasoning_content`, cached tokens as `prompt_cache_hit_tokens`."""
    if "max_completion_tokens" in asked.json():
        return problem(400, {"error": {"message": "unknown field max_completion_tokens", "type": "x"}})
    if asked.json()["model"] == "deepseek-gone":
        return problem(400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error", "param": None,
                                       "code": "invalid_request_error"}})  # fmt: skip
    usage = {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109, "prompt_cache_hit_tokens": 64,
             "prompt_cache_miss_tokens": 36, "completion_tokens_details": {"reasoning_tokens": 6}}  # fmt: skip
    broken = "break off" in asked.body.decode()
    if asked.json().get("stream"):
        return sse(
            b": keep-alive",
            chunk({"role": "assistant", "content": None, "reasoning_content": "Hm."}),
            chunk({"content": "42", "reasoning_content": None}),
            chunk({"content": ""}, "insufficient_system_resource" if broken else "stop"),
            {"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": usage},
        )
    status, headers, body = completion("42", usage, reasoning_content="Hm.")
    return status, headers, b"\n\n\n" + body  # empty lines keep an unstreamed answer alive


def gemini(asked: Asked) -> Reply:
    """Errors wrapped in an array, thinking that only `total_tokens` counts, calls that come whole."""
    if asked.headers.get("authorization") != "Bearer g-key":
        return problem(400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                                        "status": "INVALID_ARGUMENT"}}])  # fmt: skip
    for key in ("store", "metadata", "user", "prompt_cache_key"):
        if key in asked.json():
            text = f'Invalid JSON payload received. Unknown name "{key}": Cannot find field.'
            return problem(400, [{"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}}])
    if asked.json()["model"] == "gemini-1.0-pro":
        text = "models/gemini-1.0-pro is not found for API version v1main"
        return problem(404, [{"error": {"code": 404, "message": text, "status": "NOT_FOUND"}}])
    usage = {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623}
    if asked.json().get("stream"):
        call = {"id": "f-1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'},
                "extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}  # fmt: skip
        other = {**call, "id": "f-2", "index": 1}
        return sse(
            chunk({"role": "assistant", "tool_calls": [{**call, "index": 0}]}),
            chunk({"tool_calls": [other]}, "tool_calls"),
            {"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": usage},
        )
    return completion("Sky.", usage)


def openrouter(asked: Asked) -> Reply:
    """Comments while it looks for a provider; an error after the 200 ends the stream with `finish_reason: error`."""
    if asked.json()["model"] == "no/such":
        return problem(400, {"error": {"message": "no/such is not a valid model ID", "code": 400}})
    if "flag me" in asked.body.decode():
        text = "Your chosen model requires moderation and your input was flagged"
        return problem(403, {"error": {"code": 403, "message": text, "metadata": {"reasons": ["x"]}}})
    return sse(
        b": OPENROUTER PROCESSING",
        chunk({"role": "assistant", "content": "Half"}),
        chunk({"content": ""}, "error", error={"code": 502, "message": "Provider disconnected"}),
    )


def azure(asked: Asked) -> Reply:
    """Its own key header; filters' notes before and in the answer; a filtered prompt is a 400."""
    if asked.headers.get("api-key") != "az-key":
        return problem(
            401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}
        )
    if "/deployments/gone/" in asked.path or asked.json().get("model") == "gone":
        text = "The API deployment for this resource does not exist."
        return problem(404, {"error": {"code": "DeploymentNotFound", "message": text}})
    if "flag me" in asked.body.decode():
        result = {"violence": {"filtered": True, "severity": "high"}}
        return problem(400, {"error": {
            "message": "The response was filtered due to the prompt triggering the content management policy.",
            "type": None, "param": "prompt", "code": "content_filter", "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result},
        }})  # fmt: skip
    safe = {"violence": {"filtered": False, "severity": "safe"}}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    if not asked.json().get("stream"):
        return completion("Hello", usage)
    noted = chunk({"content": "Hel"})
    noted["choices"][0]["content_filter_results"] = safe
    return sse(
        {"choices": [], "created": 0, "id": "", "model": "", "object": "",
         "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": safe}]},
        chunk({"role": "assistant", "content": ""}),
        noted,
        chunk({"content": "lo"}),
        chunk({}, "content_filter" if "filter the answer" in asked.body.decode() else "stop"),
        {"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": usage},
    )  # fmt: skip


# Amazon Bedrock


def frame(payload: bytes, **headers: str) -> bytes:
    """A message of AWS's event stream; header names without their colon, `_` for `-`."""
    packed = b"".join(
        struct.pack(">B", len(name) + 1) + b":" + name.replace("_", "-").encode() + b"\x07"
        + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def chunk_frame(event: dict[str, Any]) -> bytes:
    """One event of a message, as Bedrock frames it."""
    held = {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcdef"}
    return frame(
        json.dumps(held).encode(), event_type="chunk", content_type="application/json", message_type="event"
    )


MESSAGE_EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {
        "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 12, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 0,
                  "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
     "usage": {"output_tokens": 4}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 12, "outputTokenCount": 4, "invocationLatency": 100, "firstByteLatency": 50}},
]  # fmt: skip


def bedrock(asked: Asked) -> Reply:
    """Invocations of Anthropic's models: model in the path, version in the body, events in frames."""
    _, _, model, verb = unquote(asked.path).split("/", 3)
    body = asked.json()
    if verb == "count-tokens":  # what it holds is an invocation
        body = json.loads(base64.b64decode(body["input"]["invokeModel"]["body"], validate=True))
        if "max_tokens" not in body:
            return problem(400, {"message": "#: required key [max_tokens] not found"},
                           x_amzn_errortype="ValidationException")  # fmt: skip
    if "model" in body or "stream" in body or body.get("anthropic_version") != "bedrock-2023-05-31":
        text = "#: extraneous key [model] is not permitted"
        return problem(400, {"message": text}, x_amzn_errortype="ValidationException")
    signed = asked.headers.get("authorization", "")
    if not signed.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") and signed != "Bearer b-key":
        text = "The security token included in the request is invalid."
        return problem(
            403, {"message": text}, x_amzn_errortype="UnrecognizedClientException:http://internal/"
        )
    for name, (status, kind, text) in _BEDROCK_ERRORS.items():
        if name in model:
            return problem(status, {"message": text}, x_amzn_errortype=f"{kind}:http://internal/")
    if verb == "count-tokens":
        if not model.startswith("anthropic."):
            text = "The provided model doesn't support counting tokens."
            return problem(400, {"message": text}, x_amzn_errortype="ValidationException")
        return 200, {}, b'{"inputTokens":12}'
    if verb == "invoke-with-response-stream":
        return 200, {"content-type": "application/vnd.amazon.eventstream"}, b"".join(_bedrock_stream(asked))
    usage = {"input_tokens": 12, "cache_read_input_tokens": 30, "output_tokens": 4}
    whole = {"id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
             "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "stop_sequence": None,
             "usage": usage}  # fmt: skip
    return 200, {"x-amzn-requestid": "r-1"}, json.dumps(whole).encode()


_BEDROCK_ERRORS = {
    "throttled": (429, "ThrottlingException", "Too many tokens, please wait before trying again."),
    "invalid": (400, "ValidationException", "The provided model identifier is invalid."),
    "retired": (404, "ResourceNotFoundException", "This model version has reached the end of its life."),
    "forbidden": (
        403,
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
    ),
    "slow": (424, "ModelErrorException", "The model failed."),
}


def _bedrock_stream(asked: Asked) -> Iterator[bytes]:
    said = asked.body.decode()
    for i, event in enumerate(MESSAGE_EVENTS):
        if i == 4 and "break off" in said:
            yield frame(b'{"message":"Too many requests"}', exception_type="throttlingException",
                        content_type="application/json", message_type="exception")  # fmt: skip
            return
        if i == 4 and "be cut" in said:
            yield chunk_frame(event)[:20]
            return
        yield chunk_frame(event)
