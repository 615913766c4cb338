"""The Debian packages that the cluster and its image builds need."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from localkube.commands import run, succeeds
from localkube.errors import LocalkubeError
from localkube.progress import Progress

PACKAGES = (
    "buildah",
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "debootstrap",
    "iproute2",
    "iptables",
    "kmod",
    "openssl",
    "procps",
    "runc",
)

# The services that Debian enables with a package.
SERVICES = {
    "containerd": ("containerd.service",),
    "containernetworking-plugins": ("cni-dhcp.socket", "cni-dhcp.service"),
}

POLICY = Path("/usr/sbin/policy-rc.d")
APT_TIMEOUT = 900
APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}


def missing(wanted: Sequence[str], statuses: str) -> list[str]:
    """The wanted packages that are not installed, by dpkg-query's `name status` lines."""
    installed = {
        fields[0] for line in statuses.splitlines() if len(fields := line.split()) == 2 and fields[1] == "installed"
    }
    return [name for name in wanted if name not in installed]


def installed_statuses(names: Sequence[str]) -> str:
    """dpkg's word on some packages. dpkg-query fails when it does not know one of them, which is no error here."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise LocalkubeError(
            "apt and dpkg are needed: localkube takes containerd and its companions from Debian 12's packages"
        )
    known = ["sh", "-c", "dpkg-query -W -f='${Package} ${db:Status-Status}\\n' \"$@\" 2>/dev/null; true", "sh", *names]
    return run(known)


def ensure(progress: Progress, wanted: Sequence[str] = PACKAGES) -> list[str]:
    """Install what is missing and give its names. Raises LocalkubeError when apt cannot."""
    absent = missing(wanted, installed_statuses(wanted))
    if not absent:
        return []
    with progress.step(f"Debian packages: {', '.join(absent)}") as step, no_service_starts():
        if not succeeds(["apt-get", "install", "--simulate", "--no-install-recommends", *absent]):
            step.detail = "refreshing apt's lists"
            refresh()
        step.detail = ""
        try:
            install(absent)
        except LocalkubeError:
            # Lists that are a few weeks old name files that the mirror no longer has.
            step.detail = "refreshing apt's lists, then again"
            refresh()
            install(absent)
        for package in absent:
            for service in SERVICES.get(package, ()):
                leave_service_off(service)
    left = missing(wanted, installed_statuses(wanted))
    if left:
        raise LocalkubeError(f"apt-get ended well but these packages are still missing: {', '.join(left)}")
    return absent


def install(names: Sequence[str]) -> None:
    """Install packages without their recommendations; apt checks the archive's signatures."""
    run(
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *names],
        env=APT_ENVIRONMENT,
        timeout=APT_TIMEOUT,
    )


def refresh() -> None:
    """Refresh apt's lists. A third-party source that cannot be reached must not stop us, so a failure is let pass."""
    succeeds(
        ["apt-get", "update", "-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"], timeout=APT_TIMEOUT
    )


@contextmanager
def no_service_starts(policy: Path = POLICY) -> Iterator[None]:
    """Keep freshly installed services from starting: Debian asks policy-rc.d, and 101 means no.

    A policy that a person put there stays in charge.
    """
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def leave_service_off(service: str) -> None:
    """A service that we were the first to install shall not start at the next boot: we run our own."""
    if shutil.which("systemctl") is not None:
        succeeds(["systemctl", "disable", "--now", service])


def ensure_pip(progress: Progress, which: Callable[[Sequence[str]], bool] = succeeds) -> list[str]:
    """The command that runs pip, from this Python or from Debian's python3-pip."""
    if which([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip"]
    ensure(progress, ["python3-pip"])
    python = shutil.which("python3", path=os.defpath) or "/usr/bin/python3"
    return [python, "-m", "pip"]
