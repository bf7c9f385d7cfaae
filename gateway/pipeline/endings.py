"""How a journey that ends before its answer is booked: for each error that ends one, its outcome and its class."""

from typing import Final

from adapters.dialects.checks import InvalidRequest
from adapters.document import InvalidDocument
from gateway.dispatch.attempt import CannotCarry, NoTargetLeft, Refused
from gateway.ledger.records import Outcome
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

_ENDINGS: Final[tuple[tuple[type[Exception], Outcome, str], ...]] = (
    (InvalidDocument, "refused", "invalid_body"),
    (InvalidRequest, "refused", "invalid_request"),
    (NoSuchModel, "refused", "no_such_model"),
    (NoSuchObject, "refused", "no_such_object"),
    (Blocked, "refused", "blocked"),
    (CannotCarry, "refused", "cannot_carry"),
    (BodyTooLarge, "refused", "body_too_large"),
    (BodyTooSlow, "refused", "body_too_slow"),
    (Overloaded, "refused", "overloaded"),
    (OverBudget, "refused", "over_budget"),
    (OverRate, "refused", "over_rate"),
    (CannotCount, "refused", "state_gone"),
    (ClientGone, "cancelled", "client_gone"),
    (Refused, "rejected", "client_error"),
    (NoTargetLeft, "failed", "no_target_left"),
)
EARLY: Final = tuple(kind for kind, _, _ in _ENDINGS)  # what ends a journey so


def ending(error: Exception) -> tuple[Outcome, str]:
    """The outcome and the error's class that one of EARLY is booked with: the first that fits counts."""
    return next((outcome, name) for kind, outcome, name in _ENDINGS if isinstance(error, kind))
