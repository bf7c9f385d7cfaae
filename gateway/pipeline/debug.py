"""`x-weir-debug: 1`: the decision and the charge, written into the answer as a `weir` object."""

from typing import Any, Final

import orjson

from gateway.pipeline.journey import Journey

_DONE: Final = b"data: [DONE]"


def report(journey: Journey) -> bytes:
    """What was decided and what it cost, as JSON. It names what was found by type and count, never by value."""
    signals, decision, charge = journey.signals, journey.decision, journey.charge()
    last = journey.last
    gpu = [each.gpu_ns for each in journey.settled if each.gpu_ns is not None]
    told: dict[str, Any] = {
        "request": journey.id,
        "policy": journey.policy,
        "decision": {
            "route": decision.route if decision else None,
            "targets": [permit.model for permit in decision.targets] if decision else [],
            "reasons": list(journey.reasons()),
            "dropped": [
                {"model": each.model, "reason": each.reason, "boundary": each.boundary}
                for each in decision.dropped
            ]
            + [{"model": model, "reason": why, "boundary": None} for model, why in journey.cannot.items()]
            if decision
            else [],
            "passed_over": [{"route": route, "reason": why} for route, why in decision.passed_over]
            if decision
            else [],
        },
        "attempts": [
            {
                "model": each.attempt.permit.model,
                "zone": each.attempt.permit.zone.name,
                "outcome": each.attempt.outcome,
                "fault": each.attempt.fault,
                "status": each.attempt.status,
            }
            for each in journey.settled
        ],
        "charge": {
            "usd": None if charge.usd is None else str(charge.usd),
            "components": {name: str(usd) for name, usd in charge.components.items()},
            "source": charge.source,
            "gpu_seconds": sum(gpu) / 1e9 if gpu else None,
            "provisional": bool(gpu),
        },
    }
    if signals is not None:
        told["label"] = {
            "level": str(signals.label.level),
            "types": dict(signals.label.types),
            "unscanned": list(signals.label.unscanned),
            "failed": list(signals.label.failed),
        }
        told["complexity"] = round(signals.complexity, 4)
        told["kind"] = signals.kind
    if journey.redaction is not None:
        told["redacted"] = dict(journey.redacted)
    if last is not None:
        usage = last.usage
        told["usage"] = {
            "input": usage.input,
            "cache_read": usage.cache_read,
            "cache_write": usage.cache_write,
            "output": usage.output,
            "reasoning": usage.reasoning,
            "source": usage.source,
        }
    return orjson.dumps(told)


def annotated(data: bytes, weir: bytes, *, stream: bool) -> bytes:
    """The answer's last bytes with the report in them: a member of the JSON answer, one more chunk without choices
    before `[DONE]`, or an event `weir` before the last one where the dialect knows no `[DONE]`."""
    if stream:
        before, done, after = data.rpartition(_DONE)
        if not done:
            before, last, after = data.rpartition(b"event: ")
            if not last:
                return data
            return before + b'event: weir\ndata: {"type":"weir","weir":%s}\n\n' % weir + last + after
        chunk = b'data: {"object":"chat.completion.chunk","choices":[],"weir":%s}\n\n' % weir
        return before + chunk + done + after
    end = data.rfind(b"}")
    if end < 0:
        return data
    return data[:end] + b',"weir":' + weir + data[end:]
