"""What a provider's error answer means for the caller, whichever provider worded it."""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from adapters.call import Refusal
from adapters.dialects.chat.answer import write_error

_identifier = re.compile(r"[\w.\[\]-]{1,80}").fullmatch  # codes and parameter paths; never a sentence
_about_a_model = (
    re.compile(  # "no endpoints": OpenRouter, where none of a model's providers can what is asked
        r"\bmodels?\b|^no endpoints found\b", re.IGNORECASE
    ).search
)
_about_the_text = re.compile(
    r"\b(?:flagged|moderation|usage guidelines|content policy)\b", re.IGNORECASE
).search
_about_a_key = re.compile(r"\bapi[ _-]?key\b", re.IGNORECASE).search

Kind = Literal["client", "busy", "broken", "ours", "gone"]

_BUSY: Final = frozenset({408, 409, 425, 429, 498, 503, 529})  # 498: Groq, out of flex capacity
_OURS: Final = frozenset({401, 402, 403, 405, 407})
_GONE: Final = frozenset(  # codes and types of 400s and 404s about the model
    ("model_not_found", "DeploymentNotFound", "model_decommissioned", "model_not_available", "invalid_model")
)
_no_such_model = re.compile(  # what providers say in a 400 that has no code for it
    r"model not exist|not a valid model id|invalid model\b|unknown model|model .{1,80} does not exist",
    re.IGNORECASE,
).search
_STATUS_OF: Final = {  # a code, or else a type, of an error → the status that says the same
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "RESOURCE_EXHAUSTED": 429,
    "overloaded_error": 529,
    "UNAVAILABLE": 503,
    "timeout_error": 408,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "invalid_request_error": 400,
    "BadRequestError": 400,
    "INVALID_ARGUMENT": 400,
}
_TYPES: Final = {400: "invalid_request_error", 404: "invalid_request_error", 413: "invalid_request_error",
                 422: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Complaint:
    """A provider's error in its parts, whatever the shape it came in; "" where a part is missing."""

    message: str
    kind: str
    code: str
    param: str
    openai_shaped: bool  # `{"error": {"message": …}}`: fit for the client as it is


def read_complaint(body: bytes) -> Complaint:
    """Shapes known: OpenAI `{"error":{message,type,param,code}}`, vLLM the same with an int code,
    `{"error":"Unauthorized"}` or `{"detail":…}`, Anthropic `{"type":"error","error":{type,message}}`."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Complaint("", "", "", "", openai_shaped=False)
    wrapped = isinstance(answer, list) and bool(answer)  # as Gemini's endpoint does with its error
    if wrapped:
        answer = answer[0]
    if not isinstance(answer, dict):
        return Complaint("", "", "", "", openai_shaped=False)
    error: Any = answer.get("error", answer.get("detail", answer))
    if not isinstance(error, dict):
        return Complaint(_sentence(error), "", _text(answer.get("code")), "", openai_shaped=False)
    part = {key: _text(error.get(key)) for key in ("type", "code", "param")}
    part["message"] = _sentence(error.get("message"))
    plain = error is answer.get("error") and not wrapped and answer.get("type") != "error"
    shaped = plain and isinstance(error.get("message"), str) and bool(part["message"])
    return Complaint(part["message"], part["type"], part["code"], part["param"], openai_shaped=shaped)


def status_under(body: bytes) -> int:
    """The status that an error which came under a 200 should have had: the one it names (OpenRouter, vLLM), or what
    its code or type stands for; 502 where it says neither."""
    complaint = read_complaint(_of_choice(body))
    for word in (complaint.code, complaint.kind):
        if word.isdecimal() and 400 <= int(word) < 600:
            return int(word)
        if word in _STATUS_OF:
            return _STATUS_OF[word]
    return 502


def _of_choice(body: bytes) -> bytes:
    """The error of an answer's only choice, where that has one; else the body itself."""
    answer = orjson.loads(body)
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    inner = first.get("error") if isinstance(first, dict) and not answer.get("error") else None
    return orjson.dumps({"error": inner}) if isinstance(inner, dict) else body


def judge(status: int, body: bytes, *, secret: str | None = None) -> Refusal:
    """What the gateway makes of a non-2xx answer. `secret` is our key: no body that holds it is passed on."""
    complaint = read_complaint(body)
    leaks = secret is not None and secret.encode() in body
    kind = "ours" if leaks else _kind(status, complaint)
    if kind in ("client", "gone"):
        shown = body if complaint.openai_shaped else _worded(status, complaint, kind)
        return Refusal(status, kind, _record(status, complaint), shown)
    shown_status, sentence, error_type, code = _OWN_WORDS[kind]
    if kind != "ours":
        shown_status = {529: 503}.get(status, status if status >= 400 else shown_status)
    shown = write_error(sentence, _TYPES.get(shown_status, error_type), None, code)
    return Refusal(shown_status, kind, _record(status, complaint), shown)


_OWN_WORDS: Final[dict[str, tuple[int, str, str, str]]] = {  # kind → status, message, type, code
    "busy": (
        503,
        "The provider is busy or over its rate limit. Try again later.",
        "api_error",
        "provider_busy",
    ),
    "broken": (502, "The provider failed to answer.", "api_error", "provider_error"),
    "ours": (
        502,
        "The provider refused the gateway itself: the gateway's configuration is at fault, "
        "not your request or key. Tell whoever runs it.",
        "api_error",
        "gateway_misconfigured",
    ),
}


def _kind(status: int, complaint: Complaint) -> Kind:
    if status in _BUSY:
        return "busy"
    if status >= 500 or status < 400:
        return "broken"
    if status == 410 or (status in (400, 404) and not _GONE.isdisjoint((complaint.code, complaint.kind))):
        return "gone"
    if status == 403 and _about_the_text(complaint.message):
        return "client"
    if status in _OURS or (status == 400 and _about_our_side(complaint)):
        return "ours"
    if status == 400 and _no_such_model(complaint.message):
        return "gone"
    if status == 404:
        return _missing(complaint)
    return "client"


def _about_our_side(complaint: Complaint) -> bool:
    """Whether a 400 speaks of our key, or of a deployment that is not made for what is asked of it (Azure)."""
    return complaint.code == "OperationNotSupported" or _about_a_key(complaint.message) is not None


def _missing(complaint: Complaint) -> Kind:
    """A 404 speaks of a model that is gone, of what the client named, or of a path our base URL got wrong."""
    if complaint.param == "model" or _about_a_model(complaint.message):
        return "gone"
    if not complaint.kind or complaint.message.startswith("Invalid URL"):
        return "ours"
    return "client"


def _worded(status: int, complaint: Complaint, kind: Kind) -> bytes:
    """A complaint in another shape, in OpenAI's."""
    code = "model_not_found" if kind == "gone" else complaint.code or None
    message = complaint.message or f"The provider refused the request with status {status}."
    return write_error(message, _TYPES.get(status, "invalid_request_error"), complaint.param or None, code)


def _record(status: int, complaint: Complaint) -> str:
    """The complaint for logs: codes and parameter names, since messages may quote the prompt or a key."""
    known = (part for part in (complaint.kind, complaint.code, complaint.param) if part and _identifier(part))
    return " ".join((str(status), *known))


def _sentence(value: object) -> str:
    """What an error says: text, or the faults that a validator lists (Mistral, vLLM), each with its place."""
    if isinstance(value, dict):
        value = value.get("detail", value.get("message"))
    if isinstance(value, list):
        faults = [fault for fault in value if isinstance(fault, dict)]
        return "; ".join(f"{_place(fault.get('loc'))}: {_text(fault.get('msg'))}" for fault in faults)
    return _text(value)


def _place(location: object) -> str:
    steps = location if isinstance(location, list) else []
    return ".".join(str(step) for step in steps if step != "body") or "body"


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
