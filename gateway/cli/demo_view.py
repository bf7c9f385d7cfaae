"""How the demo looks: a table where the terminal is wide enough, cards where it is not."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from shutil import which
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from gateway.ledger.records import AttemptRecord, GpuBooking, RequestRecord
from gateway.sandbox.sandbox import Sandbox

_WIDE: Final = 116  # columns from which on a table reads better than cards
_LEVELS: Final = {"public": "green", "internal": "green", "confidential": "yellow", "restricted": "bold red"}
_FAULTS: Final = {"connect": "could not be reached", "busy": "was too busy", "broken": "failed"}
_WORTH_SAYING: Final = 500_000  # GPU-nanoseconds that show at three digits
_WORKED: Final = {"ok", "cancelled", "cut"}  # outcomes of attempts that gave an answer, or part of one
_USES: Final = {
    "request": "on requests",
    "foreign": "on others' traffic",
    "waiting": "not explained yet",
    "idle": "idle",
    "unobserved": "unobserved",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the tour, and what Weir booked for it."""

    title: str
    prompt: str
    record: RequestRecord
    attempts: tuple[AttemptRecord, ...]
    gpu: tuple[GpuBooking, ...]  # its share of the closed windows of our own engines


def greeting(console: Console, sandbox: Sandbox, url: str) -> None:
    """Say what runs, and that the engines are stand-ins."""
    console.print(Rule("Weir"))
    names = ", ".join(f"{part.name} at {part.url}" for part in sandbox.stand_ins)
    console.print(
        f"The gateway runs at [bold]{url}[/bold]. Behind it stand [bold]stand-ins[/bold]: {names}. They speak the "
        "real wire formats and answer with canned text; nothing leaves this machine. The routing, the tokens' "
        "prices and the GPU accounting are Weir's own.\n",
        highlight=False,
    )


def results(console: Console, rows: Sequence[Row], engine: Sequence[GpuBooking]) -> None:
    """Show every request as it was booked: where it went and why, what it used and what that cost.

    `engine` is all GPU time booked so far: it adds up to the time provisioned."""
    console.print(_table(rows) if console.width >= _WIDE else _cards(rows))
    uses: Counter[str] = Counter()
    for booking in engine:
        uses[booking.use] += booking.gpu_ns
    parts = [f"{ns / 1e9:.3f} s {_USES[use]}" for use, ns in uses.items() if ns >= _WORTH_SAYING]
    whole = f"[bold]{uses.total() / 1e9:.3f} s[/bold] provisioned"
    console.print(f"GPU time: {' + '.join(parts)} = {whole}, each second booked once.\n", highlight=False)


def farewell(console: Console, url: str, metrics_url: str, key: str, config: Path, *, stay: bool) -> None:
    """What to do next."""
    console.print(Rule("Your turn"))
    base, lines = f"{url}/v1", Table.grid(padding=(0, 2))
    lines.add_row("base URL", base)
    lines.add_row("API key", key)
    lines.add_row("metrics", metrics_url)
    if stay:
        lines.add_row("policy", f"{config} (edit it: Weir reloads at once)")
    console.print(lines, highlight=False, soft_wrap=True)
    weir = _command()
    body = '{"model": "auto", "messages": [{"role": "user", "content": "Hello!"}]}'
    curl = f"curl {base}/chat/completions -H 'authorization: Bearer {key}' \\\n  -H 'content-type: application/json' "
    console.print()
    console.print(
        f"{curl}-H 'x-weir-debug: 1' \\\n  -d '{body}'", highlight=False, soft_wrap=True, markup=False
    )
    console.print(
        "\n[bold]With real models:[/bold] config/weir.yaml reads VLLM_URL, OPENAI_API_KEY and ANTHROPIC_API_KEY:\n"
        "  export VLLM_URL=http://10.0.0.4:8000 OPENAI_API_KEY=sk-…\n"
        f"  {weir} keys create acme-eu      [dim]# paste the line it prints into config/weir.yaml[/dim]\n"
        f"  {weir} check config/ && {weir} serve --config config/",
        highlight=False,
        soft_wrap=True,
    )
    if stay:
        console.print("\nWeir stays up. Ctrl-C ends it.")
    else:
        console.print(
            "\nThat was the demo; it has ended. [bold]make serve[/bold] (weir demo --stay) keeps it up."
        )


def _table(rows: Sequence[Row]) -> Table:
    table = Table(show_lines=True, expand=True)
    table.add_column("request", ratio=4)
    table.add_column("route → model", ratio=3)
    table.add_column("label", ratio=2)
    table.add_column("why", ratio=6)
    table.add_column("tokens\nin → out", justify="right", no_wrap=True)
    table.add_column("USD", justify="right", no_wrap=True)
    table.add_column("GPU-s", justify="right", no_wrap=True)
    table.add_column("tries", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Group(Text(row.title, style="bold"), Text(_short(row.prompt, 58), style="dim")),
            Group(_target(row), _zone(row)),
            _label(row),
            why(row),
            tokens(row),
            dollars(row),
            gpu_seconds(row),
            str(len(row.attempts)),
        )
    return table


def _cards(rows: Sequence[Row]) -> RenderableType:
    cards: list[RenderableType] = []
    for number, row in enumerate(rows, 1):
        facts = Table.grid(padding=(0, 1))
        facts.add_column(style="dim", width=7)
        facts.add_column(ratio=1)
        facts.add_row("went to", Text.assemble(_target(row), "  ", _zone(row)))
        facts.add_row("label", _label(row))
        facts.add_row("why", why(row))
        tries = "1 try" if len(row.attempts) == 1 else f"{len(row.attempts)} tries"
        facts.add_row("cost", f"{tokens(row)} tokens   ${dollars(row)}   {gpu_seconds(row)} GPU-s   {tries}")
        cards.append(Text(f"{number} {row.title}", style="bold"))
        cards.append(Padding(Text(_short(row.prompt, 74), style="dim"), (0, 0, 0, 2)))
        cards.append(Padding(facts, (0, 0, 1, 2)))
    return Group(*cards)


def _target(row: Row) -> Text:
    record = row.record
    if record.outcome == "failed":
        return Text.assemble(record.route, " → ", (f"nowhere ({record.status})", "bold red"))
    return Text.assemble(record.route, " → ", (record.model, "bold"))


def _zone(row: Row) -> Text:
    if row.record.outcome == "failed":
        return Text("stayed home", style="green")
    return Text(f"zone {row.record.zone}", style="green" if row.record.zone == "home" else "cyan")


def _label(row: Row) -> Text:
    record = row.record
    found = f" ({', '.join(record.types)})" if record.types else ""
    return Text.assemble((record.level, _LEVELS[record.level]), found)


def why(row: Row) -> str:
    """The decision in a sentence or two: the rule, what a boundary dropped, what went wrong on the way."""
    record = row.record
    rule = record.reasons[0].partition(": ")[2] if record.reasons else ""
    parts = [f"complexity {record.complexity or 0:.2f} (rule: {rule})"]
    barred = [(model, reason) for model, reason in record.dropped.items() if reason.startswith("boundary ")]
    if barred:
        names = ", ".join(dict.fromkeys(reason.partition(":")[0] for _, reason in barred))
        parts.append(f"{names} rules out {' and '.join(model for model, _ in barred)}")
    failed = [each for each in row.attempts if each.outcome not in _WORKED]
    parts += [f"{each.model} {_FAULTS.get(each.error, each.error)}" for each in failed]
    if record.outcome == "cancelled":
        parts.append("the client hung up: the call was cancelled at once, and what had come is booked")
    if record.outcome == "failed":
        parts.append("nobody else may have it, so the client gets an error")
    return "; ".join(parts)


def tokens(row: Row) -> str:
    """Prompt and answer tokens, as `31 → 60`; `~` where they are estimated."""
    worked = [each.usage for each in row.attempts if each.outcome in _WORKED]
    if not worked:
        return "-"
    about = "~" if any(usage.source != "reported" for usage in worked) else ""
    return f"{about}{sum(usage.prompt for usage in worked)} → {sum(usage.generated for usage in worked)}"


def dollars(row: Row) -> str:
    """What all its attempts cost in USD: tokens at the provider's price, GPU time at ours."""
    bought = [usd for each in row.attempts for name, usd in each.components.items() if name == "tokens"]
    worked = [each.usd for each in row.gpu if each.usd is not None]
    if not bought and not worked:
        return "0" if row.record.outcome == "failed" else "-"
    return f"{sum(bought, Decimal()) + sum(worked, Decimal()):.6f}"


def gpu_seconds(row: Row) -> str:
    """GPU-seconds of our own engines; a dash where none worked."""
    ns = sum(each.gpu_ns for each in row.gpu)
    return f"{ns / 1e9:.3f}" if ns else "-"


def _short(prompt: str, width: int) -> str:
    return prompt if len(prompt) <= width else prompt[: width - 1].rstrip() + "…"


def _command() -> str:
    """How to call Weir from here: as this one was called, where a shell would not find it by its name."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "weir" and which("weir") is None else "weir"
