"""What the journal is told of a journey: its attempts and itself, as members and not as records.

Two of them are written for every request and read by nobody here: to make a record of each, field by field, only to
take it apart again would cost three times as much. Members stand in the order of the record's columns, and those at
their default are left out: so a record of the same facts is written to the very same bytes.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.chat import TokenUsage
from gateway.dispatch.attempt import Attempt
from gateway.ledger.encoding import Entry, plain_decimal
from gateway.ledger.records import Outcome, attempt_id
from gateway.metering.charges import Charge
from gateway.pipeline.journey import Journey, Settled
from routers.signals import Signals

# What an application calls a model that is none is kept where it may be a name: it could be anything else.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._:/@-]{0,99}")
_ATTEMPT_OUTCOMES: Final[dict[str, Outcome]] = {
    "ok": "ok",
    "client_error": "rejected",
    "refused": "failed",
    "set_aside": "ok",  # whole, but not the client's; its error says why
    "failed": "failed",
    "cut": "cut",
    "cancelled": "cancelled",
}


@dataclass(slots=True)
class End:
    """How a request ended, and what an action and the metrics are told of that. `status` is the client's, `at` UTC."""

    id: str
    at: int
    tenant: str
    workflow: str
    action: str
    status: int
    outcome: Outcome
    error: str
    duration_ns: int
    ttft_ns: int | None
    overhead_ns: int


def end_of(journey: Journey, status: int, outcome: Outcome, error: str) -> End:
    """It ends now, so."""
    purpose, last = journey.purpose, journey.last
    return End(
        journey.id,
        journey.at,
        journey.principal.tenant,
        purpose.workflow,
        purpose.action,
        status,
        outcome,
        error,
        time.monotonic_ns() - journey.arrived,
        None if last is None or last.first_token is None else last.first_token - journey.arrived,
        journey.overhead_ns,
    )


def entries(journey: Journey, end: End) -> list[Entry]:
    """Those of its attempts, and behind them its own."""
    return [*attempt_entries(journey), request_entry(journey, end)]


def attempt_entries(journey: Journey) -> list[Entry]:
    """One for each attempt."""
    return [("attempt", _attempt(journey, settled)) for settled in journey.settled]


def request_entry(journey: Journey, end: End) -> Entry:
    """The request's own, with the sums over its attempts."""
    found: dict[str, Any] = {"id": journey.id, "at": journey.at, "tenant": end.tenant}
    _asked(found, journey)
    _route(found, journey)
    last = journey.last
    if last is not None:
        permit = last.permit
        found["model"] = permit.model
        found["backend"] = permit.backend
        found["replica"] = last.replica
        found["zone"] = permit.zone.name
    if journey.signals is not None:
        _judged(found, journey, journey.signals)
    _decided(found, journey)
    if end.status:
        found["status"] = end.status
    _came_to(found, end.outcome, end.error)
    _used(found, journey)
    if end.ttft_ns is not None:
        found["ttft_ns"] = end.ttft_ns
    if end.duration_ns:
        found["duration_ns"] = end.duration_ns
    if end.overhead_ns:
        found["overhead_ns"] = end.overhead_ns
    return "request", found


def _attempt(journey: Journey, settled: Settled) -> dict[str, Any]:
    attempt = settled.attempt
    permit, number = attempt.permit, attempt.number
    found: dict[str, Any] = {
        "id": attempt_id(journey.id, number),
        "request": journey.id,
        "n": number,
        "at": attempt.at,
        "tenant": journey.principal.tenant,
    }
    _purpose(found, journey)
    _route(found, journey)
    found["model"] = permit.model
    found["upstream"] = permit.upstream
    found["backend"] = permit.backend
    found["replica"] = attempt.replica
    found["zone"] = permit.zone.name
    _answer(found, attempt)
    _usage(found, attempt.usage)
    _charge(found, settled.charge, apart=True)
    if settled.gpu_ns is not None:
        found["gpu_ns"] = settled.gpu_ns
    if attempt.first_token is not None:
        found["ttft_ns"] = attempt.first_token - attempt.started
    took = attempt.ended - attempt.started
    if took:
        found["duration_ns"] = took
    return found


def _asked(found: dict[str, Any], journey: Journey) -> None:
    """Who asked, what for, and how."""
    if journey.principal.key:
        found["key"] = journey.principal.key
    _purpose(found, journey)
    if journey.purpose.conversation:
        found["conversation"] = journey.purpose.conversation
    if journey.ingress.dialect != "chat":
        found["dialect"] = journey.ingress.dialect
    if journey.call is not None and journey.call.stream:
        found["stream"] = True
    signals = journey.signals
    if signals is not None and signals.model and (journey.decision or _NAME.fullmatch(signals.model)):
        found["asked"] = signals.model


def _purpose(found: dict[str, Any], journey: Journey) -> None:
    purpose = journey.purpose
    if purpose.workflow:
        found["workflow"] = purpose.workflow
    if purpose.action:
        found["action"] = purpose.action


def _route(found: dict[str, Any], journey: Journey) -> None:
    if journey.decision is not None and journey.decision.route:
        found["route"] = journey.decision.route


def _answer(found: dict[str, Any], attempt: Attempt) -> None:
    """How a provider answered."""
    if attempt.status:
        found["status"] = attempt.status
    _came_to(found, _ATTEMPT_OUTCOMES[attempt.outcome], attempt.fault)
    if not attempt.sent:
        found["sent"] = False
    if attempt.finish:
        found["finish"] = attempt.finish
    if attempt.upstream_id:
        found["upstream_id"] = attempt.upstream_id


def _came_to(found: dict[str, Any], outcome: Outcome, error: str) -> None:
    if outcome != "ok":
        found["outcome"] = outcome
    if error:
        found["error"] = error


def _judged(found: dict[str, Any], journey: Journey, signals: Signals) -> None:
    label = signals.label
    found["level"] = str(label.level)
    if label.types:
        found["types"] = label.types
    if label.rules:
        found["rules"] = label.rules
    if label.unscanned:
        found["unscanned"] = label.unscanned
    if label.failed:
        found["detectors_failed"] = label.failed
    if journey.redaction is not None and (redacted := journey.redacted):
        found["redacted"] = redacted
    found["complexity"] = signals.complexity
    if signals.kind:
        found["kind"] = signals.kind


def _decided(found: dict[str, Any], journey: Journey) -> None:
    """By what it went where it went, and why."""
    if journey.policy:
        found["policy"] = journey.policy
    if journey.trace:
        found["trace"] = journey.trace
    if reasons := journey.reasons():
        found["reasons"] = reasons
    if dropped := journey.dropped():
        found["dropped"] = dropped
    if journey.decision is not None and journey.decision.passed_over:
        found["passed_over"] = tuple(route for route, _ in journey.decision.passed_over)


def _used(found: dict[str, Any], journey: Journey) -> None:
    """What its attempts used together."""
    settled = journey.settled
    if settled:
        found["attempts"] = len(settled)
    _usage(found, summed([each.attempt.usage for each in settled]))
    _charge(found, journey.charge())
    gpu = [each.gpu_ns for each in settled if each.gpu_ns is not None]
    if gpu:
        found["gpu_ns"] = sum(gpu)


def _charge(found: dict[str, Any], charge: Charge, *, apart: bool = False) -> None:
    """`apart`: its components too."""
    if charge.usd is not None:
        found["usd"] = plain_decimal(charge.usd)
    if apart and charge.components:
        found["components"] = {str(name): plain_decimal(usd) for name, usd in charge.components.items()}
    if charge.source:
        found["price_source"] = charge.source
    if charge.priced_at is not None:
        found["priced_at"] = charge.priced_at


def _usage(found: dict[str, Any], usage: TokenUsage) -> None:
    if usage.input:
        found["input_tokens"] = usage.input
    if usage.cache_read:
        found["cache_read_tokens"] = usage.cache_read
    if usage.cache_write:
        found["cache_write_tokens"] = usage.cache_write
    if usage.output:
        found["output_tokens"] = usage.output
    if usage.reasoning:
        found["reasoning_tokens"] = usage.reasoning
    if usage.audio_in:
        found["audio_in_tokens"] = usage.audio_in
    if usage.audio_out:
        found["audio_out_tokens"] = usage.audio_out
    if usage.source != "unknown":
        found["usage_source"] = usage.source
    if usage.tier:
        found["service_tier"] = usage.tier


def summed(usages: Sequence[TokenUsage]) -> TokenUsage:
    """The tokens of all attempts; as sure as the least sure of them."""
    if len(usages) == 1:
        return usages[0]
    if not usages:
        return TokenUsage()
    sources = {usage.source for usage in usages if usage.prompt or usage.generated or len(usages) == 1}
    return TokenUsage(
        input=sum(usage.input for usage in usages),
        cache_read=sum(usage.cache_read for usage in usages),
        cache_write=sum(usage.cache_write for usage in usages),
        output=sum(usage.output for usage in usages),
        reasoning=sum(usage.reasoning for usage in usages),
        audio_in=sum(usage.audio_in for usage in usages),
        audio_out=sum(usage.audio_out for usage in usages),
        source="unknown" if "unknown" in sources else "estimated" if "estimated" in sources else "reported",
    )
