"""`weir gpu explain`: a request's GPU bill, line by line, from what the ledger booked."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.cli.ledger_options import STORE, opened
from gateway.ledger.bill import AttemptBill, Bill, Line, bills
from gateway.ledger.encoding import plain_decimal

_SECOND: Final = 10**9
_WIDE: Final = 150  # columns, where the output is no terminal


@click.command()
@click.argument("request_id", metavar="REQUEST")
@STORE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(request_id: str, store: str, as_json: bool) -> None:
    """A request's GPU bill, line by line.

    REQUEST is what an answer's header x-weir-request-id says. For each one-second window: the tokens the request had
    computed, written and read back (as far as they count), the window's posted prices, what that comes to, what was
    booked, and what was put right later. All from the ledger: nothing is computed anew.

    \b
    Example:
      weir gpu explain req-4f1d2c…
    """
    with opened(store) as kept:
        found = bills(kept, request_id)
    _check(request_id, found)
    if as_json:
        click.echo(orjson.dumps([_fields(bill) for bill in found], option=orjson.OPT_INDENT_2))
        return
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    for bill in found:
        _show(console, bill)


def _check(request_id: str, found: Sequence[Bill]) -> None:
    """Say why there is no bill to show, where there is none."""
    if not found:
        raise click.ClickException(
            f"there is no request {request_id!r} in this ledger. Its id is the answer's header x-weir-request-id; it "
            "appears here about a second after the request ended (`weir_ledger_lag_seconds` says if it takes longer)."
        )
    if any(bill.lines for bill in found):
        return
    bill = found[0]
    if not bill.attempts:
        where = ", ".join(f"{each.model} on {each.backend}" for each in bill.elsewhere)
        raise click.ClickException(
            f"request {request_id!r} used no GPU of yours: "
            + (f"it went to {where}." if where else f"no attempt was made ({bill.request.outcome}).")
        )
    told = _seconds(sum(each.attempt.gpu_ns or 0 for each in bill.attempts))
    raise click.ClickException(
        f"request {request_id!r} was told {told:.3f} GPU-seconds at once, and nothing is booked for it yet: its "
        "windows close some seconds after it ended. Ask again then. (Where it was told 0, it used none.)"
    )


def _show(console: Console, bill: Bill) -> None:
    request = bill.request
    who = " · ".join(filter(None, (request.tenant, request.workflow, request.route)))
    console.print(f"[bold]{request.id}[/]  {who}  {_moment(request.at)}  {request.outcome}", highlight=False)
    for attempt in bill.attempts:
        _show_attempt(console, attempt)
    for other in bill.elsewhere:
        console.print(
            f"attempt {other.n}: {other.model} on {other.backend}, no GPU of yours", highlight=False
        )
    told = sum(each.attempt.gpu_ns or 0 for each in bill.attempts)
    console.print(
        f"told at once {_seconds(told):.6f} GPU-s   [bold]booked {_seconds(bill.gpu_ns):.6f} GPU-s"
        f" = {_money(bill.usd)}[/]   corrections {_seconds(sum(line.corrected_ns for line in bill.lines)):+.6f} GPU-s",
        highlight=False,
    )


def _show_attempt(console: Console, bill: AttemptBill) -> None:
    attempt, usage = bill.attempt, bill.attempt.usage
    console.print(
        f"attempt {attempt.n}: {attempt.model} on {attempt.backend}, {attempt.replica}; prompt {usage.prompt} "
        f"({usage.cache_read} cached), wrote {usage.generated} ({usage.source})",
        highlight=False,
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("window (UTC)", "GPUs", "busy", "waiting", "prompt*", "at µs", "written*", "at µs"):
        table.add_column(title, justify="left" if title.startswith("window") else "right")
    for title in ("context read", "at ns", "by price", "rest", "corrected", "GPU-s", "USD"):
        table.add_column(title, justify="right")
    for line in bill.lines:
        table.add_row(*_cells(line))
    console.print(table)
    console.print(
        "* effective: a prompt token that looks back on more context counts for more, and one written for half a "
        "prompt's. A token\n  written while few others were counts for more. `rest`: its share of busy time that no "
        "price explains, or what the window\n  had too little of. `waiting`: busy time carried on to the next window.",
        style="dim",
        highlight=False,
    )
    for rate in bill.rates:
        console.print(f"rate  {rate}", highlight=False)


def _cells(line: Line) -> list[str]:
    posted, priced = line.posted, line.priced_ns
    if posted is None:
        facts, prices, by_price, rest = ["?"] * 3, ["?"] * 3, "?", "?"
    else:
        facts = [
            str(posted.gpus),
            f"{posted.busy_ns / max(1, posted.provisioned_ns):.0%}",
            f"{posted.waiting_ns / 10**6:.0f} ms",
        ]
        prices = [
            f"{posted.prompt_price / 1e3:.2f}",
            f"{posted.output_price / 1e3:.1f}",
            f"{posted.context_price:.1f}",
        ]
        by_price = f"{_seconds(priced or 0):.6f}"
        rest = f"{_seconds(line.gpu_ns - (priced or 0)):+.6f}"
    return [
        _moment(line.window)[11:], *facts,
        str(line.prompt_tokens), prices[0], f"{line.output_tokens:.4g}", prices[1], str(line.context_tokens), prices[2],
        by_price, rest, f"{_seconds(line.corrected_ns):+.6f}" if line.corrected_ns else "",
        f"{_seconds(line.gpu_ns):.6f}", _money(line.usd),
    ]  # fmt: skip


def _fields(bill: Bill) -> dict[str, Any]:
    request = bill.request
    return {
        "request": request.id,
        "at": _moment(request.at),
        "tenant": request.tenant,
        "workflow": request.workflow,
        "route": request.route,
        "outcome": request.outcome,
        "gpu_seconds_told": _seconds(sum(each.attempt.gpu_ns or 0 for each in bill.attempts)),
        "gpu_seconds": _seconds(bill.gpu_ns),
        "usd": _text(bill.usd),
        "attempts": [
            {
                "attempt": each.attempt.n,
                "model": each.attempt.model,
                "backend": each.attempt.backend,
                "replica": each.attempt.replica,
                "prompt_tokens": each.attempt.usage.prompt,
                "cached_tokens": each.attempt.usage.cache_read,
                "output_tokens": each.attempt.usage.generated,
                "usage": each.attempt.usage.source,
                "gpu_seconds_told": _seconds(each.attempt.gpu_ns or 0),
                "rates": each.rates,
                "windows": [_line_fields(line) for line in each.lines],
            }
            for each in bill.attempts
        ],
        "elsewhere": [
            {"attempt": each.n, "model": each.model, "backend": each.backend} for each in bill.elsewhere
        ],
    }


def _line_fields(line: Line) -> dict[str, Any]:
    posted, priced = line.posted, line.priced_ns
    return {
        "window": _moment(line.window),
        "replica": line.replica,
        "effective_prompt_tokens": line.prompt_tokens,
        "output_tokens": line.output_tokens,
        "context_tokens_read": line.context_tokens,
        "gpu_seconds_by_price": None if priced is None else _seconds(priced),
        "gpu_seconds_booked": _seconds(line.booked_ns),
        "gpu_seconds_corrected": _seconds(line.corrected_ns),
        "gpu_seconds": _seconds(line.gpu_ns),
        "usd": _text(line.usd),
        "posted": posted
        and {
            "gpus": posted.gpus,
            "busy_seconds": _seconds(posted.busy_ns),
            "paid_seconds": _seconds(posted.paid_ns),
            "waiting_seconds": _seconds(posted.waiting_ns),
            "unobserved_seconds": _seconds(posted.unobserved_ns),
            "gpu_seconds_per_effective_prompt_token": posted.prompt_price / _SECOND,
            "gpu_seconds_per_output_token": posted.output_price / _SECOND,
            "gpu_seconds_per_context_token_read": posted.context_price / _SECOND,
        },
    }


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _seconds(ns: int) -> float:
    return ns / _SECOND


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else plain_decimal(usd)


def _money(usd: Decimal | None) -> str:
    return "unknown" if usd is None else f"${usd:.8f}"
