"""`holdfast …`: the two roles of the image, and what people run by hand."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import typer

from app.cluster.api import Api
from app.settings import Settings, SettingsError, from_environment

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Holds pods fast until their deployment checks pass.",
    pretty_exceptions_enable=False,
)


@cli.command()
def webhook() -> None:
    """Serve the admission webhooks (in a pod, as the chart runs it)."""
    from app.admission.server import serve  # each role loads only what it needs: memory is counted

    _run(serve)


@cli.command()
def worker() -> None:
    """Run the checks and open the gates (in a pod, as the chart runs it)."""
    from app.worker.main import serve

    _run(serve)


@cli.command()
def crds(folder: Path) -> None:
    """Write the CustomResourceDefinitions into FOLDER."""
    from app.api.crds import write_crds

    write_crds(folder)


def main() -> None:
    cli()


def _run(serve: Callable[[Settings, Api], Awaitable[None]]) -> None:
    import uvloop

    from app.cluster.kube import KubeApi
    from app.telemetry import logs

    try:
        settings = from_environment(os.environ)
        logs.configure(settings.log_level)
    except (SettingsError, ValueError) as error:
        typer.echo(f"holdfast: {error}", err=True)
        raise typer.Exit(2) from None

    async def run() -> None:
        api = await KubeApi.connect()
        try:
            await serve(settings, api)
        finally:
            await api.aclose()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
