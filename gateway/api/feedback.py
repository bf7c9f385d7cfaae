"""`POST /v1/feedback`: what an application says of an action, in TensorZero's shape."""

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from adapters.dialects.checks import InvalidRequest
from adapters.document import InvalidDocument, parse
from gateway.access.keys import AccessDenied
from gateway.api.errors import HttpError, openai_error, render
from gateway.metering.actions.actions import CannotLookUp, NoSuchAction
from gateway.metering.actions.feedback import Feedback
from gateway.pipeline.pipeline import Runtime, shown_key

Take = Callable[[str, Feedback], Awaitable[str]]  # tenant and statement; its id

_LARGEST: Final = 16 * 1024  # bytes
_MOST_TAGS: Final = 16
_LONGEST_ID: Final = 512
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,63}")  # no free text: it would end in the ledger
_DESCRIPTION: Final = """
Say of an action (`episode_id`: its `x-weir-action`) or of one request (`inference_id`: its `x-weir-request-id`) how it
went: `{"metric_name": "task_success", "episode_id": "a-1", "value": true, "tags": {"by": "form"}}`.

A boolean says success or failure, a number counts where `actions.outcomes` sets a threshold, a string is one word.
An action is closed when it has been quiet for the configured time; feedback after that still corrects the ledger.
"""
_EXAMPLE: Final = {"metric_name": "task_success", "episode_id": "a-1", "value": True}


def add_feedback(app: FastAPI, runtime: Callable[[], Runtime], take: Take) -> None:
    """Serve the path on `app`."""

    @app.post(
        "/v1/feedback",
        summary="Say whether an action succeeded",
        description=_DESCRIPTION,
        openapi_extra={"requestBody": {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    async def feedback(request: Request) -> Response:
        def header(name: bytes) -> bytes | None:
            value = request.headers.get(name.decode())
            return value.encode("latin-1") if value else None

        try:
            principal = runtime().keyring.authenticate(shown_key(header))
            said = read(parse(await _body(request)).values)
            return JSONResponse({"feedback_id": await take(principal.tenant, said)})
        except (AccessDenied, InvalidDocument, InvalidRequest) as error:
            return _response(render(error))
        except NoSuchAction as error:
            return _response(openai_error(404, str(error), "invalid_request_error", "no_such_action"))
        except CannotLookUp as error:
            return _response(openai_error(503, str(error), "server_error", "ledger_unavailable"))


def read(values: Mapping[str, Any]) -> Feedback:
    """The statement in a body. Raises InvalidRequest."""
    unknown = values.keys() - {"metric_name", "episode_id", "inference_id", "value", "tags"}
    if unknown:
        name = min(unknown)[:64]
        raise InvalidRequest(f"Feedback has no member {name!r}.", name, "unknown_parameter")
    metric = values.get("metric_name")
    if not isinstance(metric, str) or not _NAME.fullmatch(metric):
        raise InvalidRequest(
            "`metric_name` is a name of letters, digits, `_`, `.`, `:` and `-`.",
            "metric_name",
            "invalid_value",
        )
    action, request = _identity(values, "episode_id"), _identity(values, "inference_id")
    if bool(action) == bool(request):
        raise InvalidRequest(
            "Name either the action (`episode_id`) or one request (`inference_id`).",
            "episode_id",
            "missing_required_parameter",
        )
    return Feedback(metric, _value(values.get("value")), action, request, _tags(values.get("tags")))


def _identity(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        raise InvalidRequest(
            f"`{name}` is a string of at most {_LONGEST_ID} characters.", name, "invalid_value"
        )
    return value


def _value(value: object) -> bool | float | str:
    if isinstance(value, bool) or (isinstance(value, str) and _WORD.fullmatch(value)):
        return value
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e300:
        return float(value)
    raise InvalidRequest(
        "`value` is true, false, a number, or one word of at most 64 letters: the ledger keeps no free text.",
        "value",
        "invalid_value",
    )


def _tags(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_TAGS:
        raise InvalidRequest(f"`tags` has at most {_MOST_TAGS} names.", "tags", "invalid_value")
    for name, tag in value.items():
        if not _NAME.fullmatch(name) or not isinstance(tag, str) or not _WORD.fullmatch(tag):
            raise InvalidRequest("Each of the `tags` is a name with one word.", "tags", "invalid_value")
    return value


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST:
            raise InvalidRequest(f"Feedback has at most {_LARGEST:,} bytes.", None, "request_too_large")
    return body


def _response(error: HttpError) -> Response:
    return Response(
        error.body, error.status, {name.decode(): value.decode() for name, value in error.headers}
    )
