"""How every verb takes a configuration: one option, one way to say what is wrong with it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors
from gateway.configuration.snapshot import Snapshot

CONFIG = click.option(
    "--config",
    "-c",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    default=(Path("config"),),
    show_default=True,
    envvar="WEIR_CONFIG",
    help="A YAML file, or a folder of them; may be given more than once.",
)


def read(paths: tuple[Path, ...]) -> Snapshot:
    """The snapshot of these files; where they are wrong, say so as a person reads it and exit with 1."""
    try:
        return load(paths, os.environ, datetime.now(UTC).date())
    except ConfigurationErrors as errors:
        click.echo(str(errors), err=True)
        sys.exit(1)
