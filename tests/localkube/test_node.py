import json
import tomllib
from pathlib import Path

import pytest

from localkube import node
from localkube.paths import Paths
from localkube.settings import CNI_NETWORK, PAUSE_IMAGE, POD_BRIDGE

PROGRAM = Path("/cache/program")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / "state", tmp_path / "run")
    found.config.mkdir(parents=True)
    return found


def test_containerd_lives_in_folders_of_its_own(paths: Paths) -> None:
    argv = node.containerd(paths, mtu=1400)
    content = tomllib.loads(Path(argv[2]).read_text())
    assert content["root"] == f"{paths.data}/containerd"
    assert content["state"] == f"{paths.run}/containerd"
    assert content["grpc"]["address"] == str(paths.containerd_socket)
    cri = content["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == PAUSE_IMAGE
    assert cri["restrict_oom_score_adj"] is True
    assert cri["netns_mounts_under_state_dir"] is True
    assert cri["stream_server_address"] == "127.0.0.1"
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {"Root": f"{paths.run}/runc", "SystemdCgroup": False}


def test_pods_are_plugged_into_our_bridge_with_the_machines_packet_size(paths: Paths) -> None:
    node.containerd(paths, mtu=1400)
    content = json.loads((paths.config / "cni" / "10-localkube.conflist").read_text())
    bridge = content["plugins"][0]
    assert content["name"] == CNI_NETWORK
    assert (bridge["bridge"], bridge["mtu"], bridge["hairpinMode"]) == (POD_BRIDGE, 1400, True)
    assert bridge["ipam"]["dataDir"].startswith(str(paths.run))


def kubelet_settings(paths: Paths) -> dict[str, object]:
    argv = node.kubelet(paths, PROGRAM)
    file = next(word.partition("=")[2] for word in argv if word.startswith("--config="))
    content: dict[str, object] = json.loads(Path(file).read_text())
    return content


def test_the_kubelet_listens_on_the_nodes_address_and_asks_who_is_calling(paths: Paths) -> None:
    settings = kubelet_settings(paths)
    assert settings["address"] == "10.250.0.1"
    assert settings["authentication"]["anonymous"] == {"enabled": False}  # type: ignore[index]
    assert settings["authorization"] == {"mode": "Webhook"}


def test_the_kubelet_keeps_images_that_nothing_could_pull_again(paths: Paths) -> None:
    assert kubelet_settings(paths)["imageGCHighThresholdPercent"] == 100


def test_the_kubelet_runs_on_a_machine_with_few_rights(paths: Paths) -> None:
    settings = kubelet_settings(paths)
    assert settings["featureGates"] == {"KubeletInUserNamespace": True}
    assert settings["failCgroupV1"] is False
    assert settings["cgroupRoot"] == "/holdfast-localkube"


def test_kube_proxy_leaves_the_machines_settings_alone() -> None:
    argv = node.kube_proxy(Paths(Path("/state")), PROGRAM)
    assert "--conntrack-max-per-core=0" in argv
    assert "--conntrack-tcp-timeout-established=0" in argv
    assert "--iptables-localhost-nodeports=false" in argv
    assert "--nodeport-addresses=10.250.0.1/32" in argv


def corefile(paths: Paths, resolvers: str) -> str:
    return Path(node.coredns(paths, PROGRAM, resolvers)[2]).read_text()


def test_other_names_go_to_the_machines_resolvers(paths: Paths) -> None:
    text = corefile(paths, "search example\nnameserver 192.0.2.53\n")
    assert "bind 10.250.0.1" in text
    assert "forward . /etc/resolv.conf" in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("resolvers", ["", "# nameserver 192.0.2.53\n", "options edns0\n"])
def test_without_a_resolver_nothing_is_forwarded(paths: Paths, resolvers: str) -> None:
    text = corefile(paths, resolvers)
    assert "forward" not in text
    assert text.count("{") == text.count("}")
