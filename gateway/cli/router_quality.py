"""`weir router calibrate --quality`: a threshold that labels support, and how uncertain it is."""

from pathlib import Path

import numpy as np
from rich.console import Console

from gateway.cli.router_judging import judge
from gateway.cli.router_weights import scorer_of
from routers.complexity.curve import lowest_share, resamples
from routers.complexity.window import quantile_for_share


def for_quality(rows: tuple[Path, ...], quality: float, weights: Path | None, count: int, seed: int) -> None:
    """Prints the highest threshold that keeps `quality` of the strong model's advantage with 95% confidence."""
    judged = judge(rows, scorer_of(weights))
    scores, gain = judged.scores, judged.table.gain
    counts = resamples(len(gain), count, np.random.default_rng(seed))
    share, kept = lowest_share(scores, gain, quality, counts)
    at = quantile_for_share(sorted(scores.tolist()), share)
    console = Console()
    console.print(judged.origin)
    console.print(f"{len(gain)} labels; the strong model is better by {gain.mean():.3f} on average")
    console.print(f"threshold {at:.4f} sends {share:.0%} of calls to the strong model")
    console.print(
        f"and keeps {kept.value:.0%} of its advantage here; between {kept.low:.0%} and {kept.high:.0%} "
        f"with 95% confidence on traffic like this"
    )
    if share >= 1:
        console.print(
            f"[yellow]These labels support no threshold for {quality:.0%}: everything would go to the strong model. "
            "More labels narrow the interval.[/yellow]"
        )
    console.print(f"\n  when: {{complexity: {{at_least: {at:.4f}}}}}", highlight=False)
