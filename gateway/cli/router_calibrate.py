"""`weir router calibrate --share`: a threshold from unlabelled traffic, without numpy."""

from datetime import datetime
from math import sqrt
from pathlib import Path

import click
from rich.console import Console

from gateway.cli.router_rows import data_of, read_rows
from gateway.cli.router_weights import bytes_of, install, scorer_of
from routers.complexity.weights import CALIBRATED, Weights
from routers.complexity.window import SIZE, Window, observe, quantile_for_share, threshold
from routers.policy.conditions import percent


def for_share(
    rows: tuple[Path, ...], share: float, weights: Path | None, out: Path | None, now: datetime
) -> None:
    """Prints the threshold above which `share` of these prompts lie, and how far traffic like it may stray; writes
    the weights with these scores as their calibration to `out`."""
    scorer = scorer_of(weights)
    scores = [scorer.score(row.conversation).value for row in read_rows(rows)]
    if not scores:
        raise click.ClickException("the files hold no rows")
    at = quantile_for_share(sorted(scores), share)
    sent = sum(score >= at for score in scores) / len(scores)
    stray = 1.96 * sqrt(share * (1 - share) / len(scores))
    console = Console()
    console.print(f"{len(scores)} prompts, scores {min(scores):.3f} to {max(scores):.3f}")
    console.print(f"threshold {at:.4f} sends {sent:.1%} of them to the strong model")
    low, high = max(share - stray, 0), min(share + stray, 1)
    console.print(f"on traffic like this, expect {low:.1%} to {high:.1%} (95%, from sampling alone)")
    replayed = _replay(scores, share, at)
    if replayed is not None:
        console.print(
            f"kept up by a rolling window of {SIZE}: {replayed:.1%} of the calls after the first window"
        )
    if 0 < share < 1:
        console.print(f"\nto keep to {percent(share)} as traffic changes:", highlight=False)
        console.print(f"  when: {{complexity: {{hardest: {percent(share)}}}}}", highlight=False)
    console.print(f"\nfixed:\n  when: {{complexity: {{at_least: {at:.4f}}}}}", highlight=False)
    if out is not None:
        made = {"made": f"{now:%Y-%m-%dT%H:%M:%SZ}", "prompts": len(scores), "data": data_of(rows)}
        calibrated = Weights.from_bytes(bytes_of(weights))
        card = {**calibrated.card, CALIBRATED: made, "quantiles": _quantiles(sorted(scores))}
        install(calibrated.with_card(card).to_bytes(), out)
        console.print(
            f"wrote {out}; in force where the configuration has complexity: {{weights: {out.name}}}"
        )


def _quantiles(ordered: list[float]) -> list[float]:
    """101 of them, from the lowest to the highest."""
    return [round(ordered[round((len(ordered) - 1) * at / 100)], 4) for at in range(101)]


def _replay(scores: list[float], share: float, fallback: float) -> float | None:
    """The share that the rolling threshold would have sent, in the rows' order; None with too few to say."""
    if len(scores) < 2 * SIZE:
        return None
    window, strong = Window(), 0
    for at, score in enumerate(scores):
        strong += at >= SIZE and score >= threshold(window, share, fallback)
        observe(window, score)
    return strong / (len(scores) - SIZE)
