import json
from pathlib import Path

import pytest

from localkube import cleanup, network
from localkube.paths import Paths
from localkube.processes import boot_id

MOUNTINFO = r"""22 1 254:0 / / rw - ext4 /dev/vda rw
40 22 0:40 / /run/holdfast-localkube/containerd/task/1/rootfs rw - overlay overlay rw
41 40 0:41 / /run/holdfast-localkube/containerd/task/1/rootfs/dev rw - tmpfs tmpfs rw
42 22 0:42 / /run/holdfast-localkube-2/other rw - tmpfs tmpfs rw
43 22 0:43 / /srv/my\040data/kubelet/pods/1 rw - tmpfs tmpfs rw
"""


def test_mounts_are_found_below_our_folders_only_the_inner_before_the_outer() -> None:
    assert cleanup.mounts_below([Path("/run/holdfast-localkube"), Path("/srv/my data")], MOUNTINFO) == [
        "/srv/my data/kubelet/pods/1",
        "/run/holdfast-localkube/containerd/task/1/rootfs/dev",
        "/run/holdfast-localkube/containerd/task/1/rootfs",
    ]


def test_a_folder_that_somebody_put_a_file_into_stays(tmp_path: Path) -> None:
    folder = tmp_path / "cni"
    (folder / "empty" / "deep").mkdir(parents=True)
    (folder / "used").mkdir()
    (folder / "used" / "theirs").touch()
    cleanup.remove_empty(folder)
    assert sorted(path.name for path in folder.rglob("*")) == ["theirs", "used"]


def test_a_folder_of_empty_folders_goes(tmp_path: Path) -> None:
    (tmp_path / "cni" / "a" / "b").mkdir(parents=True)
    cleanup.remove_empty(tmp_path / "cni")
    assert not (tmp_path / "cni").exists()


def test_what_was_noted_is_put_back_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, str]] = []
    monkeypatch.setattr(network, "write_sysctls", written.append)
    made, note = tmp_path / "made", tmp_path / "before.json"
    made.mkdir()
    note.write_text(json.dumps({"sysctls": {"net/ipv4/ip_forward": "0"}, "absent": [str(made)], "boot_id": boot_id()}))
    cleanup.put_back(note)
    cleanup.put_back(note)
    assert written == [{"net/ipv4/ip_forward": "0"}]
    assert not made.exists()


def test_kernel_settings_of_an_earlier_boot_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "write_sysctls", lambda values: pytest.fail("written"))
    note = tmp_path / "before.json"
    note.write_text(json.dumps({"sysctls": {"net/ipv4/ip_forward": "0"}, "absent": [], "boot_id": "another"}))
    cleanup.put_back(note)
    assert not note.exists()


def test_cnis_notes_on_our_pods_go_and_those_of_others_stay(tmp_path: Path) -> None:
    for name in ("holdfast-localkube-12-eth0", "cni-loopback-12-lo", "cni-loopback-34-lo", "podman-34-eth0"):
        (tmp_path / name).touch()
    cleanup.remove_results(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cni-loopback-34-lo", "podman-34-eth0"]


def test_log_links_into_our_pods_logs_go_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "LOG_LINKS", tmp_path / "links")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "ours.log").symlink_to("/state/data/pod-logs/x/0.log")
    (tmp_path / "links" / "theirs.log").symlink_to("/var/log/pods/x/0.log")
    cleanup.remove_log_links(Path("/state/data/pod-logs"))
    assert [link.name for link in (tmp_path / "links").iterdir()] == ["theirs.log"]


def test_images_certificates_and_logs_outlive_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "CNI_RESULTS", tmp_path / "results")
    monkeypatch.setattr(cleanup, "LOG_LINKS", tmp_path / "links")
    paths = Paths(Path("/"), tmp_path / "run")
    monkeypatch.setattr(Paths, "data", tmp_path / "data")
    kept = [tmp_path / "data" / "containerd" / "io.containerd.content.v1.content" / "blob"]
    gone = [tmp_path / "data" / "etcd" / "member", tmp_path / "data" / "kubelet" / "pods", paths.pids / "etcd.json"]
    for file in [*kept, *gone]:
        file.parent.mkdir(parents=True)
        file.touch()
    cleanup.remove_files(paths)
    assert [file.exists() for file in kept] == [True]
    assert [file.exists() for file in gone] == [False, False, False]
