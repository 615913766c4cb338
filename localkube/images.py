"""Images straight into containerd, without a registry."""

from __future__ import annotations

from pathlib import Path

from localkube.commands import run
from localkube.errors import LocalkubeError
from localkube.paths import Paths

NAMESPACE = "k8s.io"
IMPORT_TIMEOUT = 300
# Not by PATH, where `.localkube/bin/ctr`, which calls this one, may come first.
CTR = "/usr/bin/ctr"


def ctr(paths: Paths) -> list[str]:
    """containerd's own client, pointed at our containerd and at Kubernetes' namespace."""
    return [CTR, "--address", str(paths.containerd_socket), "--namespace", NAMESPACE]


def load(paths: Paths, archive: Path) -> list[str]:
    """Import an image archive (docker-archive or OCI) and give the names of the images in it."""
    if not archive.is_file():
        raise LocalkubeError(
            f"{archive} is not a file; give an image archive, as from `buildah push IMAGE docker-archive:FILE:NAME`"
        )
    told = run([*ctr(paths), "images", "import", str(archive)], timeout=IMPORT_TIMEOUT)
    return imported_names(told)


def imported_names(told: str) -> list[str]:
    """The images in `ctr images import`'s output, which says `unpacking NAME (sha256:…)...done`."""
    return [line.split()[1] for line in told.splitlines() if line.startswith("unpacking ")]


def present(paths: Paths) -> list[str]:
    """The names of the images that containerd has, without those that are only a digest."""
    names = run([*ctr(paths), "images", "list", "--quiet"]).split()
    return [name for name in names if not name.startswith("sha256:") and "@" not in name]
