"""`weir router` and `weir eval-complexity`: the complexity score as something an operator owns and retrains."""

import importlib
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Final

import click

_EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_ROWS: Final = click.argument("rows", nargs=-1, required=True, type=_EXISTING)
_WEIGHTS: Final = click.option(
    "--weights", type=_EXISTING, help="The weights to use.  [default: those that ship]"
)
_BOOT: Final = click.option(
    "--resamples", default=500, show_default=True, type=click.IntRange(50), help="Bootstrap resamples."
)
_SEED: Final = click.option(
    "--seed", default=0, show_default=True, help="The same seed gives the same output."
)
_TRAIN_EXTRA: Final = frozenset({"numpy", "sklearn"})


def _needs_training(module: str) -> ModuleType:
    """A module that computes with numpy, which serving does without."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in _TRAIN_EXTRA:
            raise
        raise click.ClickException(
            "this needs numpy and scikit-learn: pip install 'weir-gateway[train]'"
        ) from None


@click.group()
def router() -> None:
    """Train, calibrate and report on the complexity score.

    Rows are JSON lines, plain or gzipped: {"prompt": "…"} or {"request": {an OpenAI chat body}}. Labelled rows add
    "strong" and "weak", the quality (0..1) of each model's answer, and may name a "source" and a "subject".

    \b
    Weights are put in force by the configuration, relative to its file:
      complexity: {weights: complexity.weights}
    A running gateway takes over a new file in that place within seconds; one that it cannot use is refused, and the
    weights it has stay. `weir explain` scores with the configuration's weights, `weir classify` with --weights.
    """


@router.command()
@_ROWS
@click.option(
    "--out",
    default=Path("complexity"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the new weights.",
)
@click.option(
    "--promote",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also install the new weights as this file, if they beat prompt length and the current weights.",
)
@click.option(
    "--current",
    type=_EXISTING,
    help="The weights to beat.  [default: the file to promote, or those that ship]",
)
@click.option("--pair", default="", help="Which models the labels compare, for the record: strong/weak.")
@_BOOT
@_SEED
def train(
    rows: tuple[Path, ...],
    out: Path,
    promote: Path | None,
    current: Path | None,
    pair: str,
    resamples: int,
    seed: int,
) -> None:
    """Fit new weights on labelled ROWS, and show whether they are any good.

    Cross-validates by prompt; prints APGR, CPT50 and CPT80 with 95% intervals beside a random score, prompt length
    and the current weights; writes the weights under a name that never comes twice. With --promote they are also
    installed, but only where the lower bound of their lead over a random score, over length and over the current
    weights is above zero: otherwise the file stays as it was, and the exit status is 1.

    \b
    To put them in force, promote to the file that the configuration names (complexity: {weights: live.weights}):
      weir router train labelled.jsonl --promote config/live.weights
    The gateway takes it over by itself. To go back, copy an earlier file of --out there.
    """
    module = _needs_training("gateway.cli.router_train")
    module.run(rows, out, promote, current, pair, resamples, seed, datetime.now(UTC))


@router.command()
@_ROWS
@click.option("--share", type=click.FloatRange(0, 1), help="Share of calls for the strong model, as 0.3.")
@click.option(
    "--quality",
    type=click.FloatRange(0, 1),
    help="Share of the strong model's advantage to keep, as 0.8. Needs labelled rows.",
)
@_WEIGHTS
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --share: also write the weights to this file, calibrated on ROWS.",
)
@_BOOT
@_SEED
def calibrate(
    rows: tuple[Path, ...],
    share: float | None,
    quality: float | None,
    weights: Path | None,
    out: Path | None,
    resamples: int,
    seed: int,
) -> None:
    """Set the threshold from ROWS: for a share of strong calls, or for a quality.

    A share needs only prompts: the threshold is a quantile of their scores. In the policy, `hardest: 30%` keeps such
    a threshold up with traffic, on a rolling window for each route. With --out the weights are written anew with
    these prompts as their calibration: rolling thresholds begin there, and the metric weir_complexity_drift_ratio
    tells how far traffic has moved from it. A quality needs labels: the threshold is the highest whose lower
    confidence bound still keeps it, and how uncertain that is gets printed.

    \b
    Example, for a configuration with complexity: {weights: live.weights}:
      weir router calibrate traffic.jsonl --share 0.3 --weights config/live.weights --out config/live.weights
    """
    if (share is None) == (quality is None):
        raise click.UsageError("give one of --share and --quality")
    if out is not None and share is None:
        raise click.UsageError("--out goes with --share")
    if share is not None:
        module = importlib.import_module("gateway.cli.router_calibrate")
        module.for_share(rows, share, weights, out, datetime.now(UTC))
    else:
        module = _needs_training("gateway.cli.router_quality")
        module.for_quality(rows, quality, weights, resamples, seed)


@router.command()
@_ROWS
@click.option(
    "--out",
    default=Path("complexity.html"),
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page to write.",
)
@_WEIGHTS
@_BOOT
@_SEED
def report(rows: tuple[Path, ...], out: Path, weights: Path | None, resamples: int, seed: int) -> None:
    """Write a page about the weights on labelled ROWS: one HTML file that loads nothing from anywhere.

    The cost-quality curve with bands, the score's histogram, its calibration and a table by subject. Where ROWS are
    those that the weights were trained on, the page shows cross-validated scores instead and says so.
    """
    module = _needs_training("gateway.cli.router_report")
    module.run(rows, out, weights, resamples, seed, datetime.now(UTC))


@click.command("eval-complexity")
@click.argument(
    "data",
    default=Path("../shared/data/routing"),
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option(
    "--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures."
)
@click.option(
    "--require",
    multiple=True,
    metavar="NAME>=APGR",
    help="Exit with 1 where a figure is lower, as prompt:mmlu>=0.6, subject:mmlu>=0.54, transfer:mean>=0.57, or "
    "curve:mmlu@300>=0.55 for 300 labels.",
)
@_BOOT
@_SEED
def eval_complexity(
    data: Path, json_out: Path | None, require: tuple[str, ...], resamples: int, seed: int
) -> None:
    """Measure the score on the labelled files of the folder DATA (*.jsonl.gz).

    Cross-validation by prompt, subjects left out and transfer between sources beside prompt length, and the learning
    curve beside plain words and a ridge, with 95% intervals; no claim is made that its interval does not support.
    Takes minutes.
    """
    module = _needs_training("gateway.cli.router_evaluate")
    module.run(data, json_out, require, resamples, seed)
