from pathlib import Path

import pytest

from localkube import paths
from localkube.paths import FALLBACK_DATA, Paths


def test_bulky_state_lies_in_the_checkout() -> None:
    assert Paths(Path("/srv/holdfast/.localkube")).data == Path("/srv/holdfast/.localkube/data")


@pytest.mark.parametrize(
    "state", ["/srv/" + "x" * 60 + "/.localkube", "/srv/my project/.localkube", "/srv/a:b/.localkube"]
)
def test_bulky_state_moves_where_sockets_and_mounts_can_follow(state: str) -> None:
    assert Paths(Path(state)).data == FALLBACK_DATA


def test_sockets_are_short_whatever_the_checkout() -> None:
    found = Paths(Path("/srv/" + "x" * 200))
    assert len(str(found.containerd_socket)) < 107


def test_the_longest_data_path_leaves_room_for_the_kubelets_sockets() -> None:
    assert paths.LONGEST_DATA_PATH + len("/kubelet/pod-resources/kubelet.sock") < 107


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path))
    assert paths.cache() == tmp_path
    monkeypatch.setenv("HOLDFAST_CACHE", "")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert paths.cache() == Path("/home/somebody/.cache/holdfast")


def test_the_repository_holds_this_program() -> None:
    assert (paths.repository() / "localkube" / "paths.py").exists()
