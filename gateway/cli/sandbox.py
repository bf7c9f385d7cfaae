"""`weir sandbox`: the stand-in engines alone, until they are told to stop."""

import asyncio
import signal
import sys

import click
from rich.console import Console
from rich.table import Table

from gateway.sandbox.faults import MODES
from gateway.sandbox.sandbox import Ports, Sandbox

_SPEAKS = {
    "vllm": "chat completions, models, tokenize, load, /metrics of a simulated engine",
    "openai": "chat completions, models, usage details, rate-limit headers",
    "anthropic": "messages, count_tokens, models, ping events, cache classes",
}


@click.command()
@click.option("--vllm-port", type=int, default=0, help="0 takes a free one.", show_default=True)
@click.option("--openai-port", type=int, default=0, help="0 takes a free one.", show_default=True)
@click.option("--anthropic-port", type=int, default=0, help="0 takes a free one.", show_default=True)
@click.option("--control-port", type=int, default=0, help="0 takes a free one.", show_default=True)
@click.option(
    "--tokens-per-second",
    type=click.FloatRange(min=0.1),
    default=120.0,
    show_default=True,
    help="How fast one stream comes.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Picks other canned answers.")
def sandbox(
    vllm_port: int,
    openai_port: int,
    anthropic_port: int,
    control_port: int,
    tokens_per_second: float,
    seed: int,
) -> None:
    """Run stand-in engines on loopback: vLLM, OpenAI and Anthropic by their wire formats, with canned answers.

    Point anything at them that speaks to the real ones. Any key will do. Ctrl-C or SIGTERM ends them.
    """
    ports = Ports(vllm_port, openai_port, anthropic_port, control_port)
    stand_ins = Sandbox(ports=ports, tokens_per_second=tokens_per_second, first_token=0.1, seed=seed)
    try:
        asyncio.run(_run(stand_ins))
    except OSError as error:
        click.echo(
            f"The sandbox could not start: {error.strerror or error}. Port 0 takes a free one.", err=True
        )
        sys.exit(1)


async def _run(stand_ins: Sandbox) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with stand_ins:
        _show(stand_ins, Console())
        await stopping.wait()


def _show(stand_ins: Sandbox, console: Console) -> None:
    table = Table(title="Weir's stand-in engines")
    table.add_column("stands in for")
    table.add_column("base URL", no_wrap=True)
    table.add_column("speaks")
    table.add_column("models", overflow="fold")
    for part in stand_ins.stand_ins:
        table.add_row(part.name, part.url, _SPEAKS[part.name], "\n".join(part.models))
    console.print(table)
    console.print(
        "They answer with canned text that says so. Nothing leaves this machine; any key will do.\n"
    )
    console.print("[bold]Make one fail[/bold], to see what Weir does:")
    console.print(
        f'  curl {stand_ins.control_url}/_sandbox/vllm/faults -d \'{{"mode": "503", "count": 1}}\'',
        soft_wrap=True,
        highlight=False,
    )
    console.print(
        f"  modes: {', '.join(MODES)}, or a status from 400 to 599", soft_wrap=True, highlight=False
    )
    console.print("[bold]See what reached one:[/bold]")
    console.print(f"  curl {stand_ins.control_url}/_sandbox/vllm/requests", soft_wrap=True, highlight=False)
    console.print("\nCtrl-C ends them.")
