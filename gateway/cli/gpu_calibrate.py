"""`weir gpu calibrate`: measure a running engine, fit what its doings cost, say how sure that is."""

import asyncio
import os
import random
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from adapters.errors import UpstreamError
from adapters.transport import Pool, tls_context
from gateway.app.calibrating import CannotMeasure, Engine, Plan, measured, plan
from gateway.app.costs import first_guess
from gateway.cli.configuration import CONFIG, read
from gateway.configuration.settings import BackendSettings
from gateway.metering.gpu.calibration import Estimate, Fit, fit
from gateway.metering.gpu.facts import Coefficients
from gateway.metering.gpu.hardware import NEUTRAL

_console: Final = Console(stderr=True, width=None if sys.stderr.isatty() else 120)
_MORE: Final = 4  # times as many samples where it is not sure


@dataclass(frozen=True, slots=True)
class _Target:
    """The engine to measure. `name` is the backend's, where it has one."""

    url: str
    name: str = "my-backend"
    model: str = ""
    key: str | None = None
    ca_file: str | None = None
    guess: Coefficients = NEUTRAL


@click.command()
@click.argument("backend", required=False)
@CONFIG
@click.option("--url", help="An engine's base address, instead of a backend of the configuration.")
@click.option("--model", default="", help="The model to ask, in the engine's words.  [default: its first]")
@click.option("--api-key-env", metavar="NAME", help="The environment variable that holds the engine's key.")
@click.option(
    "--samples", type=click.IntRange(2, 100), default=5, show_default=True, help="Requests of each length."
)
@click.option(
    "--output", type=click.IntRange(4, 1000), default=32, show_default=True, help="Tokens of each answer."
)
@click.option(
    "--longest",
    type=click.IntRange(64),
    help="The longest prompt (tokens).  [default: what fits]",
)
@click.option(
    "--anyway", is_flag=True, help="Measure even while the engine serves others. It will tell less."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def calibrate(
    backend: str | None, config: tuple[Path, ...], url: str | None, model: str, api_key_env: str | None,
    samples: int, output: int, longest: int | None, anyway: bool, as_json: bool,
) -> None:  # fmt: skip
    """Fit what a step, a prompt token and a token of context cost, on a running engine.

    Sends five times --samples requests one after another, of five prompt lengths (16384 tokens at most) and --output
    tokens each, straight to the first replica of BACKEND (or to --url); the plan is printed before. Prompts are random
    words, so that none is cached. What it finds goes into the configuration as `gpu_costs`: Weir begins with it, and
    goes on learning from real traffic. Only the costs' ratios matter to the bills.

    Run it while the engine serves nobody else: it refuses to begin otherwise, and says so if others came meanwhile.

    \b
    Examples:
      weir gpu calibrate gpu-a --config config/
      weir gpu calibrate --url http://127.0.0.1:8000 --samples 20
    """
    key = os.environ.get(api_key_env) if api_key_env else None
    if api_key_env and not key:
        raise click.ClickException(f"the environment variable {api_key_env} is empty")
    target = _target(backend, config, url, model, key)
    try:
        found, disturbed = asyncio.run(_measure(target, samples, output, longest, anyway=anyway))
    except (CannotMeasure, ValueError) as error:
        raise click.ClickException(str(error)) from None
    except (UpstreamError, OSError) as error:
        raise click.ClickException(
            f"{target.url} cannot be measured: {error or type(error).__name__}"
        ) from None
    costs, unseen = coefficients(found, target.guess)
    if as_json:
        click.echo(orjson.dumps(_fields(target, found, costs, unseen, disturbed), option=orjson.OPT_INDENT_2))
        return
    _show(found, unseen)
    for advice in _advice(found, unseen, samples, disturbed=disturbed):
        _console.print(advice, style="yellow", highlight=False)
    click.echo(f"backends:\n  {target.name}:\n    gpu_costs: {_yaml(costs)}")


def _target(
    backend: str | None, config: tuple[Path, ...], url: str | None, model: str, key: str | None
) -> _Target:
    if url:
        return _Target(url.rstrip("/"), backend or "my-backend", model, key)
    snapshot = read(config)
    ours = {name: each for name, each in snapshot.backends.items() if each.kind == "vllm"}
    if backend is None and len(ours) == 1:
        backend = next(iter(ours))
    if backend not in ours:
        names = ", ".join(ours) or "none"
        raise click.UsageError(f"name a vllm backend of the configuration ({names}), or an engine with --url")
    settings: BackendSettings = ours[backend]
    upstreams = [each.upstream for each in snapshot.policy.models.values() if each.backend == backend]
    secret = key or (settings.api_key.reveal() if settings.api_key is not None else None)
    return _Target(
        settings.replicas[0],
        backend,
        model or (upstreams[0] if upstreams else ""),
        secret,
        settings.ca_file,
        first_guess(settings).costs,
    )


async def _measure(
    target: _Target, samples: int, output: int, longest: int | None, *, anyway: bool
) -> tuple[Fit, bool]:
    """The fit, and whether others used the engine meanwhile."""
    parts = urlsplit(target.url)
    tls = tls_context(target.ca_file) if parts.scheme == "https" else None
    pool = Pool(f"{parts.scheme}://{parts.netloc}", tls=tls)
    try:
        engine = Engine(pool, parts.path, target.model, target.key, random.Random(secrets.randbits(64)))  # noqa: S311  # prompts nobody sent before
        running, _ = await engine.others()
        if running and not anyway:
            raise CannotMeasure(
                f"the engine serves {running:.0f} other requests just now, which would be taken for its cost; "
                "wait until it is idle, or add --anyway"
            )
        what = plan(await engine.learn(), samples, output, longest)
        _announce(engine.model, target.url, what)
        _, before = await engine.others()
        found = await measured(engine, what, _progress(len(what.prompts)))
        running, after = await engine.others()
        ours = sum(each.output for each in found)
        return fit(found), running > 0 or abs(after - before - ours) > 0.02 * ours + 2
    finally:
        await pool.aclose()


def _announce(model: str, url: str, what: Plan) -> None:
    _console.print(
        f"{len(what.prompts)} requests to {model} at {url}, one after another: about {what.prompt_tokens:,} prompt "
        f"tokens, {len(what.prompts) * what.output:,} output tokens",
        highlight=False,
    )


def _progress(total: int) -> Any:
    def done(count: int) -> None:
        if _console.is_terminal:
            _console.print(f"{count} of {total}", end="\r", highlight=False)

    return done


def coefficients(found: Fit, guess: Coefficients) -> tuple[Coefficients, list[str]]:
    """What to write down: what was fitted; what could not be seen, in the first guess's proportion to a step; and the
    names of those."""
    level = found.step.value / guess.step
    unseen = [name for name in ("prompt", "context", "attention") if getattr(found, name).value <= 0]
    return (
        Coefficients(
            step=found.step.value,
            prompt=guess.prompt * level if "prompt" in unseen else found.prompt.value,
            context=guess.context * level if "context" in unseen else found.context.value,
            attention=guess.attention if "attention" in unseen else found.attention.value,
        ),
        unseen,
    )


def _show(found: Fit, unseen: Sequence[str]) -> None:
    table = Table(box=SIMPLE_HEAD, title=f"What the engine's doings cost ({found.samples} requests)")
    for title in ("", "fitted", "9 in 10 chances", "±", ""):
        table.add_column(title, justify="left" if not title else "right")
    for name, what, unit, per in _LINES:
        each: Estimate = getattr(found, name)
        if name in unseen:
            table.add_row(what, "not seen", "", "", "[yellow]from the first guess[/]")
            continue
        verdict = "[green]sure[/]" if each.sure else "[yellow]unsure[/]"
        between = f"{each.low * per:.4g} to {each.high * per:.4g}"
        table.add_row(what, f"{each.value * per:.4g} {unit}", between, f"{each.spread:.0%}", verdict)
    _console.print(table)
    first, further = found.missed
    _console.print(
        f"half of the first tokens are within {first:.1%} of the fit, of the further ones within {further:.1%}",
        highlight=False,
    )


_LINES: Final = (
    ("step", "a step", "ms", 1e3),
    ("prompt", "a prompt token", "µs", 1e6),
    ("context", "a token of context read back", "ns", 1e9),
    ("attention", "a prompt token is dearer per token of context by", "ppm", 1e6),
    ("latency", "a request that are not its prompt's", "ms", 1e3),
)


def _advice(found: Fit, unseen: Sequence[str], samples: int, *, disturbed: bool) -> list[str]:
    said = []
    if disturbed:
        said.append("Others used the engine meanwhile: measure again when it is idle.")
    unsure = [
        name for name in ("step", "prompt", "context") if name not in unseen and not getattr(found, name).sure
    ]
    if unsure:
        said.append(f"Not sure of {', '.join(unsure)}: try --samples {samples * _MORE}.")
    if unseen:
        said.append(
            f"{', '.join(unseen)} did not stand out from the noise: longer prompts (--longest) show it better."
        )
    return said


def _yaml(costs: Coefficients) -> str:
    return (
        f"{{step: {costs.step:.4g}, prompt: {costs.prompt:.4g}, context: {costs.context:.4g}, "
        f"attention: {costs.attention:.4g}}}"
    )


def _fields(
    target: _Target, found: Fit, costs: Coefficients, unseen: Sequence[str], disturbed: bool
) -> dict[str, Any]:
    names = ("step", "prompt", "context", "attention", "latency")
    return {
        "backend": target.name,
        "gpu_costs": {name: getattr(costs, name) for name in names[:4]},
        "fitted": {
            name: {"value": each.value, "low": each.low, "high": each.high, "sure": each.sure}
            for name in names
            for each in (getattr(found, name),)
        },
        "from_first_guess": list(unseen),
        "median_error": {"first_token": found.missed[0], "further_tokens": found.missed[1]},
        "samples": found.samples,
        "disturbed": disturbed,
    }
