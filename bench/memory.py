"""Resident memory of Holdfast's processes, read on the node itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Resident:
    """One process of Holdfast and its resident set, in MiB."""

    role: str
    pid: int
    mebibytes: float


def role(arguments: Sequence[str]) -> str:
    """`webhook` or `worker` for a command line like `python /usr/bin/holdfast webhook`, "" for any other."""
    for program, word in pairwise(arguments):
        if Path(program).name == "holdfast" and word in ("webhook", "worker"):
            return word
    return ""


def resident(status: str) -> float | None:
    """MiB of VmRSS in the text of /proc/PID/status, None for a process without memory of its own."""
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None


def measure(proc: Path = Path("/proc")) -> list[Resident]:
    """All processes of Holdfast on this machine; none if the cluster's node is another machine."""
    found: list[Resident] = []
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            arguments = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            words = role(arguments)
            size = resident((folder / "status").read_text()) if words else None
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile, or is not ours to read
        if size is not None:
            found.append(Resident(words, int(folder.name), size))
    return sorted(found, key=lambda one: (one.role, one.pid))
