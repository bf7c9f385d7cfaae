"""`weir serve`: run the gateway until it is told to stop."""

import asyncio
import errno
import os
import signal
import sys
from pathlib import Path

import click
import uvloop

from gateway.api import logs
from gateway.app import Service, collecting, memory, threads
from gateway.app.build import ProxyInTheWay
from gateway.cli.configuration import CONFIG
from gateway.configuration.problems import ConfigurationErrors
from gateway.ledger.journal import JournalLocked
from gateway.ledger.ledger import DatabaseTaken
from gateway.metering.price_file import InvalidPriceFile


@click.command()
@CONFIG
@click.option("--host", help="The address to listen on.  [default: server.host]")
@click.option("--port", type=int, help="The port; 0 takes a free one.  [default: server.port]")
def serve(config: tuple[Path, ...], host: str | None, port: int | None) -> None:
    """Run the gateway.

    SIGHUP, or a change of the files, reloads the configuration: a bad file is refused and the good one stays.
    SIGTERM and Ctrl-C let the requests under way end, ship the ledger, and stop.
    """
    try:
        uvloop.run(_run(config, host, port))
    except (ConfigurationErrors, ProxyInTheWay, JournalLocked, DatabaseTaken, InvalidPriceFile) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"Weir could not start: {error.strerror or error}", err=True)
        if error.errno == errno.EADDRINUSE:
            click.echo(
                "    take another: --port or `server.port`, and `server.metrics.port`; 0 is a free one",
                err=True,
            )
        sys.exit(1)


async def _run(config: tuple[Path, ...], host: str | None, port: int | None) -> None:
    service = await Service.start(config, os.environ, host=host, port=port)
    logs.configure(service.runtime.snapshot.server.log_level)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, service.reload)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    collecting.settle()
    memory.settle()
    threads.settle()
    click.echo(f"Weir listens on {service.url} (metrics: {service.metrics_url})", err=True)
    try:
        await stopping.wait()
    finally:
        await service.stop()
