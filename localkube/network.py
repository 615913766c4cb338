"""The node's bridge, the kernel's network settings, and putting both back."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from localkube.commands import run, succeeds
from localkube.settings import NODE_ADDRESS, NODE_BRIDGE, POD_BRIDGE, POD_RANGE, SERVICE_RANGE

SYSCTLS = Path("/proc/sys")
KERNEL_MODULES = ("overlay", "br_netfilter", "nf_conntrack")

# What we need, and with it whatever the kubelet, kube-proxy and the CNI programs are known to write.
WANTED_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # Packets between two pods pass the rules of Services only with this.
    "net/bridge/bridge-nf-call-iptables": "1",
}
WRITTEN_BY_PARTS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/bridge/bridge-nf-call-ip6tables",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv6/conf/all/forwarding",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


def read_sysctls(names: list[str], root: Path = SYSCTLS) -> dict[str, str]:
    """The present values of kernel settings; those that this kernel lacks are left out."""
    values = {}
    for name in names:
        with contextlib.suppress(OSError):
            values[name] = (root / name).read_text().strip()
    return values


def write_sysctls(values: dict[str, str], root: Path = SYSCTLS) -> None:
    """Set kernel settings that differ; writing ip_forward resets others, so it is not written without need."""
    for name, value in values.items():
        with contextlib.suppress(OSError):
            if (root / name).read_text().strip() != value:
                (root / name).write_text(value)


def prepare() -> None:
    """Make the node's bridge with its address, and forward packets."""
    write_sysctls(WANTED_SYSCTLS)
    run(["ip", "link", "add", NODE_BRIDGE, "type", "bridge"])
    run(["ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", NODE_BRIDGE])
    run(["ip", "link", "set", NODE_BRIDGE, "up"])


def mtu() -> int:
    """The packet size of the way out, so that pods never send larger ones; 1500 where there is no way out."""
    routes = json.loads(run(["ip", "-4", "-j", "route", "show", "default"]) or "[]")
    for route in routes:
        with contextlib.suppress(OSError, KeyError):
            return int(Path(f"/sys/class/net/{route['dev']}/mtu").read_text())
    return 1500


def devices() -> list[str]:
    """The network devices of ours that exist: the two bridges and whatever is plugged into the pods' one."""
    present = Path("/sys/class/net")
    plugged = present / POD_BRIDGE / "brif"
    found = [port.name for port in plugged.iterdir()] if plugged.is_dir() else []
    return [*sorted(found), *(name for name in (POD_BRIDGE, NODE_BRIDGE) if (present / name).exists())]


def remove_devices() -> None:
    """Remove our network devices. One may vanish by itself when its pod's network goes, which is as good."""
    for name in devices():
        succeeds(["ip", "link", "delete", name])


def forget_connections() -> None:
    """Drop tracked connections from, to and through our addresses; a later cluster must not inherit them."""
    if shutil.which("conntrack") is None:
        return
    for network in (POD_RANGE, SERVICE_RANGE, f"{NODE_ADDRESS}/32"):
        for side in ("--orig-src", "--orig-dst"):
            succeeds(["conntrack", "-D", side, network])
