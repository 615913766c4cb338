from pathlib import Path

from localkube import network


def settings(root: Path, **values: str) -> None:
    for name, value in values.items():
        (root / name).write_text(f"{value}\n")


def test_settings_that_the_kernel_lacks_are_left_out(tmp_path: Path) -> None:
    settings(tmp_path, ip_forward="0")
    assert network.read_sysctls(["ip_forward", "no_such"], tmp_path) == {"ip_forward": "0"}


def test_settings_are_written_and_those_that_the_kernel_lacks_are_skipped(tmp_path: Path) -> None:
    settings(tmp_path, ip_forward="0")
    network.write_sysctls({"missing/one": "1", "ip_forward": "1"}, tmp_path)
    assert (tmp_path / "ip_forward").read_text() == "1"


def test_a_setting_that_is_right_already_is_not_written(tmp_path: Path) -> None:
    settings(tmp_path, ip_forward="1")
    before = (tmp_path / "ip_forward").stat().st_mtime_ns
    network.write_sysctls({"ip_forward": "1"}, tmp_path)
    assert (tmp_path / "ip_forward").stat().st_mtime_ns == before


def test_every_setting_that_is_changed_is_one_that_is_noted_first(tmp_path: Path) -> None:
    assert set(network.WANTED_SYSCTLS).isdisjoint(network.WRITTEN_BY_PARTS)
    assert "net/ipv4/ip_forward" in network.WANTED_SYSCTLS


def test_the_packet_size_is_one_that_a_network_can_have() -> None:
    assert 576 <= network.mtu() <= 65536
