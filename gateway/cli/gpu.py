"""`weir gpu`: what a request's GPU time cost and why, and what an engine's doings cost."""

import click

from gateway.cli.gpu_calibrate import calibrate
from gateway.cli.gpu_explain import explain


@click.group()
def gpu() -> None:
    """Explain a request's GPU bill; fit what an engine's doings cost.

    A request pays for what it had the engine do: prompt tokens computed, tokens written, context read back. What these
    cost beside each other is the engine's own; `calibrate` measures it.
    """


gpu.add_command(explain)
gpu.add_command(calibrate)
