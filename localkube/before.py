"""What the machine was like before the first start, so that `down` can put it back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from localkube import network, processes
from localkube.commands import succeeds

# Folders with fixed names that parts create on their own account. One that was there before is somebody else's.
FIXED_FOLDERS = (
    "/opt/cni",
    "/run/containerd",
    "/run/netns",
    "/usr/libexec/kubernetes",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
)


@dataclass(frozen=True)
class Before:
    """Kernel settings by name, those fixed folders that did not exist, and the boot that this was seen in."""

    sysctls: dict[str, str]
    absent: list[str]
    boot_id: str


def remember(file: Path, folders: Iterable[str] = FIXED_FOLDERS) -> None:
    """Note it down, unless an earlier start that was never taken down has done so: its note is the true one."""
    if file.exists():
        return
    for module in network.KERNEL_MODULES:
        if shutil.which("modprobe") is not None:
            succeeds(["modprobe", "-q", module])
    sysctls = network.read_sysctls([*network.WANTED_SYSCTLS, *network.WRITTEN_BY_PARTS])
    noted = Before(sysctls, [folder for folder in folders if not Path(folder).exists()], processes.boot_id())
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(noted), indent=2))
    partial.rename(file)


def read(file: Path) -> Before | None:
    """The note, if there is one."""
    return Before(**json.loads(file.read_text())) if file.exists() else None
