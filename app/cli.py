"""`holdfast …`: the two roles of the image, and what people run by hand."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from app.cluster.api import Api
from app.settings import Settings, SettingsError, from_environment

T = TypeVar("T")


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


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


@cli.command()
def migrate(
    check: Annotated[bool, typer.Option("--check", help="Say what will differ. There is nothing else yet.")] = False,
    namespace: Annotated[str, typer.Option(help="Where Holdfast is or will be installed.")] = "keptn-system",
    output: Annotated[Output, typer.Option("--output", "-o", help="For people, or for programs.")] = Output.TEXT,
) -> None:
    """Read a cluster that Keptn runs in, and say in words what Holdfast will do otherwise. Changes nothing.

    The cluster is the one of $KUBECONFIG, or the one that this runs in. Ends with 0 if nobody has to do anything, with
    1 if somebody has, with 2 if the cluster cannot be read.
    """
    from rich.console import Console

    from app.migrate import read, report

    if not check:
        typer.echo(
            "holdfast: migrate changes nothing by itself; run it with --check, and see docs/migrate.md", err=True
        )
        raise typer.Exit(2)
    try:
        cluster = asyncio.run(_with_cluster(lambda api: read.read(api, namespace)))
    except Exception as error:
        typer.echo(f"holdfast: the cluster cannot be read: {error}", err=True)
        raise typer.Exit(2) from None
    found = report.findings(cluster)
    if output is Output.JSON:
        typer.echo(report.as_json(cluster, found))
    else:
        report.show(Console(), cluster, found)
    raise typer.Exit(1 if report.needs_action(found) else 0)


def main() -> None:
    cli()


async def _with_cluster(work: Callable[[Api], Awaitable[T]]) -> T:
    from app.cluster.kube import KubeApi

    api = await KubeApi.connect()
    try:
        return await work(api)
    finally:
        await api.aclose()


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
