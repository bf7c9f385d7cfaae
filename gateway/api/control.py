"""The control plane: health, readiness, models, metrics and documentation. FastAPI, and never the data plane."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from gateway.access.keys import AccessDenied, digest
from gateway.api.errors import HttpError, openai_error, render
from gateway.metering.prometheus import CONTENT_TYPE
from gateway.pipeline.faults import NoSuchModel, no_such_model
from gateway.pipeline.pipeline import Runtime

_DESCRIPTION: Final = """
Point an OpenAI SDK's base URL at `/v1` and change nothing else. Send your Weir key as `Authorization: Bearer …`.

Optional request headers: `x-weir-action`, `x-weir-workflow`, `x-weir-conversation`, `x-weir-sensitivity` (raises the
label, never lowers it), `x-weir-debug: 1` (the answer carries the decision and the charge).
"""


@dataclass(frozen=True, slots=True)
class Control:
    """What the control plane shows: the runtime in force, the metrics, and whether it all is ready."""

    version: str
    runtime: Callable[[], Runtime]
    scrape: Callable[[], Awaitable[bytes]]
    readiness: Callable[[], tuple[bool, dict[str, Any]]]


def control_app(control: Control) -> FastAPI:
    """Every path but the data plane's."""
    app = FastAPI(title="Weir", version=control.version, description=_DESCRIPTION)
    _add_health(app, control)
    _add_models(app, control)
    _add_metrics(app, control, always=False)

    @app.post(
        "/v1/chat/completions",
        summary="OpenAI chat completions",
        description="Any OpenAI chat request, streamed or not. Served by the data plane, before this application.",
    )
    async def chat_completions() -> Response:
        return _response(
            openai_error(500, "The data plane is not in front of this application.", "server_error")
        )

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def unknown(path: str, request: Request) -> Response:
        return _response(
            openai_error(
                404,
                f"Weir does not serve {request.method} /{path[:200]}. It serves POST /v1/chat/completions and "
                "GET /v1/models; /docs lists everything.",
                "invalid_request_error",
                "unknown_url",
            )
        )

    return app


def metrics_app(control: Control) -> FastAPI:
    """Metrics alone, for a port of their own."""
    app = FastAPI(title="Weir metrics", docs_url=None, redoc_url=None, openapi_url=None)
    _add_metrics(app, control, always=True)
    return app


def _add_health(app: FastAPI, control: Control) -> None:
    @app.get("/healthz", summary="Whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether requests would be served, and what stands in the way")
    async def readyz() -> JSONResponse:
        ready, detail = control.readiness()
        return JSONResponse({"status": "ready" if ready else "not ready", **detail}, 200 if ready else 503)


def _add_models(app: FastAPI, control: Control) -> None:
    def visible_to(request: Request) -> tuple[str, ...]:
        runtime = control.runtime()
        header = request.headers.get("authorization")
        principal = runtime.keyring.authenticate(
            header.encode("latin-1") if header else None, datetime.now(UTC)
        )
        return runtime.engines.policy.visible_models(principal.tenant)

    @app.exception_handler(AccessDenied)
    async def denied(_: Request, error: Exception) -> Response:
        return _response(render(error))

    @app.get("/v1/models", summary="The models this key may use")
    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in visible_to(request)]})

    @app.get("/v1/models/{name:path}", summary="One model, if this key may use it")
    async def model(name: str, request: Request) -> Response:
        if name in visible_to(request):
            return JSONResponse(_model(name))
        return _response(render(NoSuchModel(no_such_model(name))))


def _model(name: str) -> dict[str, Any]:
    """A model as OpenAI lists it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "weir"}


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
