"""Turns what went wrong into HTTP: the only place that does. Bodies have OpenAI's shape, or Anthropic's where
that is what the client speaks, and SDKs raise the right class for each; no message holds a key, a prompt or a
value that was found in one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from adapters.call import Dialect, Headers, Refusal
from adapters.dialects.checks import InvalidRequest
from adapters.document import InvalidDocument
from adapters.errors import UpstreamError
from adapters.refusals import read_complaint
from gateway.access.keys import AccessDenied
from gateway.dispatch.attempt import CannotCarry, NoTargetLeft, Refused
from gateway.metering.budgets.budgets import CannotCount, OverBudget, OverRate
from gateway.pipeline.faults import (
    Blocked,
    BodyTooLarge,
    BodyTooSlow,
    ClientGone,
    NoSuchModel,
    NoSuchObject,
    Overloaded,
)

_JSON: Final = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class HttpError:
    """One error answer."""

    status: int
    body: bytes
    headers: Headers = ()


def openai_error(
    status: int,
    message: str,
    kind: str,
    code: str | None = None,
    param: str | None = None,
    headers: Headers = (),
) -> HttpError:
    """An error answer in OpenAI's words: `{"error": {message, type, param, code}}`."""
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})
    return HttpError(status, body, (_JSON, *headers))


# Weir's own failure, as opposed to a provider's 500 that is passed on: it says nothing of its cause.
FAULT: Final = openai_error(
    500, "Weir failed on this request; its log has the cause.", "server_error", "internal"
)


def render(error: Exception) -> HttpError:
    """The answer for an error of the gateway; FAULT for anything unforeseen."""
    for kind, answer in _ANSWERS.items():
        if isinstance(error, kind):
            return answer(error)
    return FAULT


def in_anthropics_words(error: HttpError, request_id: str) -> HttpError:
    """The same for a client of Anthropic's: `{"type": "error", "error": {type, message}, "request_id"}`."""
    status = _ANTHROPIC_STATUSES.get(error.status, error.status)
    kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    told = {"type": kind, "message": read_complaint(error.body).message}
    body = orjson.dumps({"type": "error", "error": told, "request_id": request_id})
    return HttpError(status, body, (*error.headers, (b"request-id", request_id.encode())))


_ANTHROPICS: Final[frozenset[Dialect]] = frozenset({"messages", "count_tokens"})
CLIENT_GONE: Final = 499  # nobody gets it: the word of web servers' logs for a client that did not wait
_ANTHROPIC_STATUSES: Final = {503: 529}  # Anthropic's own status for an overload
_ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def method_not_allowed(method: str, path: str, methods: frozenset[str]) -> HttpError:
    """A path of the data plane asked with another method than it takes."""
    taken = sorted(methods)
    return openai_error(
        405,
        f"{path[:200]} takes {' and '.join(taken)}, not {method[:16]}.",
        "invalid_request_error",
        "method_not_allowed",
        headers=((b"allow", ", ".join(taken).encode()),),
    )


def status_of(error: Exception, dialect: Dialect) -> int:
    """The HTTP status an error is answered with, to a client of that dialect; CLIENT_GONE where nobody is left."""
    if isinstance(error, ClientGone):
        return CLIENT_GONE
    status = render(error).status
    return _ANTHROPIC_STATUSES.get(status, status) if dialect in _ANTHROPICS else status


def _access_denied(error: AccessDenied) -> HttpError:
    challenge = ((b"www-authenticate", b'Bearer realm="weir"'),)
    code = None if error.reason == "missing" else "invalid_api_key"
    return openai_error(401, str(error), "invalid_request_error", code, headers=challenge)


def _invalid_document(error: InvalidDocument) -> HttpError:
    return openai_error(400, f"Weir cannot read the request: {error}.", "invalid_request_error", error.fault)


def _invalid_request(error: InvalidRequest) -> HttpError:
    return openai_error(400, str(error), "invalid_request_error", error.code, error.param)


def _no_such_model(error: NoSuchModel) -> HttpError:
    return openai_error(404, str(error), "invalid_request_error", "model_not_found", "model")


def _no_such_object(error: NoSuchObject) -> HttpError:
    return openai_error(404, str(error), "invalid_request_error", error.code)


def _blocked(error: Blocked) -> HttpError:
    return openai_error(403, str(error), "permission_error", "blocked_by_policy")


def _cannot_carry(error: CannotCarry) -> HttpError:
    return openai_error(400, str(error), "invalid_request_error", "unsupported_parameter", error.field)


def _body_too_large(error: BodyTooLarge) -> HttpError:
    return openai_error(
        413, str(error), "invalid_request_error", "request_too_large", headers=((b"connection", b"close"),)
    )


def _body_too_slow(error: BodyTooSlow) -> HttpError:
    return openai_error(
        408, str(error), "invalid_request_error", "request_timeout", headers=((b"connection", b"close"),)
    )


def _overloaded(error: Overloaded) -> HttpError:
    retry = ((b"retry-after", b"%d" % error.retry_after),)
    return openai_error(503, str(error), "server_error", "overloaded", headers=retry)


def _over_budget(error: OverBudget) -> HttpError:
    headers = (
        (b"retry-after", b"%d" % error.retry_after),
        (b"x-should-retry", b"false"),  # nothing is renewed while a client library waits
    )
    return openai_error(429, str(error), "insufficient_quota", "insufficient_quota", headers=headers)


def _over_rate(error: OverRate) -> HttpError:
    kind = "tokens" if error.limit.measure.unit == "tokens" else "requests"
    retry = ((b"retry-after", b"%d" % error.retry_after),)
    return openai_error(429, str(error), kind, "rate_limit_exceeded", headers=retry)


def _cannot_count(error: CannotCount) -> HttpError:
    retry = ((b"retry-after", b"%d" % error.retry_after),)
    return openai_error(503, str(error), "server_error", "limits_unavailable", headers=retry)


def _refused(error: Refused) -> HttpError:
    return HttpError(error.refusal.status, error.refusal.body, (_JSON, *error.headers))


def _no_target_left(error: NoTargetLeft) -> HttpError:
    last = error.last
    if isinstance(last, Refusal):
        status = 502 if last.kind == "ours" or last.status < 400 else last.status
        status = 404 if last.kind == "gone" else status  # client libraries ask a 5xx again, in vain
        return HttpError(status, last.body, (_JSON, *error.headers))
    if isinstance(last, UpstreamError) and last.failure.endswith("_timeout"):
        return openai_error(
            504,
            f"The model took too long to answer ({last.failure.replace('_', ' ')}, {_tries(error.attempts)}). "
            "Try again later.",
            "server_error",
            "upstream_timeout",
        )
    return openai_error(
        502,
        f"No permitted model could be reached ({_tries(error.attempts)}). Try again later.",
        "server_error",
        "upstream_unreachable",
    )


def _tries(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


_ANSWERS: Final[dict[type[Exception], Callable[[Any], HttpError]]] = {
    AccessDenied: _access_denied,
    InvalidDocument: _invalid_document,
    InvalidRequest: _invalid_request,
    NoSuchModel: _no_such_model,
    NoSuchObject: _no_such_object,
    Blocked: _blocked,
    CannotCarry: _cannot_carry,
    BodyTooLarge: _body_too_large,
    BodyTooSlow: _body_too_slow,
    Overloaded: _overloaded,
    OverBudget: _over_budget,
    OverRate: _over_rate,
    CannotCount: _cannot_count,
    Refused: _refused,
    NoTargetLeft: _no_target_left,
}
