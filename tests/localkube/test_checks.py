import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localkube import checks
from localkube.errors import LocalkubeError
from localkube.settings import LOOPBACK, POD_BRIDGE, Port


def test_only_linux_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(LocalkubeError, match="Linux only, and this is darwin"):
        checks.platform()


def test_only_root_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LocalkubeError, match="needs root"):
        checks.platform()


def test_a_missing_compiler_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalkubeError, match=r"no C compiler .*`apt-get install gcc"):
        checks.compiler()


def test_a_disk_that_is_too_full_is_told_with_figures(tmp_path: Path) -> None:
    with pytest.raises(LocalkubeError, match=r"GiB left and a build needs 1048576 GiB: make room"):
        checks.disk_space(tmp_path / "not" / "there" / "yet", needed=2**50)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield int(server.getsockname()[1])


def test_a_port_in_use_is_told_with_the_process_that_has_it(listening: int) -> None:
    with pytest.raises(
        LocalkubeError, match=rf"etcd needs port 127\.0\.0\.1:{listening}, but pid {os.getpid()} \(.+\)"
    ):
        checks.ports([Port("etcd", LOOPBACK, listening)])


def test_a_free_port_is_fine(listening: int) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        free = int(server.getsockname()[1])
    checks.ports([Port("etcd", LOOPBACK, free)])


def test_an_address_that_is_not_there_yet_is_taken_by_whoever_listens_on_all() -> None:
    with socket.create_server(("", 0)) as server:
        number = int(server.getsockname()[1])
        assert checks.occupied(Port("kubelet", "203.0.113.1", number))


def test_an_address_that_is_not_there_yet_is_free_when_only_loopback_is_used(listening: int) -> None:
    assert not checks.occupied(Port("kubelet", "203.0.113.1", listening))


def routes(*found: tuple[str, str]) -> str:
    return json.dumps([{"dst": destination, "dev": device} for destination, device in found])


@pytest.mark.parametrize("destination", ["10.244.3.0/24", "10.244.0.0/16", "10.96.0.10", "10.250.0.1"])
def test_a_route_into_our_ranges_is_refused(destination: str) -> None:
    with pytest.raises(LocalkubeError, match=f"already routes {destination} through eth1"):
        checks.address_ranges(routes(("default", "eth0"), (destination, "eth1")))


@pytest.mark.parametrize(
    ("destination", "device"), [("192.0.2.0/24", "eth0"), ("10.0.0.0/8", "eth0"), ("10.244.0.0/16", POD_BRIDGE)]
)
def test_other_wider_and_our_own_routes_are_fine(destination: str, device: str) -> None:
    checks.address_ranges(routes(("default", "eth0"), (destination, device)))


def test_no_routes_at_all_are_fine() -> None:
    assert checks.overlapping("") is None
