"""`weir gpu`: what a request's GPU time cost and why, and what an engine's doings cost."""

import click

from gateway.cli.gpu_explain import explain


@click.group()
def gpu() -> None:
    """Explain what GPU time was booked to a request, and why."""


gpu.add_command(explain)
