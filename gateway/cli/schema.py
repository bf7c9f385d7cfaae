"""`weir schema`: the JSON Schema of the configuration, so that editors complete and check it."""

import json

import click

from gateway.configuration.schema import json_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of config/*.yaml, for editors.

    Save it beside your files and begin each of them with
    `# yaml-language-server: $schema=weir.schema.json`.
    """
    click.echo(json.dumps(json_schema(), indent=2))
