"""The verbs of `weir`, each loaded only when it is called: `weir --help` answers at once."""

import importlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from typing import Final

import click

from gateway.configuration.build import build

_VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("gateway.cli.serve:serve", "Run the gateway."),
    "demo": ("gateway.cli.demo:demo", "Show the main job on stand-in engines, with nothing to set up."),
    "check": ("gateway.cli.check:check", "Validate a configuration, and list where each label could go."),
    "explain": (
        "gateway.cli.explain:explain",
        "Why would this prompt or request go there, and not elsewhere?",
    ),
    "classify": ("gateway.cli.classify:classify", "Label and score JSON lines on standard input."),
    "keys": ("gateway.cli.keys:keys", "Create and list API keys."),
    "schema": ("gateway.cli.schema:schema", "Print the configuration's JSON Schema, for editors."),
    "ledger": ("gateway.cli.ledger:ledger", "Query, export and verify what was booked."),
    "gpu": ("gateway.cli.gpu:gpu", "Explain a request's GPU bill; calibrate prices on a running engine."),
    "export": ("gateway.cli.export:export", "Export the ledger in formats that other tools read: FOCUS."),
    "router": ("gateway.cli.router:router", "Train, calibrate and report on the complexity score."),
    "sandbox": (
        "gateway.cli.sandbox:sandbox",
        "Run stand-in engines: vLLM, OpenAI and Anthropic on loopback.",
    ),
    "eval-sensitivity": (
        "gateway.cli.eval_sensitivity:eval_sensitivity",
        "Measure the labels on labelled data.",
    ),
    "eval-complexity": ("gateway.cli.router:eval_complexity", "Measure the score on labelled data."),
}


class Verbs(click.Group):
    """A group whose commands live in modules of their own, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, most used first."""
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name; a near miss is suggested."""
        if cmd_name not in _VERBS:
            near = get_close_matches(cmd_name, _VERBS, 1)
            ctx.fail(
                f"There is no {cmd_name!r}."
                + (f" Did you mean {near[0]!r}?" if near else " See weir --help.")
            )
        module, _, attribute = _VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs with a line each, without loading them."""
        del ctx
        with formatter.section("Commands"):
            rows: Sequence[tuple[str, str]] = [(name, line) for name, (_, line) in _VERBS.items()]
            formatter.write_dl(rows)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("weir-gateway"), prog_name="weir", message=f"%(prog)s %(version)s ({build()})")
def weir() -> None:
    """Weir directs LLM requests and measures them.

    It labels each request by sensitivity, scores it by complexity, and sends it by a YAML policy to models on
    your own GPUs or to a closed provider. Point your OpenAI base URL at it and change nothing else.

    \b
    Start here:
      weir demo                     see it work, with nothing to set up
      weir check config/            validate a policy and see where data could go
      weir serve --config config/   run it
    """
