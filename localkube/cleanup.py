"""Taking the cluster down to nothing: processes, mounts, devices, rules, groups and files."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

from localkube import before, cgroups, iptables, network, processes
from localkube.commands import run, succeeds
from localkube.errors import LocalkubeError
from localkube.images import ctr
from localkube.paths import Paths
from localkube.settings import CNI_NETWORK

GRACE_SECONDS = 2.0
CNI_RESULTS = Path("/var/lib/cni/results")
LOG_LINKS = Path("/var/log/containers")
KUBELET_FIXED = Path("/var/lib/kubelet")
KUBELET_FIXED_FILES = ("device-plugins/kubelet.sock", "device-plugins/kubelet_internal_checkpoint")
# Everything that talks to containerd or the API goes before them, so that nothing is started anew meanwhile.
FIRST = ("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns")


def clean(paths: Paths) -> list[str]:
    """Remove whatever a cluster of this checkout left, however far its start came. Gives what could not be removed."""
    stop(paths, FIRST)
    kill_pods()
    if processes.running("containerd", paths.pids):
        forget_containers(paths)
    stop(paths, ("containerd", "kube-apiserver", "etcd"))
    kill(cgroups.members())
    remove_shim_sockets(paths)
    unmount([paths.run, paths.data])
    network.remove_devices()
    iptables.remove_rules()
    network.forget_connections()
    processes.wait_until(lambda: not cgroups.remove(), GRACE_SECONDS)
    remove_files(paths)
    put_back(paths.before)
    return leftovers(paths)


def leftovers(paths: Paths) -> list[str]:
    """What of the cluster is still on this machine, in words; empty when nothing is."""
    return [
        *(f"process {pid} ({processes.command_line(pid)[:60]})" for pid in sorted(cgroups.members())),
        *(f"mount {mount}" for mount in mounts_below([paths.run, paths.data])),
        *(f"network device {name}" for name in network.devices()),
        *iptables.leftovers(),
        *(f"control group {group}" for group in cgroups.groups()),
    ]


def stop(paths: Paths, names: Iterable[str]) -> None:
    """Stop some daemons together and remove their pid files."""
    records = [record for name in names if (record := processes.read(name, paths.pids)) is not None]
    processes.stop_all(records, GRACE_SECONDS)
    for record in records:
        (paths.pids / f"{record.name}.json").unlink(missing_ok=True)


def kill_pods() -> None:
    """End the processes inside the pods' groups; their shims notice and stay for containerd to ask."""
    kill(cgroups.members(group for group in cgroups.groups() if "kubepods" in group.parts))


def kill(pids: set[int]) -> None:
    """Kill processes that our control group holds, and wait until they are gone."""
    records = [
        processes.Record("member", pid, ticks, processes.boot_id())
        for pid in pids
        if (ticks := processes.start_ticks(pid)) is not None
    ]
    for record in records:
        processes.send(record, signal.SIGKILL)
    processes.wait_until(lambda: not any(record.alive() for record in records), GRACE_SECONDS)


def forget_containers(paths: Paths) -> None:
    """Have containerd drop every task and container, but keep its images."""
    for kind, removal in (("tasks", ["tasks", "delete", "--force"]), ("containers", ["containers", "delete"])):
        names = quiet_list(paths, kind)
        if names:
            succeeds([*ctr(paths), *removal, *names])


def quiet_list(paths: Paths, kind: str) -> list[str]:
    """The names of containerd's tasks or containers."""
    try:
        return run([*ctr(paths), kind, "list", "--quiet"], timeout=20).split()
    except LocalkubeError:
        return []


def remove_shim_sockets(paths: Paths) -> None:
    """Shims share a folder for sockets with every containerd of the machine; each notes its own beside its task."""
    for note in (paths.run / "containerd").glob("io.containerd.runtime.v2.task/*/*/address"):
        address = note.read_text().strip().removeprefix("unix://")
        if address.startswith("/run/containerd/s/"):
            Path(address).unlink(missing_ok=True)


def mounts_below(folders: Iterable[Path], mountinfo: str | None = None) -> list[str]:
    """The mount points below some folders, the latest first."""
    text = mountinfo if mountinfo is not None else Path("/proc/self/mountinfo").read_text()
    points = [unescape(line.split()[4]) for line in text.splitlines()]
    tops = [str(folder) for folder in folders]
    return [point for point in reversed(points) if any(point == top or point.startswith(f"{top}/") for top in tops)]


def unescape(point: str) -> str:
    """The kernel writes a blank in a mount point as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)


def unmount(folders: Iterable[Path]) -> None:
    """Unmount everything below some folders, lazily where a process still looks in."""
    for point in mounts_below(folders):
        if not succeeds(["umount", point]):
            succeeds(["umount", "--lazy", point])


def remove_files(paths: Paths) -> None:
    """Remove the state that a new start would not want: everything but images, certificates and logs."""
    for name in ("etcd", "kubelet", "pod-logs", "volume-plugins"):
        remove_tree(paths.data / name)
    for name in ("sandboxes", "containers"):
        remove_tree(paths.data / "containerd" / "io.containerd.grpc.v1.cri" / name)
    remove_tree(paths.run)
    remove_log_links(paths.data / "pod-logs")
    remove_results(CNI_RESULTS)


def remove_results(folder: Path) -> None:
    """Remove CNI's notes on our pods, those on their loopback devices too, which carry no network name of ours."""
    for result in folder.glob(f"{CNI_NETWORK}-*-eth0"):
        pod = result.name.removeprefix(f"{CNI_NETWORK}-").removesuffix("-eth0")
        (folder / f"cni-loopback-{pod}-lo").unlink(missing_ok=True)
        result.unlink(missing_ok=True)


def put_back(note: Path) -> None:
    """Restore the kernel settings, and remove the folders that parts have made in places of their own choice."""
    noted = before.read(note)
    if noted is None:
        return
    if noted.boot_id == processes.boot_id():
        # After another boot the kernel has its own settings again, and they may have become different ones.
        network.write_sysctls(noted.sysctls)
    for folder in noted.absent:
        if folder == str(KUBELET_FIXED):
            for name in KUBELET_FIXED_FILES:
                (KUBELET_FIXED / name).unlink(missing_ok=True)
        remove_empty(Path(folder))
    note.unlink()


def remove_empty(folder: Path) -> None:
    """Remove a folder and those in it, as far as they hold no file: what has one has become somebody else's."""
    inside = [path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()]
    for path in [*sorted(inside, reverse=True), folder]:
        with contextlib.suppress(OSError):
            path.rmdir()


def remove_tree(folder: Path) -> None:
    """Remove a folder, but never across a mount that could not be unmounted."""
    if not mounts_below([folder]):
        shutil.rmtree(folder, ignore_errors=True)


def remove_log_links(pod_logs: Path) -> None:
    """Remove the links to container logs that the kubelet keeps in a place of its own choice."""
    if not LOG_LINKS.is_dir():
        return
    for link in LOG_LINKS.iterdir():
        if link.is_symlink() and os.readlink(link).startswith(f"{pod_logs}/"):
            link.unlink()
