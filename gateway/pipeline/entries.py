"""What the journal is told of a journey: its attempts and itself, as text and not as records.

Two of them are written for every request and read by nobody here, and most of what they say is the same for many: who
asked, where it went, by what and why. Such pieces are written once and remembered; what is left are figures. Members
stand in the order of the record's columns, and those at their default are left out: so a record of the same facts is
written to the very same bytes.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import orjson

from adapters.call import Dialect
from adapters.chat import TokenUsage
from gateway.ledger.encoding import Entry, piece, plain_decimal
from gateway.ledger.records import Outcome
from gateway.metering.charges import Charge
from gateway.pipeline.journey import Journey, Settled
from gateway.pipeline.judge import Purpose
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
_FINISHES: Final = frozenset(  # as nearly all answers end; others are words of the provider's own
    ("", "stop", "length", "tool_calls", "end_turn", "tool_use", "max_tokens", "completed")
)

_Spent = tuple[str, str, str]  # usage and money; what the money consists of; where its price came from


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
    if len(journey.settled) != 1:
        return [*attempt_entries(journey), request_entry(journey, end)]
    only, purpose = journey.settled[0], _purpose(journey.purpose)
    spent = _spent(only.attempt.usage, only.charge)  # by both
    return [_attempt(journey, only, purpose, spent), _request(journey, end, purpose, spent)]


def attempt_entries(journey: Journey) -> list[Entry]:
    """One for each attempt."""
    purpose = _purpose(journey.purpose)
    return [
        _attempt(journey, each, purpose, _spent(each.attempt.usage, each.charge)) for each in journey.settled
    ]


def request_entry(journey: Journey, end: End) -> Entry:
    """The request's own, with the sums over its attempts."""
    used = summed([each.attempt.usage for each in journey.settled])
    return _request(journey, end, _purpose(journey.purpose), _spent(used, journey.charge()))


def _attempt(journey: Journey, settled: Settled, purpose: str, spent: _Spent) -> Entry:
    attempt, request = settled.attempt, journey.id
    permit, number = attempt.permit, attempt.number
    used, components, priced = spent
    made = _made(
        _route(journey),
        permit.model,
        permit.upstream,
        permit.backend,
        attempt.replica,
        permit.zone.name,
        attempt.status or 0,
        _ATTEMPT_OUTCOMES[attempt.outcome],
        attempt.fault,
        attempt.sent,
        attempt.finish if attempt.finish in _FINISHES else "",
    )
    if attempt.finish not in _FINISHES:
        made += piece({"finish": attempt.finish})
    if attempt.upstream_id:
        made += piece({"upstream_id": attempt.upstream_id})
    first = None if attempt.first_token is None else attempt.first_token - attempt.started
    took = _took(settled.gpu_ns, first, attempt.ended - attempt.started)
    line = (
        f'{{"id":"{request}/{number}","request":"{request}","n":{number},"at":{attempt.at}'
        f"{_asker(journey.principal.tenant, '')}{purpose}{made}{used}{components}{priced}{took}}}"
    )
    return "attempt", line.encode()


def _request(journey: Journey, end: End, purpose: str, spent: _Spent) -> Entry:
    used, _, priced = spent
    principal, signals = journey.principal, journey.signals
    if journey.purpose.conversation:
        purpose += piece({"conversation": journey.purpose.conversation})
    judged = "" if signals is None else _judged(journey, signals)
    gpu = [each.gpu_ns for each in journey.settled if each.gpu_ns is not None]
    took = _took(sum(gpu) if gpu else None, end.ttft_ns, end.duration_ns, end.overhead_ns)
    line = (
        f'{{"id":"{journey.id}","at":{journey.at}{_asker(principal.tenant, principal.key)}{purpose}'
        f"{_went(journey)}{judged}{_came(journey, end)}{used}{priced}{took}}}"
    )
    return "request", line.encode()


# Pieces that many lines have in common.


@lru_cache(maxsize=1024)
def _asker(tenant: str, key: str) -> str:
    return piece({"tenant": tenant, "key": key})


@lru_cache(maxsize=1024)
def _made(
    route: str,
    model: str,
    upstream: str,
    backend: str,
    replica: str,
    zone: str,
    status: int,
    outcome: Outcome,
    error: str,
    sent: bool,
    finish: str,
) -> str:
    """Where an attempt was made, and what came of it."""
    where = {"route": route, "model": model, "upstream": upstream, "backend": backend, "replica": replica}
    what = {"zone": zone, "status": status, "outcome": _told(outcome), "error": error}
    return piece(where | what) + ("" if sent else ',"sent":false') + piece({"finish": finish})


@lru_cache(maxsize=1024)
def _way(
    dialect: Dialect,
    stream: bool,
    asked: str,
    route: str,
    model: str,
    backend: str,
    replica: str,
    zone: str,
    level: str,
) -> str:
    """How and for what a request was made, and where it went."""
    how = {"dialect": "" if dialect == "chat" else dialect, "stream": stream, "asked": asked}
    where = {"route": route, "model": model, "backend": backend, "replica": replica, "zone": zone}
    return piece(how | where | {"level": level})


def _why(
    kind: str,
    policy: str,
    trace: str,
    reasons: tuple[str, ...],
    dropped: tuple[tuple[str, str], ...],
    passed_over: tuple[str, ...],
    status: int,
    outcome: Outcome,
    error: str,
    attempts: int,
) -> str:
    """By what a request went where it went, and what came of it."""
    why = {"kind": kind, "policy": policy, "trace": trace, "reasons": reasons, "dropped": dict(dropped)}
    what = {"passed_over": passed_over, "status": status, "outcome": _told(outcome), "error": error}
    return piece(why | what | {"attempts": attempts})


_known_why = lru_cache(maxsize=1024)(_why)


@lru_cache(maxsize=256)
def _priced(source: str, day: date | None) -> str:
    return piece({"price_source": source, "priced_at": day})


def _told(outcome: Outcome) -> str:
    """An outcome where a line tells it."""
    return "" if outcome == "ok" else outcome


# What a journey has of each.


def _purpose(purpose: Purpose) -> str:
    if not (purpose.workflow or purpose.action):
        return ""
    return piece({"workflow": purpose.workflow, "action": purpose.action})


def _route(journey: Journey) -> str:
    return journey.decision.route if journey.decision is not None else ""


def _went(journey: Journey) -> str:
    signals, last = journey.signals, journey.last
    asked = "" if signals is None else signals.model
    if asked and journey.decision is None and not _NAME.fullmatch(asked):
        asked = ""
    model = backend = replica = zone = ""
    if last is not None:
        permit = last.permit
        model, backend, replica, zone = permit.model, permit.backend, last.replica, permit.zone.name
    return _way(
        journey.ingress.dialect,
        journey.call is not None and journey.call.stream,
        asked,
        _route(journey),
        model,
        backend,
        replica,
        zone,
        "" if signals is None else str(signals.label.level),
    )


def _judged(journey: Journey, signals: Signals) -> str:
    """What was found in it, and its score."""
    label, found = signals.label, ""
    if label.types or label.rules or label.unscanned or label.failed or journey.redaction is not None:
        found = piece(
            {
                "types": label.types,
                "rules": label.rules,
                "unscanned": label.unscanned,
                "detectors_failed": label.failed,
                "redacted": journey.redacted,
            }
        )
    return f'{found},"complexity":{orjson.dumps(signals.complexity).decode()}'


def _came(journey: Journey, end: End) -> str:
    decision, dropped = journey.decision, journey.dropped()
    passed_over = () if decision is None else decision.passed_over
    weighed = decision is not None and decision.weighed  # then its reasons name its score
    alone = weighed or journey.trace or journey.turn is not None
    return (_why if alone else _known_why)(
        "" if journey.signals is None else journey.signals.kind,
        journey.policy,
        journey.trace,
        journey.reasons(),
        tuple(dropped.items()) if dropped else (),
        tuple([route for route, _ in passed_over]) if passed_over else (),
        end.status,
        end.outcome,
        end.error,
        len(journey.settled),
    )


def _spent(usage: TokenUsage, charge: Charge) -> _Spent:
    used, components = _used(usage), ""
    usd = "" if charge.usd is None else plain_decimal(charge.usd)
    if usd:
        used += f',"usd":"{usd}"'
    for name, part in charge.components.items():
        said = usd if part is charge.usd else plain_decimal(part)
        components += f'{"," if components else ""}"{name}":"{said}"'
    if components:
        components = f',"components":{{{components}}}'
    return used, components, _priced(charge.source, charge.priced_at)


def _used(usage: TokenUsage) -> str:
    told = ""
    if usage.input:
        told = f',"input_tokens":{usage.input}'
    if usage.cache_read:
        told += f',"cache_read_tokens":{usage.cache_read}'
    if usage.cache_write:
        told += f',"cache_write_tokens":{usage.cache_write}'
    if usage.output:
        told += f',"output_tokens":{usage.output}'
    if usage.reasoning:
        told += f',"reasoning_tokens":{usage.reasoning}'
    if usage.audio_in:
        told += f',"audio_in_tokens":{usage.audio_in}'
    if usage.audio_out:
        told += f',"audio_out_tokens":{usage.audio_out}'
    if usage.source != "unknown":
        told += f',"usage_source":"{usage.source}"'
    return told + piece({"service_tier": usage.tier}) if usage.tier else told


def _took(gpu_ns: int | None, ttft_ns: int | None, duration_ns: int, overhead_ns: int = 0) -> str:
    told = "" if gpu_ns is None else f',"gpu_ns":{gpu_ns}'
    if ttft_ns is not None:
        told += f',"ttft_ns":{ttft_ns}'
    if duration_ns:
        told += f',"duration_ns":{duration_ns}'
    if overhead_ns:
        told += f',"overhead_ns":{overhead_ns}'
    return told


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
