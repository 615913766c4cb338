"""The command line: `python3 -m localkube up | down | status | load TAR... | tools`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from localkube import build, checks, cluster, images, packages, tools
from localkube.errors import LocalkubeError
from localkube.paths import Paths, cache, default_paths
from localkube.progress import Progress, duration

NOT_RUNNING = 3


def parser() -> argparse.ArgumentParser:
    """The commands and what they say about themselves."""
    top = argparse.ArgumentParser(
        prog="python3 -m localkube", description="A real one-node Kubernetes on this machine."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="bring the cluster up; harmless when it is up already")
    commands.add_parser("down", help="take the cluster down and leave nothing of it running; harmless when it is down")
    commands.add_parser("status", help=f"say which parts run; ends with {NOT_RUNNING} unless all do")
    load = commands.add_parser("load", help="import image archives into the cluster")
    load.add_argument("archives", nargs="+", type=Path, metavar="TAR")
    commands.add_parser("tools", help="print where kubectl, helm and ctr are, building them when needed")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    arguments = parser().parse_args(argv)
    paths = default_paths()
    progress = Progress()
    try:
        if arguments.command == "up":
            return up(paths, progress)
        if arguments.command == "down":
            cluster.down(paths, progress)
            progress.say("The cluster is down; its images, certificates and logs stay in .localkube.")
            return 0
        if arguments.command == "status":
            progress.say(cluster.status(paths))
            return 0 if cluster.is_up(paths) else NOT_RUNNING
        if arguments.command == "load":
            return load(paths, arguments.archives, progress)
        return print_tools(paths, progress)
    except LocalkubeError as problem:
        print(f"localkube: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlocalkube: stopped; the next `up` clears away what was begun", file=sys.stderr)
        return 130


def up(paths: Paths, progress: Progress) -> int:
    """Bring the cluster up and say how it stands."""
    seconds = cluster.up(paths, cache(), progress)
    if seconds:
        progress.say(f"The start took {duration(seconds)}.")
    progress.say(cluster.status(paths))
    return 0


def load(paths: Paths, archives: Sequence[Path], progress: Progress) -> int:
    """Import image archives and name what was in them."""
    if not cluster.is_up(paths):
        raise LocalkubeError("the cluster is not up: run `python3 -m localkube up` first")
    for archive in archives:
        with progress.step(f"load {archive.name}") as step:
            step.detail = ", ".join(images.load(paths, archive))
    return 0


def print_tools(paths: Paths, progress: Progress) -> int:
    """Build the tools when needed and print where they are."""
    checks.platform()
    packages.ensure(progress)
    for name, path in tools.link(paths, build.ensure(cache(), progress)).items():
        progress.say(f"{name:<8} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
