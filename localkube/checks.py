"""What must hold before a start, each with an error that says what to do."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from localkube.commands import run
from localkube.errors import LocalkubeError
from localkube.processes import command_line
from localkube.settings import NODE_ADDRESS, NODE_BRIDGE, POD_BRIDGE, POD_RANGE, PORTS, SERVICE_RANGE, Port

NEEDED_DISK_BYTES = 10 * 2**30
LISTENING = "0A"


def platform() -> None:
    """Linux, and root. (An older Python never gets this far.)"""
    if not sys.platform.startswith("linux"):
        raise LocalkubeError(f"localkube runs on Linux only, and this is {sys.platform}")
    if os.geteuid() != 0:
        raise LocalkubeError("a cluster needs root: run this as root, for example with sudo")


def compiler() -> str:
    """The C compiler, for the pause image's one program."""
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name) is not None:
            return name
    raise LocalkubeError(
        "no C compiler (cc, gcc or clang) in PATH: install one, for example `apt-get install gcc libc6-dev`"
    )


def disk_space(folder: Path, needed: int = NEEDED_DISK_BYTES) -> None:
    """Enough free space, in bytes, where a folder is or will be."""
    existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise LocalkubeError(
            f"{folder} has {free / 2**30:.1f} GiB left and a build needs {needed / 2**30:.0f} GiB: "
            "make room, or point HOLDFAST_CACHE at a larger disk"
        )


def ports(wanted: Iterable[Port] = PORTS) -> None:
    """None of our ports is taken, neither on our address nor on all addresses."""
    for port in wanted:
        if occupied(port):
            raise LocalkubeError(
                f"{port.part} needs port {port}, but {listener(port.number)} listens there already: stop it first"
            )


def occupied(port: Port) -> bool:
    """Whether somebody listens on a port. An address that the machine does not have yet is asked for as `any`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the daemons do: a connection that only waits for its end does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
        except OSError as problem:
            if problem.errno != 99:  # EADDRNOTAVAIL: the node's bridge is not there yet
                return True
            return listens_anywhere(port.number)
    return False


def listens_anywhere(number: int) -> bool:
    """Whether somebody listens on a port on all addresses, which would take the node's address as well."""
    for table, anywhere in (("tcp", "00000000"), ("tcp6", "0" * 32)):
        for local, _ in listening_sockets(Path(f"/proc/net/{table}")):
            address, _, port = local.partition(":")
            if address == anywhere and int(port, 16) == number:
                return True
    return False


def listening_sockets(table: Path) -> list[tuple[str, str]]:
    """The local `ADDRESS:PORT` in hexadecimal, and the inode, of every listening socket in a table of the kernel."""
    if not table.exists():
        return []
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return [(row[1], row[9]) for row in rows if row[3] == LISTENING]


def listener(number: int) -> str:
    """Who listens on a port: `pid 123 (etcd --data-dir …)`, or `another process` when that cannot be seen."""
    inodes = {
        f"socket:[{inode}]"
        for table in ("tcp", "tcp6")
        for local, inode in listening_sockets(Path(f"/proc/net/{table}"))
        if int(local.rpartition(":")[2], 16) == number
    }
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(descriptor) in inodes for descriptor in descriptors.iterdir()):
                pid = int(descriptors.parent.name)
                return f"pid {pid} ({command_line(pid)[:80]})"
        except OSError:
            continue
    return "another process"


def address_ranges(routes: str | None = None) -> None:
    """No route of the machine overlaps with the cluster's ranges."""
    text = routes if routes is not None else run(["ip", "-4", "-j", "route", "show", "table", "main"])
    taken = overlapping(text)
    if taken:
        raise LocalkubeError(
            f"this machine already routes {taken}, which the cluster needs for itself: remove that route first"
        )


def overlapping(routes: str) -> str | None:
    """The first route, by `ip -j route`, that overlaps with a range of ours and is not on a bridge of ours."""
    wanted = [ipaddress.ip_network(text) for text in (POD_RANGE, SERVICE_RANGE, f"{NODE_ADDRESS}/32")]
    for route in json.loads(routes or "[]"):
        if route["dst"] == "default" or route.get("dev") in (NODE_BRIDGE, POD_BRIDGE):
            continue
        network = ipaddress.ip_network(route["dst"])
        # A wide route, such as all of 10.0.0.0/8 through a gateway, gives way to our narrower one.
        if any(network.overlaps(mine) and network.prefixlen >= mine.prefixlen for mine in wanted):
            return f"{route['dst']} through {route.get('dev', 'nothing')}"
    return None
