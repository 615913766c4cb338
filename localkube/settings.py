"""Every version, address and port of the cluster in one place."""

from __future__ import annotations

from dataclasses import dataclass

KUBERNETES_VERSION = "1.34.4"
ETCD_VERSION = "3.6.6"
COREDNS_VERSION = "1.12.4"
HELM_VERSION = "3.19.0"
PAUSE_VERSION = "1"

NODE_NAME = "localkube"
CLUSTER_DOMAIN = "cluster.local"

# The node's own address sits on a bridge without ports, since not every kernel has dummy devices.
NODE_BRIDGE = "lk-node"
NODE_ADDRESS = "10.250.0.1"
POD_BRIDGE = "lk-pods"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"

# Our names on things of which others have their own: networks in CNI's files, iptables rules, control groups.
CNI_NETWORK = "holdfast-localkube"
RULE_COMMENT = "holdfast-localkube"
CGROUP = "holdfast-localkube"

PAUSE_IMAGE = f"localkube/pause:{PAUSE_VERSION}"

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A TCP port that a part listens on."""

    part: str
    address: str
    number: int

    def __str__(self) -> str:
        return f"{self.address}:{self.number}"


# etcd keeps off its usual ports, so that an etcd that is already on the machine can stay.
ETCD_CLIENT = Port("etcd", LOOPBACK, 12379)
ETCD_PEER = Port("etcd", LOOPBACK, 12380)
API = Port("kube-apiserver", NODE_ADDRESS, 6443)
CONTROLLER_MANAGER = Port("kube-controller-manager", LOOPBACK, 10257)
SCHEDULER = Port("kube-scheduler", LOOPBACK, 10259)
KUBELET = Port("kubelet", NODE_ADDRESS, 10250)
KUBELET_HEALTH = Port("kubelet", LOOPBACK, 10248)
PROXY_HEALTH = Port("kube-proxy", LOOPBACK, 10256)
PROXY_METRICS = Port("kube-proxy", LOOPBACK, 10249)
DNS = Port("coredns", NODE_ADDRESS, 53)
DNS_HEALTH = Port("coredns", LOOPBACK, 18080)
DNS_READY = Port("coredns", LOOPBACK, 18181)

PORTS = (
    ETCD_CLIENT,
    ETCD_PEER,
    API,
    CONTROLLER_MANAGER,
    SCHEDULER,
    KUBELET,
    KUBELET_HEALTH,
    PROXY_HEALTH,
    PROXY_METRICS,
    DNS,
    DNS_HEALTH,
    DNS_READY,
)

API_URL = f"https://{API}"
ETCD_URL = f"http://{ETCD_CLIENT}"
