"""The control plane: health, readiness, models, metrics and documentation. FastAPI, and never the data plane."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from adapters.call import Dialect
from gateway.access.keys import AccessDenied, digest
from gateway.api.errors import HttpError, in_anthropics_words, openai_error, render
from gateway.api.feedback import Take, add_feedback
from gateway.api.files import List, add_files
from gateway.api.paths import BELOW, PATHS, SUMMARIES, anthropic, near
from gateway.metering.prometheus import CONTENT_TYPE
from gateway.pipeline.faults import NoSuchModel, no_such_model
from gateway.pipeline.pipeline import Runtime, shown_key

_DESCRIPTION: Final = """
Point an OpenAI SDK's base URL at `/v1`, or an Anthropic SDK's at `/`, and change nothing else. Send your Weir key as
`Authorization: Bearer …` or as `x-api-key`.

Optional request headers: `x-weir-action`, `x-weir-workflow`, `x-weir-conversation`, `x-weir-sensitivity` (raises the
label, never lowers it), `x-weir-debug: 1` (the answer carries the decision and the charge).
"""


@dataclass(frozen=True, slots=True)
class Control:
    """What the control plane shows: the runtime in force, metrics, whether all is ready, a tenant's files; who takes
    feedback."""

    version: str
    runtime: Callable[[], Runtime]
    scrape: Callable[[], Awaitable[bytes]]
    readiness: Callable[[], tuple[bool, dict[str, Any]]]
    feedback: Take
    files: List


def control_app(control: Control) -> FastAPI:
    """Every path but the data plane's."""
    app = FastAPI(title="Weir", version=control.version, description=_DESCRIPTION)
    _add_health(app, control)
    _add_models(app, control)
    add_feedback(app, control.runtime, control.feedback)
    add_files(app, control.runtime, control.files)
    _add_metrics(app, control, always=False)

    for path, dialect in PATHS.items():
        _document(app, path, dialect, "POST")
    for path, (dialect, methods) in BELOW.items():
        for method in methods:
            _document(app, path, dialect, method)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def unknown(request: Request) -> Response:
        return _refusal(request, _unknown_url(request.method, request.url.path))

    return app


def metrics_app(control: Control) -> FastAPI:
    """Metrics alone, for a port of their own."""
    app = FastAPI(title="Weir metrics", docs_url=None, redoc_url=None, openapi_url=None)
    _add_metrics(app, control, always=True)
    return app


async def warm(app: FastAPI) -> None:
    """Answer a request for metrics that nobody sent. At its first request FastAPI puts itself together and reads the
    source of what is asked, for five milliseconds and more: they belong to the start."""

    async def nothing() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def nowhere(_: MutableMapping[str, Any]) -> None:
        """Who asked is not there."""

    asked = {"type": "http", "method": "GET", "path": "/metrics", "query_string": b"", "headers": []}
    await app(asked, nothing, nowhere)


def _add_health(app: FastAPI, control: Control) -> None:
    @app.get("/healthz", summary="Whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether requests would be served, and what stands in the way")
    async def readyz() -> JSONResponse:
        ready, detail = control.readiness()
        return JSONResponse({"status": "ready" if ready else "not ready", **detail}, 200 if ready else 503)


def _document(app: FastAPI, path: str, dialect: Dialect, method: str) -> None:
    """Show one of the data plane's paths on the documentation's page. What comes here nonetheless is none of its: an id
    that names nothing."""

    @app.api_route(
        path,
        methods=[method],
        name=dialect,
        summary=SUMMARIES[dialect],
        description="Served by the data plane, before this application.",
    )
    async def not_here(request: Request) -> Response:
        return _refusal(request, _unknown_url(request.method, request.url.path))


def _unknown_url(method: str, path: str) -> HttpError:
    meant = near(path)
    advice = f"Did you mean POST {meant}?" if meant else "GET /docs lists what it serves."
    message = f"Weir does not serve {method} {path[:200]}. {advice}"
    return openai_error(404, message, "invalid_request_error", "unknown_url")


def _add_models(app: FastAPI, control: Control) -> None:
    def visible_to(request: Request) -> tuple[str, ...]:
        runtime = control.runtime()
        key = shown_key(lambda name: _header(request, name))
        principal = runtime.keyring.authenticate(key)
        return runtime.engines.policy.visible_models(principal.tenant)

    @app.exception_handler(AccessDenied)
    async def denied(request: Request, error: Exception) -> Response:
        return _refusal(request, render(error))

    @app.get("/v1/models", summary="The models this key may use; Anthropic's list with `anthropic-version`")
    async def models(request: Request) -> Response:
        names = visible_to(request)
        return JSONResponse(_anthropics_list(names) if _for_anthropic(request) else _openais_list(names))

    @app.get("/v1/models/{name:path}", summary="One model, if this key may use it")
    async def model(name: str, request: Request) -> Response:
        if name not in visible_to(request):
            return _refusal(request, render(NoSuchModel(no_such_model(name))))
        return JSONResponse(_anthropics_model(name) if _for_anthropic(request) else _openais_model(name))


def _openais_list(names: tuple[str, ...]) -> dict[str, Any]:
    return {"object": "list", "data": [_openais_model(name) for name in names]}


def _openais_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "weir"}


def _anthropics_list(names: tuple[str, ...]) -> dict[str, Any]:
    first, last = (names[0], names[-1]) if names else (None, None)
    listed = [_anthropics_model(name) for name in names]
    return {"data": listed, "has_more": False, "first_id": first, "last_id": last}


def _anthropics_model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def _for_anthropic(request: Request) -> bool:
    return anthropic(request.url.path, request.headers.get("anthropic-version"))


def _refusal(request: Request, error: HttpError) -> Response:
    """An error in the words of the client's dialect."""
    if _for_anthropic(request):
        error = in_anthropics_words(error, f"req-{secrets.token_hex(12)}")
    return _response(error)


def _header(request: Request, name: bytes) -> bytes | None:
    value = request.headers.get(name.decode())
    return value.encode("latin-1") if value else None


def _add_metrics(app: FastAPI, control: Control, *, always: bool) -> None:
    @app.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        settings = control.runtime().snapshot.server.metrics
        if not always and settings.port is not None:
            return _response(
                openai_error(
                    404,
                    f"Metrics are served on port {settings.port}.",
                    "invalid_request_error",
                    "unknown_url",
                )
            )
        if settings.sha256 is not None:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or digest(token.strip()) != settings.sha256:
                return _response(
                    openai_error(
                        401, "Metrics want their bearer token.", "invalid_request_error", "invalid_api_key"
                    )
                )
        return Response(await control.scrape(), media_type=CONTENT_TYPE)


def _response(error: HttpError) -> Response:
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.body, error.status, headers)
