"""How the demo looks: a table where the terminal is wide enough, cards where it is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from gateway.cli.demo_client import Seen
from gateway.sandbox.sandbox import Sandbox

_WIDE: Final = 116  # columns from which on a table reads better than cards
_LEVELS: Final = {"public": "green", "internal": "green", "confidential": "yellow", "restricted": "bold red"}

_FAULTS: Final = {"connect": "could not be reached", "busy": "was too busy", "broken": "failed"}

Row = tuple[str, str, Seen]  # title, prompt, what the client saw


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


def results(console: Console, rows: Sequence[Row]) -> None:
    """Show every request: where it went and why, what it used and what that cost."""
    console.print(_table(rows) if console.width >= _WIDE else _cards(rows))


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
    body = '{"model": "auto", "messages": [{"role": "user", "content": "Hello!"}]}'
    curl = f"curl {base}/chat/completions -H 'authorization: Bearer {key}' \\\n  -H 'content-type: application/json' "
    console.print()
    console.print(
        f"{curl}-H 'x-weir-debug: 1' \\\n  -d '{body}'", highlight=False, soft_wrap=True, markup=False
    )
    console.print(
        "\n[bold]With real models:[/bold] config/weir.yaml reads VLLM_URL, OPENAI_API_KEY and ANTHROPIC_API_KEY:\n"
        "  export VLLM_URL=http://10.0.0.4:8000 OPENAI_API_KEY=sk-…\n"
        "  weir keys create acme-eu      [dim]# paste the line it prints into config/weir.yaml[/dim]\n"
        "  weir check config/ && weir serve --config config/",
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
    for title, prompt, seen in rows:
        table.add_row(
            Group(Text(title, style="bold"), Text(_short(prompt, 58), style="dim")),
            Group(_target(seen), Text(f"zone {_zone(seen)}", style=_zone_style(seen))),
            _label(seen),
            why(seen),
            tokens(seen),
            dollars(seen),
            gpu_seconds(seen),
            str(attempts(seen)),
        )
    return table


def _cards(rows: Sequence[Row]) -> RenderableType:
    cards: list[RenderableType] = []
    for number, (title, prompt, seen) in enumerate(rows, 1):
        facts = Table.grid(padding=(0, 1))
        facts.add_column(style="dim", width=7)
        facts.add_column(ratio=1)
        facts.add_row(
            "went to", Text.assemble(_target(seen), "  ", (f"zone {_zone(seen)}", _zone_style(seen)))
        )
        facts.add_row("label", _label(seen))
        facts.add_row("why", why(seen))
        tries = attempts(seen)
        spent = f"{tokens(seen)} tokens   ${dollars(seen)}   {gpu_seconds(seen)} GPU-s   "
        facts.add_row("cost", f"{spent}{tries} {'try' if tries == 1 else 'tries'}")
        cards.append(Text(f"{number} {title}", style="bold"))
        cards.append(Padding(Text(_short(prompt, 74), style="dim"), (0, 0, 0, 2)))
        cards.append(Padding(facts, (0, 0, 1, 2)))
    return Group(*cards)


def _target(seen: Seen) -> Text:
    route = seen.headers.get("x-weir-route", "-")
    model = seen.headers.get("x-weir-model")
    if model is None:
        return Text.assemble(route, " → ", (f"nowhere ({seen.status})", "bold"))
    return Text.assemble(route, " → ", (model, "bold"))


def _zone(seen: Seen) -> str:
    return seen.headers.get("x-weir-zone", "-")


def _zone_style(seen: Seen) -> str:
    return "green" if _zone(seen) == "home" else "cyan" if "x-weir-zone" in seen.headers else "dim"


def _label(seen: Seen) -> Text:
    level = seen.headers.get("x-weir-sensitivity", "-")
    found = ", ".join(seen.report.get("label", {}).get("types", {}))
    return Text.assemble((level, _LEVELS.get(level, "")), f" ({found})" if found else "")


def why(seen: Seen) -> str:
    """The decision in a sentence or two: the rule's reasons, what a boundary dropped, what failed on the way."""
    if seen.left:
        return "the client hung up; Weir cancelled the call at once and booked what had come"
    if seen.status != 200:
        return seen.text
    decision = seen.report.get("decision", {})
    rule = next(iter(decision.get("reasons", ())), "").partition(": ")[2]
    parts = [f"{rule} (complexity {seen.report.get('complexity', 0):.2f})"]
    dropped = [each for each in decision.get("dropped", ()) if each["boundary"]]
    if dropped:
        names = ", ".join(dict.fromkeys(each["boundary"] for each in dropped))
        parts.append(f"boundary {names} rules out {' and '.join(each['model'] for each in dropped)}")
    failed = [each for each in seen.report.get("attempts", ()) if each["outcome"] != "ok"]
    parts += [
        f"{each['model']} {_FAULTS.get(each['fault'], each['fault'] or each['outcome'])}" for each in failed
    ]
    return "; ".join(parts)


def tokens(seen: Seen) -> str:
    """Prompt and answer tokens, as `31 → 60`."""
    usage = seen.report.get("usage")
    if not usage:
        return "-"
    prompt = usage["input"] + usage["cache_read"] + usage["cache_write"]
    return f"{prompt} → {usage['output'] + usage['reasoning']}"


def dollars(seen: Seen) -> str:
    """What it cost in USD; small sums keep two figures that say something."""
    usd = seen.report.get("charge", {}).get("usd")
    return "-" if usd is None else f"{float(usd):.6f}"


def gpu_seconds(seen: Seen) -> str:
    """GPU-seconds of our own engines; a dash where none worked."""
    seconds = seen.report.get("charge", {}).get("gpu_seconds")
    return "-" if seconds is None else f"{seconds:.3f}"


def attempts(seen: Seen) -> int:
    """How many replicas were asked."""
    return len(seen.report.get("attempts", ())) or int(seen.headers.get("x-weir-attempts", "0"))


def _short(prompt: str, width: int) -> str:
    return prompt if len(prompt) <= width else prompt[: width - 1].rstrip() + "…"
