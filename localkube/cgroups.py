"""One control group holds every process of the cluster, so that none can hide from `down`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localkube.settings import CGROUP

DAEMONS = "daemons"


def hierarchies(mountinfo: str | None = None) -> list[tuple[Path, str]]:
    """Mount points of the control group file systems, each with `cgroup` (version 1) or `cgroup2`."""
    text = mountinfo if mountinfo is not None else Path("/proc/self/mountinfo").read_text()
    found: dict[Path, str] = {}
    for line in text.splitlines():
        front, _, back = line.partition(" - ")
        kind = back.split(" ", 1)[0]
        if kind in ("cgroup", "cgroup2"):
            found[Path(front.split()[4])] = kind
    return sorted(found.items())


def controlling(found: list[tuple[Path, str]]) -> list[Path]:
    """The hierarchies that limit processes: version 1 where there is one, otherwise the only version 2."""
    first = [mount for mount, kind in found if kind == "cgroup"]
    return first or [mount for mount, _ in found]


def prepare(mounts: list[Path] | None = None) -> list[Path]:
    """Make our group and give the folders that daemons join. The kubelet puts its pods beside them."""
    joined = []
    for mount in mounts if mounts is not None else controlling(hierarchies()):
        group = mount / CGROUP
        group.mkdir(exist_ok=True)
        if (group / "cgroup.subtree_control").exists():
            enable(mount)
            enable(group)
        inherit_cpus(mount, group)
        daemons = group / DAEMONS
        daemons.mkdir(exist_ok=True)
        inherit_cpus(group, daemons)
        joined.append(daemons)
    return joined


def enable(group: Path) -> None:
    """Hand a group's controllers down to the groups below; version 2 only."""
    controllers = (group / "cgroup.controllers").read_text().split()
    (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def inherit_cpus(parent: Path, group: Path) -> None:
    """A version 1 cpuset starts empty, and an empty one takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and (parent / name).exists() and not (group / name).read_text().strip():
            (group / name).write_text((parent / name).read_text())


def groups() -> Iterator[Path]:
    """Every folder of our group in every hierarchy, deepest first."""
    for mount, _ in hierarchies():
        top = mount / CGROUP
        if top.is_dir():
            yield from sorted((path for path in [top, *top.rglob("*")] if path.is_dir()), reverse=True)


def members(found: Iterator[Path] | None = None) -> set[int]:
    """The processes in our group, whoever started them."""
    pids: set[int] = set()
    for group in found if found is not None else groups():
        try:
            pids.update(int(word) for word in (group / "cgroup.procs").read_text().split())
        except (FileNotFoundError, OSError):
            continue
    return pids


def remove() -> list[Path]:
    """Remove our group everywhere; gives the folders that could not be removed."""
    left = []
    for group in list(groups()):
        try:
            group.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(group)
    return left
