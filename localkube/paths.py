"""Where everything of the cluster lives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

# The kernel cuts a unix socket's path at 107 bytes; the longest that the kubelet appends below its folder is about 40.
LONGEST_DATA_PATH = 60
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
FALLBACK_DATA = Path("/var/lib/holdfast-localkube")
RUN = Path("/run/holdfast-localkube")


@dataclass(frozen=True)
class Paths:
    """The folders of one cluster. `state` is what belongs to a checkout, `run` what belongs to the machine."""

    state: Path
    run: Path = RUN

    @property
    def data(self) -> Path:
        """Bulky state: etcd, containerd's images, the kubelet's folder.

        Below `state`, unless that path is too long for sockets or has characters that mount options cannot carry.
        """
        wanted = self.state / "data"
        if len(str(wanted)) > LONGEST_DATA_PATH or not PLAIN_PATH.fullmatch(str(wanted)):
            return FALLBACK_DATA
        return wanted

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def bin(self) -> Path:
        return self.state / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The cluster admin's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def before(self) -> Path:
        """What the machine looked like before the first start, for `down` to restore."""
        return self.state / "before.json"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def owner(self) -> Path:
        """Names the checkout whose cluster runs on this machine."""
        return self.run / "owner"

    @property
    def complete(self) -> Path:
        """Written at the very end of a start; without it, what is there is a remnant."""
        return self.run / "complete"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"


def repository() -> Path:
    """The checkout that this program is part of."""
    return Path(__file__).resolve().parent.parent


def default_paths() -> Paths:
    """The paths of this checkout's cluster."""
    return Paths(repository() / ".localkube")


def cache() -> Path:
    """Where built products stay between checkouts: $HOLDFAST_CACHE, or ~/.cache/holdfast."""
    chosen = os.environ.get("HOLDFAST_CACHE")
    return Path(chosen).absolute() if chosen else Path.home() / ".cache" / "holdfast"
