import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from localkube import packages
from localkube.progress import Progress


def test_only_what_is_not_installed_is_missing() -> None:
    statuses = "containerd installed\nrunc config-files\nbuildah not-installed\n"
    assert packages.missing(["containerd", "runc", "buildah", "iptables"], statuses) == ["runc", "buildah", "iptables"]


def test_dpkg_knows_itself_and_is_calm_about_strangers() -> None:
    statuses = packages.installed_statuses(["dpkg", "no-such-package"])
    assert packages.missing(["dpkg", "no-such-package"], statuses) == ["no-such-package"]


def test_nothing_is_installed_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(names: Sequence[str]) -> None:
        raise AssertionError(names)

    monkeypatch.setattr(packages, "install", never)
    assert packages.ensure(Progress(), ["dpkg"]) == []


def test_services_are_kept_from_starting_only_meanwhile(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with packages.no_service_starts(policy):
        assert policy.stat().st_mode & 0o111
        assert "exit 101" in policy.read_text()
    assert not policy.exists()


def test_a_persons_own_policy_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("mine")
    with packages.no_service_starts(policy):
        assert policy.read_text() == "mine"
    assert policy.read_text() == "mine"


def test_this_pythons_pip_is_used_when_it_has_one() -> None:
    assert packages.ensure_pip(Progress(), lambda argv: True) == [sys.executable, "-m", "pip"]


def test_debians_pip_is_installed_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def ensure(progress: Progress, wanted: Sequence[str]) -> list[str]:
        asked.append(wanted)
        return []

    monkeypatch.setattr(packages, "ensure", ensure)
    assert packages.ensure_pip(Progress(), lambda argv: False)[1:] == ["-m", "pip"]
    assert asked == [["python3-pip"]]
