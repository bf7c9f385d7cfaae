"""`weir explain`: where a prompt or a request would go, why, and why not elsewhere."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from adapters.call import FILING, Call
from adapters.dialects import chat
from adapters.dialects.chat import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.document import InvalidDocument, parse
from adapters.visible import visible
from gateway.api.paths import PATHS
from gateway.app import build
from gateway.cli.configuration import CONFIG, read
from gateway.cli.conversation import Remembered, remembered
from gateway.configuration.snapshot import Snapshot
from gateway.pipeline.deciding import draw_of
from gateway.pipeline.hardness import Hardness
from gateway.pipeline.judge import Judge, Purpose, purpose
from gateway.pipeline.pipeline import SECONDS_PER_DAY
from gateway.pipeline.reading import conversation_of, segments_of
from gateway.pipeline.redacting import Redaction, redact
from gateway.pipeline.remembering import beyond, raised, why
from gateway.state.conversations import Words
from routers.policy.permit import Permit
from routers.policy.permits import Dropped
from routers.policy.policy import Decision, UnknownModel
from routers.sensitivity.detector import Span
from routers.sensitivity.label import Label
from routers.signals import Signals


@dataclass(frozen=True, slots=True)
class Explained:
    """One request as it was decided, and every model's verdict."""

    signals: Signals
    decision: Decision
    verdicts: dict[str, Permit | Dropped]
    redaction: Redaction | None
    left_out: tuple[str, ...]  # what a gateway would know or ask beside


@click.command()
@click.argument("prompt", required=False)
@CONFIG
@click.option(
    "--request",
    "-r",
    type=click.File("rb"),
    help="A request body instead of PROMPT; - reads it from standard input.",
)
@click.option(
    "--path",
    type=click.Choice(sorted(path for path, dialect in PATHS.items() if dialect not in FILING)),
    default="/v1/chat/completions",
    show_default=True,
    help="The path that the request body would be posted to.",
)
@click.option(
    "--detectors",
    is_flag=True,
    help="Ask the configured detectors too: the text is sent to those it may go to.",
)
@click.option("--tenant", default="", help="Ask as this tenant.  [default: the first of the configuration]")
@click.option("--workflow", default="", help="As part of this workflow.")
@click.option(
    "--model", default="", help="What the application names.  [default: the first alias that is routed]"
)
@click.option(
    "--conversation",
    default="",
    help="The conversation it belongs to (x-weir-conversation): what was found in it before, and the model it keeps,"
    " are looked up where gateways share that (state.redis).",
)
@click.option("--sensitivity", default="", help="A level the client claims; it can only raise the label.")
@click.option(
    "--threshold",
    type=(str, float),
    multiple=True,
    metavar="ROUTE NUMBER",
    help="The complexity from which a task is hard to a route with `hardest`, as the metric weir_complexity_threshold"
    " or a decision's reason has it.  [default: where a gateway begins, before its traffic says better]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    prompt: str | None, config: tuple[Path, ...], request: Any, tenant: str, workflow: str, model: str,
    conversation: str, sensitivity: str, threshold: tuple[tuple[str, float], ...], as_json: bool, path: str,
    detectors: bool,
) -> None:  # fmt: skip
    """Print the decision for PROMPT (or a whole request), and why every other model was dropped.

    Nothing is sent anywhere, unless --detectors is given: the same code that routes requests decides here, on this
    machine. What it left out that a gateway would know is said at the end. The weights of the score are the
    configuration's (`complexity.weights`).

    \b
    Examples:
      weir explain "Summarise this contract"
      weir explain "My SSN is 536-22-8741" --model gpt-5
      weir explain --request body.json --tenant acme-eu
      weir explain --request claude.json --path /v1/messages --detectors
      weir explain "And the next step?" --conversation case-4711 --tenant acme-eu
    """
    snapshot = read(config)
    body = _body(prompt, request, model or _default_alias(snapshot))
    tenant = tenant or next(iter(snapshot.tenants), "")
    judge = build.judging(snapshot, os.environ)
    thresholds = _thresholds(snapshot, judge, threshold)
    try:
        call = INGRESS[PATHS[path]].read(parse(body), ())
        stated = purpose(
            {
                "x-weir-workflow": workflow,
                "x-weir-sensitivity": sensitivity,
                "x-weir-conversation": conversation,
            },
            chat.own_metadata(call.document.values),
        )
        day = int(time.time()) // SECONDS_PER_DAY
        judged = asyncio.run(judge.judge(call, stated, tenant, None, day))
        before = asyncio.run(remembered(snapshot, tenant, stated.conversation, call.dialect))
        signals = replace(judged.signals, label=raised(judged.signals.label, before.words))
        told = why(judged.signals.label, signals.label)
        spans: tuple[Span, ...] = ()
        if detectors:
            signals, spans = asyncio.run(_detected(snapshot, call, signals))
        draw = draw_of(tenant, stated.conversation or judged.opening)
        redaction = _redaction(snapshot, judge, call, stated, signals, spans, before.words)
        redacted = redaction.form.label if redaction and redaction.form else None
        decision = _decided(snapshot, before, signals, draw, thresholds, redacted)
        if told:
            decision = replace(decision, reasons=(*decision.reasons, told))
    except (InvalidDocument, InvalidRequest, UnknownModel, OSError) as error:
        click.echo(f"{error}", err=True)
        sys.exit(1)
    finally:
        judge.close()
    seen = visible(call.document.values, call.dialect)
    reasons = judge.scorer.explain(conversation_of(seen))
    begins = set(decision.weighed) - {route for route, _ in threshold}
    explained = Explained(
        signals,
        decision,
        snapshot.policy.verdicts(signals, redacted),
        redaction,
        tuple(_left_out(snapshot, before, begins, asked=detectors)),
    )
    if as_json:
        click.echo(json.dumps(_plain(explained, reasons), indent=2))
    else:
        _print(snapshot, explained, reasons)
        for note in explained.left_out:
            click.echo(f"\n{note}")
    if not decision.targets:
        sys.exit(2)


async def _detected(snapshot: Snapshot, call: Call, signals: Signals) -> tuple[Signals, tuple[Span, ...]]:
    """The signals with what the configured detectors found, asked as a gateway asks them; and what they found."""
    panel = build.panel(snapshot)
    try:
        segments = segments_of(visible(call.document.values, call.dialect))
        label, spans = await panel.judged(signals, segments)
        return replace(signals, label=label), spans
    finally:
        await panel.aclose()


def _decided(
    snapshot: Snapshot,
    before: Remembered,
    own: Signals,
    draw: float,
    thresholds: Mapping[str, float],
    redacted: Label | None,
) -> Decision:
    """The decision on one turn of what is perhaps a longer conversation. Raises UnknownModel."""
    turn, signals = before.turn, own
    if turn is None:
        return snapshot.policy.decide(signals, draw, thresholds, redacted)
    signals, thresholds = turn.held(own, thresholds)
    return turn.decided(snapshot.policy.decide(signals, draw, thresholds, redacted), own, signals, thresholds)


def _left_out(
    snapshot: Snapshot, before: Remembered, begins: Collection[str], *, asked: bool
) -> Iterator[str]:
    """What a gateway would take into account beside, in sentences."""
    names = [each.name for each in snapshot.sensitivity.detectors]
    if names and not asked:
        yield f"Not asked: the detectors {', '.join(names)}, which may raise the label (--detectors asks them)."
    if before.unknown:
        yield f"Not known here: {before.unknown}."
    if begins:
        yield (
            f"The threshold of {', '.join(sorted(begins))} is where a gateway begins; a running one's follows its"
            " traffic: the metric weir_complexity_threshold has it, for --threshold."
        )


def _redaction(
    snapshot: Snapshot,
    judge: Judge,
    call: Call,
    stated: Purpose,
    signals: Signals,
    spans: tuple[Span, ...],
    words: Words,
) -> Redaction | None:
    """The request's redacted form, where a boundary would let it go so."""
    if not snapshot.policy.redactable(signals):
        return None

    async def again(form: Call) -> Label:
        return (await judge.judge(form, stated, signals.tenant, None, signals.day)).signals.label

    return asyncio.run(redact(judge, call, signals.label, spans, again, beyond(words)))


def _default_alias(snapshot: Snapshot) -> str:
    routed = (alias for alias, target in snapshot.policy.aliases.items() if target == "routed")
    return next(routed, next(iter(snapshot.policy.models), ""))


def _thresholds(snapshot: Snapshot, judge: Judge, given: tuple[tuple[str, float], ...]) -> dict[str, float]:
    """Each route's rolling threshold: as given, or where a gateway begins."""
    for route, _ in given:
        if route not in snapshot.policy.shares:
            known = ", ".join(snapshot.policy.shares) or "no route does"
            raise click.BadParameter(f"{route} asks for no hardest share ({known})", param_hint="--threshold")
    shipped = snapshot.complexity.weights is None
    return Hardness(snapshot.policy, judge.scorer, shipped=shipped).thresholds | dict(given)


def _body(prompt: str | None, request: Any, model: str) -> bytes:
    """The request to explain, as bytes on the wire."""
    if request is not None:
        body: bytes = request.read()
        return body
    if prompt is None:
        raise click.UsageError("Give a PROMPT in quotes, or --request FILE.")
    return json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]}).encode()


def _plain(explained: Explained, reasons: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    """The decision as JSON values."""
    signals, decision, redaction = explained.signals, explained.decision, explained.redaction
    redacted = {"redacted": {"possible": redaction.form is not None, "values": dict(redaction.counts),
                             "why_not": redaction.why or None}} if redaction is not None else {}  # fmt: skip
    return {
        "label": {
            "level": str(signals.label.level),
            "types": dict(signals.label.types),
            "rules": list(signals.label.rules),
            "unscanned": list(signals.label.unscanned),
            "failed": list(signals.label.failed),
        },
        "complexity": round(signals.complexity, 4),
        "complexity_reasons": dict(reasons),
        "kind": signals.kind,
        "language": signals.language,
        "prompt_tokens": signals.prompt_tokens,
        "route": decision.route or None,
        "targets": [permit.model for permit in decision.targets],
        "escalations": [permit.model for permit in decision.escalations],
        "reasons": list(decision.reasons),
        "passed_over": [{"route": route, "reason": why} for route, why in decision.passed_over],
        "blocked_by": list(decision.blocked_by),
        **redacted,
        "left_out": list(explained.left_out),
        "models": {name: _verdict(verdict) for name, verdict in explained.verdicts.items()},
    }


def _verdict(verdict: Permit | Dropped) -> dict[str, Any]:
    if isinstance(verdict, Permit):
        return {"permitted": True} | ({"only": "redacted"} if verdict.redacted else {})
    return {"permitted": False, "reason": verdict.reason, "boundary": verdict.boundary}


def _print(snapshot: Snapshot, explained: Explained, reasons: tuple[tuple[str, float], ...]) -> None:
    """The decision as a person reads it."""
    signals, decision = explained.signals, explained.decision
    console = Console()
    found = ", ".join(f"{count} {name}" for name, count in signals.label.types.items()) or "nothing found"
    console.print(f"[bold]Label[/]       {signals.label.level}  ({found})")
    for name, kinds in (("could not be read", signals.label.unscanned), ("failed", signals.label.failed)):
        if kinds:
            console.print(f"            {name}: {', '.join(kinds)}")
    why = ", ".join(f"{reason} {share:+.2f}" for reason, share in reasons[:4])
    console.print(
        f"[bold]Complexity[/]  {signals.complexity:.2f}  {signals.kind}, {signals.language}  ({why})"
    )
    if decision.targets:
        first, *rest = (
            f"{permit.model} ({permit.zone.name}{', redacted' if permit.redacted else ''})"
            for permit in decision.targets
        )
        then = f", then {', '.join(rest)}" if rest else ""
        console.print(f"[bold]Route[/]       {decision.route}: [green]{first}[/]{then}")
    else:
        console.print(
            f"[bold]Route[/]       [red]none: a 403[/] ({', '.join(decision.blocked_by) or 'no model can'})"
        )
    told = () if explained.redaction is None else (explained.redaction.told,)
    for reason in (*decision.reasons, *told):
        console.print(f"            {reason}")
    if decision.escalations:
        faults = " or ".join(sorted(snapshot.policy.escalates[decision.route].on))
        others = ", then ".join(permit.model for permit in decision.escalations)
        console.print(f"            an answer that is at fault ({faults}) goes to {others}")
    for route, reason in decision.passed_over:
        console.print(f"            passed over {route}: {reason}")
    console.print()
    console.print(_every_model(snapshot, explained))


def _every_model(snapshot: Snapshot, explained: Explained) -> Table:
    """Each model with what becomes of it."""
    decision = explained.decision
    targets = {permit.model: number for number, permit in enumerate(decision.targets, 1)}
    table = Table("model", "zone", "verdict", title="Every model", title_justify="left", show_edge=False)
    for name, verdict in explained.verdicts.items():
        zone = snapshot.policy.models[name].zone
        where = zone.name if zone.inside else f"[yellow]{zone.name}, outside[/]"
        if not isinstance(verdict, Permit):
            verdict_told = f"[red]dropped[/]: {verdict.reason}"
        elif name in targets:
            verdict_told = f"[green]target {targets[name]}[/]"
        elif any(permit.model == name for permit in decision.escalations):
            verdict_told = "asked where an answer is at fault"
        else:
            verdict_told = "permitted, but this route does not use it"
        if isinstance(verdict, Permit) and verdict.redacted:
            verdict_told += ", [yellow]redacted[/]"
        table.add_row(name, where, verdict_told)
    return table
