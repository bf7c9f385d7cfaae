"""Why a request's journey can end before a model is asked. Messages are fit for the client."""

from typing import Final


class Blocked(Exception):  # noqa: N818  # it names a verdict
    """Boundaries leave no model for this request. `boundaries` names them, never what was found."""

    def __init__(self, boundaries: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.boundaries: Final = boundaries


class NoSuchModel(Exception):  # noqa: N818  # it names an answer
    """The application named a model that no configuration knows."""


class NoSuchObject(Exception):  # noqa: N818  # it names an answer
    """The request names something kept that is not its tenant's, or nobody's. `code` is the answer's."""

    def __init__(self, message: str, code: str | None = "object_not_found") -> None:
        super().__init__(message)
        self.code: Final = code


class BodyTooLarge(Exception):  # noqa: N818  # it names an answer
    """The request's body is over the configured limit."""


class BodyTooSlow(Exception):  # noqa: N818  # it names an answer
    """The request's body did not arrive in the configured time."""


class Overloaded(Exception):  # noqa: N818  # it names an answer
    """Weir cannot take the request now. `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after: Final = retry_after


class ClientGone(Exception):  # noqa: N818  # it names an event
    """The client left before its request was whole."""


def no_such_model(name: str) -> str:
    """What a client that named an unknown model is told."""
    return f"The model {name[:128]!r} does not exist or this key may not use it. GET /v1/models lists those it may."
