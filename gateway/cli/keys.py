"""`weir keys`: create a key (shown once) and list those a configuration holds."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from gateway.access import keys as access
from gateway.cli.configuration import CONFIG, read

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@click.group()
def keys() -> None:
    """Create and list API keys.

    A key is shown once, when it is made; the configuration keeps only its SHA-256. To rotate one, add the new
    line beside the old, let applications move, then remove the old line: both count meanwhile.
    """


@keys.command()
@click.argument("tenant")
@click.option(
    "--id", "key_id", default="", help="A name for the key in logs and the ledger.  [default: today's date]"
)
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), help="The day it stops counting (UTC), as 2027-01-01."
)
def create(tenant: str, key_id: str, expires: datetime | None) -> None:
    """Make a key for TENANT, print it once, and the line to paste into the configuration."""
    key = access.create()
    now = datetime.now(UTC)
    if expires is not None and expires.replace(tzinfo=UTC) <= now:
        raise click.BadParameter("that day is already past", param_hint="--expires")
    name = _in_yaml(key_id) if key_id else f"key-{now:%Y-%m-%d}"
    until = f", expires: {expires:%Y-%m-%d}" if expires is not None else ""
    click.echo("The key, shown this once:\n")
    click.echo(f"  {key}\n")
    click.echo(f"Paste this under `tenants: {_in_yaml(tenant)}: keys:`\n")
    click.echo(f'  - {{id: {name}, sha256: "{access.digest(key)}"{until}}}\n')
    click.echo("A running gateway takes it over within seconds.")


def _in_yaml(name: str) -> str:
    """A name as it stands in the configuration: in quotes, unless it is plain."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


@keys.command("list")
@CONFIG
def list_keys(config: tuple[Path, ...]) -> None:
    """List the keys of every tenant, with what is left of their time."""
    snapshot = read(config)
    now = datetime.now(UTC)
    table = Table("tenant", "key", "sha256", "expires", "counts")
    for tenant in snapshot.tenants.values():
        for key in tenant.keys:
            expired = key.expires is not None and key.expires <= now
            table.add_row(
                tenant.name,
                key.id,
                f"{key.sha256[:12]}…",
                f"{key.expires:%Y-%m-%d}" if key.expires else "never",
                "[red]no, expired[/red]" if expired else "[green]yes[/green]",
            )
    if not table.rows:
        click.echo("There is no key yet: `weir keys create TENANT` makes one, and says where it goes.")
        return
    Console().print(table)
