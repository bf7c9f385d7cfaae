"""From signals to targets: the policy's decision for this conversation, or in words why there is none."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace

from adapters.call import Call
from adapters.declared import TALKING
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.files import PLACE_OF_UPLOADS
from adapters.dialects.responses.ingress import PLACE_OF_PROMPTS
from gateway.dispatch.escalation import Escalation
from gateway.pipeline.faults import Blocked, NoSuchModel, no_such_model
from gateway.pipeline.journey import Journey
from routers.policy.policy import Decision, Policy, UnknownModel


def decided(policy: Policy, thresholds: Mapping[str, float], journey: Journey) -> Decision:
    """Where a judged request goes, and why in full. Raises NoSuchModel, InvalidRequest."""
    assert journey.signals is not None  # noqa: S101  # it was judged
    own = signals = journey.signals
    turn = journey.turn
    if turn is not None:
        signals, thresholds = turn.held(own, thresholds)
    draw = draw_of(journey.principal.tenant, journey.opening) if policy.draws else 0.0
    redaction = journey.redaction
    try:
        if redaction is None:
            decision = policy.decide(signals, draw, thresholds)
        else:
            label = redaction.form.label if redaction.form else None
            decision = policy.decide(signals, draw, thresholds, label)
            decision = replace(decision, reasons=(*decision.reasons, redaction.told))
    except UnknownModel as unknown:
        if journey.ingress.dialect == "files" and unknown.name == PLACE_OF_UPLOADS:
            raise InvalidRequest(
                "Which provider shall keep the file? Name a model of its in the form's field `model`, or have an "
                f"alias `{PLACE_OF_UPLOADS}` configured.",
                "model",
                "missing_required_parameter",
            ) from None
        if journey.ingress.dialect == "responses" and unknown.name == PLACE_OF_PROMPTS:
            raise InvalidRequest(
                "Which model shall answer the stored prompt? Name it in `model`, or have an alias "
                f"`{PLACE_OF_PROMPTS}` configured.",
                "model",
                "missing_required_parameter",
            ) from None
        raise NoSuchModel(no_such_model(unknown.name)) from None
    if turn is not None:
        decision = turn.decided(decision, own, signals, thresholds)
    if journey.remembered:
        decision = replace(decision, reasons=(*decision.reasons, journey.remembered))
    return decision


def only_at(backends: Collection[str], decision: Decision) -> Decision:
    """The decision with no other targets than those of the backends that may keep what the request names."""
    kept = tuple(permit for permit in decision.targets if permit.backend in backends)
    further = tuple(permit for permit in decision.escalations if permit.backend in backends)
    if not kept:
        raise InvalidRequest(
            "The model that keeps what this request names is not one that it may go to now. "
            "Name that model, or send the conversation itself.",
            "model",
            "kept_elsewhere",
        )
    reason = f"{' or '.join(sorted(backends))} keeps what the request names"
    return replace(decision, targets=kept, escalations=further, reasons=(*decision.reasons, reason))


def escalation_of(policy: Policy, decision: Decision, call: Call) -> Escalation | None:
    """What is done about answers at fault; None for a dialect whose answers cannot be judged."""
    if call.dialect not in TALKING or call.background:
        return None
    models = tuple(permit.model for permit in decision.escalations)
    return Escalation(policy.escalates[decision.route].on, models, call)


def no_way(decision: Decision) -> Exception:
    """Why no model may or can take it, in words for the client: boundaries by name, never what was found."""
    if decision.blocked_by:
        names = ", ".join(decision.blocked_by)
        return Blocked(
            decision.blocked_by,
            f"This request may not go to any model that could take it: {names}. "
            "Whoever runs this gateway can tell what that boundary protects.",
        )
    reasons = "; ".join(f"{each.model}: {each.reason}" for each in decision.dropped)
    if any(each.too_long for each in decision.dropped):  # clients that shorten and try again know these words
        return InvalidRequest(f"prompt is too long ({reasons}).", "messages", "context_length_exceeded")
    return InvalidRequest(f"No model can take this request ({reasons}).", "model", "no_capable_model")


def draw_of(tenant: str, conversation: str) -> float:
    """A number in [0, 1) that stays the same for one conversation, so that weighted choices stick to it."""
    digest = hashlib.blake2b(
        f"{tenant}\n{conversation}".encode(errors="surrogatepass"), digest_size=8
    ).digest()
    return int.from_bytes(digest) / 2**64
