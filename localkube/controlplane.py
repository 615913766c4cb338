"""etcd, the API server, the controller manager and the scheduler: how each is started."""

from __future__ import annotations

import json
from pathlib import Path

from localkube.certificates import write_private
from localkube.paths import Paths
from localkube.settings import (
    API,
    CLUSTER_DOMAIN,
    CONTROLLER_MANAGER,
    ETCD_PEER,
    ETCD_URL,
    NODE_ADDRESS,
    SCHEDULER,
    SERVICE_RANGE,
)

# The default client limits (20 to 50 requests/s) are what a test would measure otherwise.
API_QPS = 300
API_BURST = 600
CONCURRENT_SYNCS = 20
SYNCED = ("deployment", "replicaset", "statefulset", "job", "endpoint", "service-endpoint", "namespace", "gc")


def etcd(paths: Paths, program: Path) -> list[str]:
    """etcd on loopback. Every start begins with an empty one, so it need not survive a power cut and never syncs."""
    peer = f"http://{ETCD_PEER}"
    return [
        str(program),
        "--name=localkube",
        f"--data-dir={paths.data}/etcd",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=localkube={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(paths: Paths, program: Path) -> list[str]:
    """The API server on the node's address only. Its admission plugins are the defaults and NodeRestriction."""
    pki = paths.pki
    issuer = f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}"
    return [
        str(program),
        f"--etcd-servers={ETCD_URL}",
        f"--bind-address={API.address}",
        f"--secure-port={API.number}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--service-account-issuer={issuer}",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        # A webhook's Service is turned into a pod's address right here, without a hop through kube-proxy.
        "--enable-aggregator-routing=true",
    ]


def controller_manager(paths: Paths, program: Path) -> list[str]:
    """Every controller, the two that are off by default included, and no leader election among one."""
    config = f"{paths.pki}/controller-manager.kubeconfig"
    return [
        str(program),
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        f"--bind-address={CONTROLLER_MANAGER.address}",
        f"--secure-port={CONTROLLER_MANAGER.number}",
        "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={paths.pki}/sa.key",
        f"--flex-volume-plugin-dir={paths.data}/volume-plugins",
        f"--root-ca-file={paths.pki}/ca.crt",
        f"--cluster-signing-cert-file={paths.pki}/ca.crt",
        f"--cluster-signing-key-file={paths.pki}/ca.key",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--kube-api-qps={API_QPS}",
        f"--kube-api-burst={API_BURST}",
        *(f"--concurrent-{name}-syncs={CONCURRENT_SYNCS}" for name in SYNCED),
    ]


def scheduler(paths: Paths, program: Path) -> list[str]:
    """The scheduler; its client limits can only be set in its configuration file."""
    config = f"{paths.pki}/scheduler.kubeconfig"
    file = paths.config / "scheduler.json"
    content = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": config, "qps": API_QPS, "burst": API_BURST},
        "leaderElection": {"leaderElect": False},
    }
    write_private(file, json.dumps(content, indent=2))
    return [
        str(program),
        f"--config={file}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        f"--bind-address={SCHEDULER.address}",
        f"--secure-port={SCHEDULER.number}",
    ]
