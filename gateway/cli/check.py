"""`weir check`: is the configuration right, where could data end up, and does every guarantee hold?"""

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.app import build
from gateway.configuration.guarantees import load_guarantees
from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors
from gateway.configuration.settings import SensitivitySettings
from gateway.configuration.snapshot import Snapshot
from gateway.metering.price_file import InvalidPriceFile
from routers.policy.policy import EXPLICIT
from routers.policy.proof import End, Proof, prove
from routers.sensitivity.label import Level

_SHOWN: Final = 5  # counterexamples for each broken guarantee

Broken = dict[str, list[tuple[End, str]]]
Zones = Mapping[str, tuple[bool, bool]]  # by name: outside, and only redacted


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--assert",
    "asserted",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of guarantees that the policy must keep; fails if one is broken.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def check(paths: tuple[Path, ...], asserted: tuple[Path, ...], form: str) -> None:
    """Validate the configuration in PATHS (files or folders; config/ by default) and show where data could go.

    The tables are found by asking the compiled policy about every kind of request, not by reading its text. What goes
    somewhere only redacted is marked so; guarantees forbid it like any other way unless they say so themselves.
    Exits with 1 if anything is wrong.
    """
    today = datetime.now(tz=UTC).date()
    try:
        snapshot = load(paths or (Path("config"),), os.environ, today)
        guarantees = [
            each for file in asserted for each in load_guarantees(file, os.environ, snapshot.settings)
        ]
    except ConfigurationErrors as errors:
        _refuse(errors, form)
        raise click.exceptions.Exit(1) from None
    try:
        unpriced = build.price_warnings(build.tariffs(snapshot), time.time_ns())
    except (InvalidPriceFile, OSError) as error:
        raise click.ClickException(str(error)) from None
    snapshot = replace(snapshot, warnings=(*snapshot.warnings, *unpriced))
    proof = prove(snapshot.policy, *_levels(snapshot.sensitivity), guarantees)
    broken: Broken = {each.name: [] for each in guarantees}
    for guarantee, end, reason in proof.broken(guarantees):
        broken[guarantee.name].append((end, reason))
    if form == "json":
        click.echo(json.dumps(_as_json(snapshot, proof, broken), indent=2))
    else:
        _show(Console(), snapshot, proof, broken)
    if any(broken.values()):
        raise click.exceptions.Exit(1)


def _levels(settings: SensitivitySettings) -> tuple[dict[str, Level], dict[str, Level]]:
    levels = {name: Level.named(level) for name, level in settings.levels.items()}
    unread = {
        "something else" if kind == "default" else kind: level for kind, level in settings.unscanned.items()
    }
    return levels, {kind: Level.named(level) for kind, level in unread.items()}


def _refuse(errors: ConfigurationErrors, form: str) -> None:
    if form == "json":
        problems = [
            {
                "file": each.place.file,
                "line": each.place.line,
                "message": each.message,
                "suggestion": each.suggestion,
            }
            for each in errors.problems
        ]
        click.echo(json.dumps({"ok": False, "problems": problems}, indent=2))
        return
    console = Console(stderr=True)
    for problem in errors.problems:
        console.print(
            Text.assemble((str(problem.place), "bold"), ": ", (problem.message, "red")), soft_wrap=True
        )
        if problem.suggestion:
            console.print(Text(f"    {problem.suggestion}", "dim"), soft_wrap=True)
    console.print(Text(f"{_counted(errors.problems, 'problem')}: this would be refused", "bold red"))


def _counted(things: Sized, one: str, many: str = "") -> str:
    return f"{len(things)} {one if len(things) == 1 else many or one + 's'}"


def _show(console: Console, snapshot: Snapshot, proof: Proof, broken: Broken) -> None:
    policy = snapshot.policy
    console.print(
        Text.assemble(
            ("The configuration is right", "bold green"),
            f" ({_counted(snapshot.files, 'file')}, {_counted(policy.models, 'model')},"
            f" {_counted(policy.boundaries, 'boundary', 'boundaries')}, {_counted(policy.routes, 'route')};"
            f" policy {policy.hash})",
        )
    )
    for warning in snapshot.warnings:
        console.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)
    console.print(_routes(proof))
    console.print(_data(proof))
    asked = Text(f"{proof.decided} requests, one of each kind, were put to the compiled policy; ", "dim")
    console.print(asked.append("↗ marks what is outside", "dim"))
    if snapshot.policy.redacts:
        console.print(Text("    ↗ redacted: only with every value replaced by a placeholder", "dim"))
    for name, ends in broken.items():
        _verdict(console, name, ends)


def _routes(proof: Proof) -> Table:
    """Routes by levels: the models a request could end at, in the order of need."""
    table = Table(title="Where each route could send a request", title_justify="left")
    table.add_column("route", style="bold")
    for level in Level:
        table.add_column(str(level), overflow="fold")
    for route in (*proof.routes, EXPLICIT):
        cells = [
            _models(end for end in proof.ends if end.route == route and end.kind.level == level)
            for level in Level
        ]
        table.add_row("model named by the client" if route == EXPLICIT else route, *cells)
    return table


def _models(ends: Iterable[End]) -> Text:
    first: dict[str, End] = {}
    for end in sorted(ends, key=lambda end: (end.redacted, end.after)):
        first.setdefault(end.model, end)
    ordered = sorted(first.values(), key=lambda end: end.after)
    lines = [_place(end.model, outside=end.zone.outside, redacted=end.redacted) for end in ordered]
    return Text("\n").join(lines) if lines else Text("nowhere", "dim")


def _data(proof: Proof) -> Table:
    """What was found, by levels: the zones it could end in, by any route, failure or name."""
    table = Table(title="Where data could end up, by any way there is", title_justify="left")
    table.add_column("found", style="bold")
    for level in Level:
        table.add_column(str(level), overflow="fold")
    zones: dict[tuple[str, Level], dict[str, tuple[bool, bool]]] = {}
    for end in proof.ends:
        held = zones.setdefault((end.kind.found, end.kind.level), {})
        _, redacted = held.get(end.zone.name, (False, True))
        held[end.zone.name] = (end.zone.outside, redacted and end.redacted)
    for kind in proof.blocked:
        zones.setdefault((kind.found, kind.level), {})
    for found in dict.fromkeys(found for found, _ in zones):
        table.add_row(found, *(_zones(zones.get((found, level))) for level in Level))
    return table


def _zones(zones: Zones | None) -> Text:
    if zones is None:
        return Text("—", "dim")  # such a label does not exist
    if not zones:
        return Text("nowhere", "dim")
    parts = [
        _place(name, outside=outside, redacted=redacted)
        for name, (outside, redacted) in sorted(zones.items(), key=lambda item: (item[1], item[0]))
    ]
    return Text(", ").join(parts)


def _place(name: str, *, outside: bool, redacted: bool) -> Text:
    """A model or a zone, marked."""
    marks = f"{' ↗' if outside else ''}{' redacted' if redacted else ''}"
    return Text(name + marks, "yellow" if outside or redacted else "green")


def _verdict(console: Console, name: str, ends: Sequence[tuple[End, str]]) -> None:
    if not ends:
        console.print(Text.assemble(("holds   ", "bold green"), name))
        return
    console.print(Text.assemble(("BROKEN  ", "bold red"), name, f"  ({len(ends)} ways)"))
    for end, reason in ends[:_SHOWN]:
        kind = end.kind
        how = f"after {end.after} failed" if end.after else "at once"
        console.print(
            Text(
                f"        {kind.level}, {kind.found}, tenant {kind.tenant}, workflow {kind.workflow}:"
                f" {end.route} → {end.model} {how}{', redacted' if end.redacted else ''}; {reason}"
            ),
            soft_wrap=True,
        )


def _as_json(snapshot: Snapshot, proof: Proof, broken: Broken) -> dict[str, Any]:
    return {
        "ok": not any(broken.values()),
        "policy": snapshot.policy.hash,
        "files": list(snapshot.files),
        "warnings": list(snapshot.warnings),
        "decided": proof.decided,
        "ends": [_end(end) for end in proof.ends],
        "blocked": [
            {"level": str(kind.level), "found": kind.found, "tenant": kind.tenant, "workflow": kind.workflow}
            for kind in proof.blocked
        ],
        "guarantees": [
            {
                "name": name,
                "holds": not ends,
                "broken_by": [{**_end(end), "reason": reason} for end, reason in ends],
            }
            for name, ends in broken.items()
        ],
    }


def _end(end: End) -> dict[str, Any]:
    return {
        "level": str(end.kind.level),
        "found": end.kind.found,
        "tenant": end.kind.tenant,
        "workflow": end.kind.workflow,
        "route": end.route,
        "model": end.model,
        "zone": end.zone.name,
        "outside": end.zone.outside,
        "redacted": end.redacted,
        "after_failures": end.after,
    }
