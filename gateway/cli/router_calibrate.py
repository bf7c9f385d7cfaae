"""`weir router calibrate --share`: a threshold from unlabelled traffic, without numpy."""

from math import sqrt
from pathlib import Path

import click
from rich.console import Console

from gateway.cli.router_rows import read_rows
from gateway.cli.router_weights import scorer_of
from routers.complexity.window import SIZE, Window, observe, quantile_for_share, threshold


def for_share(rows: tuple[Path, ...], share: float, weights: Path | None) -> None:
    """Prints the threshold above which `share` of these prompts lie, and how far traffic like it may stray."""
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
    console.print(f"\n  when: {{complexity: {{at_least: {at:.4f}}}}}", highlight=False)


def _replay(scores: list[float], share: float, fallback: float) -> float | None:
    """The share that the rolling threshold would have sent, in the rows' order; None with too few to say."""
    if len(scores) < 2 * SIZE:
        return None
    window, strong = Window(), 0
    for at, score in enumerate(scores):
        strong += at >= SIZE and score >= threshold(window, share, fallback)
        observe(window, score)
    return strong / (len(scores) - SIZE)
