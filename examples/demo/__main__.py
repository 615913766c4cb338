"""`python -m examples.demo`: exit status 0 if all of it happened, 1 if not, 2 if there is nothing to show it on."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.live import Live

from app.cluster import resources
from app.cluster.api import Api
from app.cluster.errors import ApiError
from app.cluster.kube import KubeApi
from examples.demo import kubectl, shop, verdict, view, watching
from examples.demo.story import Story

# How long we look at the failed one after all else is done: a gate that opens late must be noticed.
_SETTLE_SECONDS = 3.0
_CLEAN_SECONDS = 90.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds until everything must have happened")
    parser.add_argument("--plain", action="store_true", help="plain lines, even on a terminal")
    options = parser.parse_args()
    console = Console(highlight=False)
    if not _kubeconfig().is_file():
        console.print(f"There is no cluster to show it on: {_kubeconfig()} is not there. Run `make cluster` first.")
        return 2
    try:
        return asyncio.run(_run(console, options.timeout, options.plain or not console.is_terminal))
    except ApiError as error:
        console.print(f"The cluster does not answer as it should: {error}", style="bold red", markup=False)
    except TimeoutError:
        console.print(
            "The shop of an earlier run does not go away: kubectl get namespace shop -o yaml", style="bold red"
        )
    except KeyboardInterrupt:
        console.print("Stopped. The shop stays as it is.")
    return 2


async def _run(console: Console, seconds: float, plain: bool) -> int:
    api = await KubeApi.connect()
    try:
        missing = await shop.installed(api)
        if missing:
            console.print(f"Holdfast is not ready here: {missing}. Run `make install` first.", style="bold red")
            return 2
        await _clean(api, console)
        story = await _watch(api, console, seconds, plain)
    finally:
        await api.aclose()
    status, metrics = await kubectl.rollout_status(), await kubectl.metrics()
    found = verdict.findings(story, status, metrics)
    console.print()
    console.print(view.account(story, status, metrics))
    console.print(view.claims(found), soft_wrap=True)
    all_held = all(finding.held for finding in found)
    if not all_held:
        console.print(view.diagnosis(story), soft_wrap=True)
        console.print(
            "Holdfast's own words: kubectl -n keptn-system logs deployment/lifecycle-operator\n", soft_wrap=True
        )
    console.print(view.where_next(str(_kubeconfig())), soft_wrap=True)
    return 0 if all_held else 1


async def _clean(api: Api, console: Console) -> None:
    """Takes the shop of an earlier run away. Raises TimeoutError if it will not go."""
    if not await shop.exists(api):
        return
    console.print("Taking away the shop of an earlier run …")
    await api.delete(resources.NAMESPACES, shop.NAMESPACE)
    async with asyncio.timeout(_CLEAN_SECONDS):
        await watching.gone(api)


async def _watch(api: Api, console: Console, seconds: float, plain: bool) -> Story:
    """The story, once everything has happened or the time is up."""
    objects = shop.images_of(shop.documents(), os.environ.get("REGISTRY", ""))
    story = Story(shop.expected(objects), shop.expected_app(objects))
    clock = watching.Clock()
    teller = _Teller(console, story, plain)
    console.print(
        f"kubectl apply -f examples/shop: {len(objects)} objects, {len(story.workloads)} workloads with a check,"
    )
    console.print(f"{len(story.members)} of them in one application, which has checks of its own\n")
    async with watching.watching(api, story, clock, teller.changed):
        clock.start()
        picture = asyncio.create_task(_picture(console, story, clock, plain))
        try:
            async with asyncio.timeout(seconds):
                await shop.apply(api, objects)
                await teller.finished.wait()
                await asyncio.sleep(_SETTLE_SECONDS)
        except TimeoutError:
            console.print(f"Not everything has happened within {seconds:.0f} s.", style="bold red")
        finally:
            picture.cancel()
            await asyncio.gather(picture, return_exceptions=True)
    return story


class _Teller:
    """Tells what is new line by line if `plain`, and knows when all has been told."""

    def __init__(self, console: Console, story: Story, plain: bool) -> None:
        self.finished = asyncio.Event()
        self._console = console
        self._story = story
        self._plain = plain
        self._told = 0

    def changed(self) -> None:
        if self._plain:
            for one in self._story.lines[self._told :]:
                self._console.print(view.line(one), soft_wrap=True)
        self._told = len(self._story.lines)
        if self._story.finished:
            self.finished.set()


async def _picture(console: Console, story: Story, clock: watching.Clock, plain: bool) -> None:
    if plain:
        return
    with Live(view.live(story, clock()), console=console, auto_refresh=False) as picture:
        try:
            while True:
                await asyncio.sleep(0.1)
                picture.update(view.live(story, clock()), refresh=True)
        finally:
            picture.update(view.live(story, clock()), refresh=True)


def _kubeconfig() -> Path:
    """The kubeconfig in use, as short as it can be written from here."""
    path = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config").absolute()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
