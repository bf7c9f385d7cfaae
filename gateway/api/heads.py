"""What goes into heads and refusals of the data plane, whichever face a request came in by."""

from typing import Final

from adapters.call import Headers, header
from gateway.api.errors import HttpError
from gateway.api.paths import anthropic
from gateway.pipeline.faults import BodyTooLarge, BodyTooSlow

DISCARD_SECONDS: Final = 5.0  # of a body that is too large
ALLOWED_REQUEST_HEADERS: Final = frozenset(
    {b"x-request-id", b"traceparent", b"tracestate", b"idempotency-key", b"openai-beta", b"anthropic-beta"}
)


def allowed(headers: list[tuple[bytes, bytes]]) -> Headers:
    """The request headers that may travel on to a provider."""
    return tuple([pair for pair in headers if pair[0] in ALLOWED_REQUEST_HEADERS])


def answer_headers(path: str, headers: Headers) -> Headers:
    """An answer's headers as the clients of this path expect them: Anthropic's libraries know a request by its
    `request-id`, whoever answered it."""
    if not anthropic(path) or header(headers, b"request-id") is not None:
        return headers
    return (*headers, (b"request-id", header(headers, b"x-request-id") or b""))


def error_headers(error: HttpError, notes: Headers, identity: str) -> Headers:
    """An error answer's headers, with what is known of the request; a provider's own request id stays."""
    ours = identity.encode()
    headers = (
        *error.headers,
        *notes,
        (b"content-length", b"%d" % len(error.body)),
        (b"x-weir-request-id", ours),
    )
    return headers if header(headers, b"x-request-id") is not None else (*headers, (b"x-request-id", ours))


def is_over(length: bytes | None, limit: int) -> bool:
    """Whether a content-length announces more than `limit` bytes."""
    return length is not None and length.isdigit() and int(length) > limit


def too_large(limit: int) -> BodyTooLarge:
    """The refusal of a body over `limit` bytes."""
    return BodyTooLarge(
        f"The request's body is over this gateway's limit of {limit:,} bytes. Send less, or have "
        "`server.max_body` raised."
    )


def too_slow(seconds: float) -> BodyTooSlow:
    """The refusal of a body that took longer than `seconds`."""
    return BodyTooSlow(
        f"The request's body did not arrive within {seconds:g} seconds. Send it faster or smaller."
    )
