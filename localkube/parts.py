"""The eight daemons in the order of their start: how each is started, how it says that it is well, where it listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from localkube import controlplane, health, network, node
from localkube.paths import Paths
from localkube.settings import (
    CONTROLLER_MANAGER,
    COREDNS_VERSION,
    DNS_READY,
    ETCD_URL,
    ETCD_VERSION,
    KUBELET_HEALTH,
    KUBERNETES_VERSION,
    PORTS,
    PROXY_HEALTH,
    SCHEDULER,
    Port,
)


@dataclass(frozen=True)
class Part:
    """One daemon. `argv` also writes the configuration that the daemon reads."""

    name: str
    version: str
    argv: Callable[[], list[str]]
    healthy: Callable[[], bool]

    @property
    def ports(self) -> tuple[Port, ...]:
        """The TCP ports that it listens on."""
        return tuple(port for port in PORTS if port.part == self.name)


def all_parts(paths: Paths, programs: Mapping[str, Path]) -> dict[str, Part]:
    """Every part by name; `programs` says where the built programs are."""
    api = health.Api(paths.pki)
    kubernetes = f"v{KUBERNETES_VERSION}"
    parts = (
        Part(
            "etcd",
            ETCD_VERSION,
            lambda: controlplane.etcd(paths, programs["etcd"]),
            lambda: health.answers(f"{ETCD_URL}/health"),
        ),
        Part(
            "containerd",
            node.containerd_version(),
            lambda: node.containerd(paths, network.mtu()),
            lambda: health.accepts(paths.containerd_socket),
        ),
        Part(
            "kube-apiserver",
            kubernetes,
            lambda: controlplane.api_server(paths, programs["kube-apiserver"]),
            api.ready,
        ),
        Part(
            "kube-controller-manager",
            kubernetes,
            lambda: controlplane.controller_manager(paths, programs["kube-controller-manager"]),
            lambda: health.answers(f"https://{CONTROLLER_MANAGER}/healthz", health.unverified()),
        ),
        Part(
            "kube-scheduler",
            kubernetes,
            lambda: controlplane.scheduler(paths, programs["kube-scheduler"]),
            lambda: health.answers(f"https://{SCHEDULER}/healthz", health.unverified()),
        ),
        Part(
            "kubelet",
            kubernetes,
            lambda: node.kubelet(paths, programs["kubelet"]),
            lambda: health.answers(f"http://{KUBELET_HEALTH}/healthz"),
        ),
        Part(
            "kube-proxy",
            kubernetes,
            lambda: node.kube_proxy(paths, programs["kube-proxy"]),
            lambda: health.answers(f"http://{PROXY_HEALTH}/healthz"),
        ),
        Part(
            "coredns",
            COREDNS_VERSION,
            lambda: node.coredns(paths, programs["coredns"]),
            lambda: health.answers(f"http://{DNS_READY}/ready"),
        ),
    )
    return {part.name: part for part in parts}


NAMES = (
    "etcd",
    "containerd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)
