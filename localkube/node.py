"""containerd, the kubelet, kube-proxy and CoreDNS: their configuration and how each is started."""

from __future__ import annotations

import json
from pathlib import Path

from localkube.certificates import write_private
from localkube.commands import run
from localkube.controlplane import API_BURST, API_QPS
from localkube.paths import Paths
from localkube.settings import (
    CGROUP,
    CLUSTER_DOMAIN,
    CNI_NETWORK,
    DNS,
    DNS_HEALTH,
    DNS_READY,
    KUBELET,
    KUBELET_HEALTH,
    LOOPBACK,
    NODE_ADDRESS,
    NODE_NAME,
    PAUSE_IMAGE,
    POD_BRIDGE,
    POD_RANGE,
    PROXY_HEALTH,
    PROXY_METRICS,
)

CNI_PROGRAMS = "/usr/lib/cni"
CONTAINERD = "/usr/bin/containerd"
MOST_PODS = 250

CONTAINERD_CONFIGURATION = """version = 2
root = "{data}/containerd"
state = "{run}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{socket}"

[ttrpc]
  address = "{socket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
  path = "{data}/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  stream_server_address = "{loopback}"
  stream_server_port = "0"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_programs}"
    conf_dir = "{config}/cni"
    max_conf_num = 1

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{run}/runc"
        SystemdCgroup = false
"""

COREFILE = """.:{port} {{
    bind {address}
    errors
    health {health}
    ready {ready}
    kubernetes {domain} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 5
        fallthrough in-addr.arpa ip6.arpa
    }}
{upstream}}}
"""


def containerd(paths: Paths, mtu: int) -> list[str]:
    """containerd with a folder, a state and a socket of its own; the kernel's limits of a container are lifted.

    A machine without CAP_SYS_RESOURCE cannot lower a process's OOM score, hence `restrict_oom_score_adj`.
    """
    content = CONTAINERD_CONFIGURATION.format(
        data=paths.data,
        run=paths.run,
        socket=paths.containerd_socket,
        pause=PAUSE_IMAGE,
        loopback=LOOPBACK,
        cni_programs=CNI_PROGRAMS,
        config=paths.config,
    )
    file = paths.config / "containerd.toml"
    write_private(file, content)
    (paths.config / "cni").mkdir(exist_ok=True)
    write_private(paths.config / "cni" / "10-localkube.conflist", json.dumps(cni(paths, mtu), indent=2))
    return [CONTAINERD, "--config", str(file), "--log-level", "warn"]


def containerd_version() -> str:
    """The version of Debian's containerd, from `containerd NAME VERSION COMMIT`."""
    words = run([CONTAINERD, "--version"]).split() if Path(CONTAINERD).exists() else []
    return words[2] if len(words) > 2 else "unknown"


def cni(paths: Paths, mtu: int) -> dict[str, object]:
    """Pods on one bridge. Masquerading is one rule of ours instead of a chain per pod, which starts pods faster."""
    bridge = {
        "type": "bridge",
        "bridge": POD_BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "mtu": mtu,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": f"{paths.run}/addresses",
        },
    }
    return {
        "cniVersion": "1.0.0",
        "name": CNI_NETWORK,
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def kubelet(paths: Paths, program: Path) -> list[str]:
    """The kubelet. Images are never collected, since nothing could pull them again."""
    content = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": KUBELET.address,
        "port": KUBELET.number,
        "healthzBindAddress": KUBELET_HEALTH.address,
        "healthzPort": KUBELET_HEALTH.number,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{paths.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{paths.pki}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{paths.pki}/kubelet-server.key",
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True},
        "clusterDNS": [DNS.address],
        "clusterDomain": CLUSTER_DOMAIN,
        "maxPods": MOST_PODS,
        "podLogsDir": f"{paths.data}/pod-logs",
        "volumePluginDir": f"{paths.data}/volume-plugins",
        "kubeAPIQPS": API_QPS,
        "kubeAPIBurst": API_BURST,
        "eventRecordQPS": 0,
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
    }
    file = paths.config / "kubelet.json"
    write_private(file, json.dumps(content, indent=2))
    return [
        str(program),
        f"--config={file}",
        f"--kubeconfig={paths.pki}/kubelet.kubeconfig",
        f"--root-dir={paths.data}/kubelet",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_ADDRESS}",
    ]


def kube_proxy(paths: Paths, program: Path) -> list[str]:
    """kube-proxy by iptables, told to leave the machine's connection tracking and loopback settings alone."""
    return [
        str(program),
        f"--kubeconfig={paths.pki}/kube-proxy.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={POD_RANGE}",
        f"--healthz-bind-address={PROXY_HEALTH}",
        f"--metrics-bind-address={PROXY_METRICS}",
        f"--nodeport-addresses={NODE_ADDRESS}/32",
        "--iptables-localhost-nodeports=false",
        "--iptables-min-sync-period=100ms",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
        "--oom-score-adj=0",
    ]


def coredns(paths: Paths, program: Path, resolvers: str | None = None) -> list[str]:
    """CoreDNS as a process of the node, on the node's address; other names go to the machine's own resolvers."""
    told = resolvers if resolvers is not None else Path("/etc/resolv.conf").read_text()
    content = COREFILE.format(
        port=DNS.number,
        address=DNS.address,
        health=DNS_HEALTH,
        ready=DNS_READY,
        domain=CLUSTER_DOMAIN,
        kubeconfig=f"{paths.pki}/coredns.kubeconfig",
        upstream="    forward . /etc/resolv.conf\n" if has_resolver(told) else "",
    )
    file = paths.config / "Corefile"
    write_private(file, content)
    return [str(program), "-conf", str(file)]


def has_resolver(resolv_conf: str) -> bool:
    """Whether a resolv.conf names a server; CoreDNS refuses to forward to none."""
    return any(line.split()[:1] == ["nameserver"] for line in resolv_conf.splitlines())
