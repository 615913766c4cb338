"""The command line, as a person meets it."""

import json
from pathlib import Path
from typing import Self

import pytest
from typer.testing import CliRunner

from app.api.versions import KINDS
from app.cli import cli
from app.cluster.kube import KubeApi
from tests.fakes.api import FakeApi


def test_help_names_both_roles() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    assert "webhook" in shown.output
    assert "worker" in shown.output


@pytest.mark.parametrize("role", ["webhook", "worker"])
def test_a_role_without_its_settings_says_which_is_missing(role: str) -> None:
    shown = CliRunner().invoke(cli, [role], env={"POD_NAMESPACE": "", "POD_NAME": "me"})
    assert shown.exit_code == 2
    assert "POD_NAMESPACE is not set" in shown.output


def test_an_unknown_log_level_is_named() -> None:
    shown = CliRunner().invoke(cli, ["worker"], env={"POD_NAMESPACE": "n", "POD_NAME": "me", "LOG_LEVEL": "loud"})
    assert shown.exit_code == 2
    assert "LOUD" in shown.output


def test_crds_writes_one_file_for_each_kind(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli, ["crds", str(tmp_path)])
    assert shown.exit_code == 0
    assert {each.name for each in tmp_path.iterdir()} == {f"{kind.plural}.{kind.group}.yaml" for kind in KINDS}
    assert len(KINDS) == 11


class _Cluster(FakeApi):
    """In place of the real client."""

    @classmethod
    async def connect(cls) -> Self:
        return cls()

    async def aclose(self) -> None:
        pass


@pytest.fixture
def emptiness(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that has nothing in it."""
    monkeypatch.setattr(KubeApi, "connect", _Cluster.connect)


@pytest.mark.usefixtures("emptiness")
def test_a_cluster_without_keptn_has_nothing_to_migrate() -> None:
    shown = CliRunner().invoke(cli, ["migrate", "--check"])
    assert shown.exit_code == 0
    assert "There is nothing to do." in shown.output
    assert "Keptn was never here" in shown.output


@pytest.mark.usefixtures("emptiness")
def test_migrate_tells_programs_as_well() -> None:
    shown = CliRunner().invoke(cli, ["migrate", "--check", "--output", "json", "--namespace", "ops"])
    assert shown.exit_code == 0
    read = json.loads(shown.output)
    assert (read["installation"], read["action"]) == ("ops", False)


def test_what_needs_somebody_is_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect() -> _Cluster:
        api = _Cluster()
        meta = {"name": "lifecycle-operator", "namespace": "keptn-system"}
        keptns = {"name": "manager", "image": "registry.example.com/keptn/lifecycle-operator:v2.0.0"}
        api.put(
            {
                "kind": "Deployment",
                "apiVersion": "apps/v1",
                "metadata": meta | {"labels": {"control-plane": "lifecycle-operator"}},
                "spec": {"template": {"spec": {"containers": [keptns]}}},
            }
        )
        return api

    monkeypatch.setattr(KubeApi, "connect", connect)
    shown = CliRunner().invoke(cli, ["migrate", "--check"])
    assert shown.exit_code == 1
    assert "lifecycle-operator:v2.0.0" in shown.output.replace("\n    ", "")


def test_migrate_does_nothing_by_itself() -> None:
    shown = CliRunner().invoke(cli, ["migrate"])
    assert shown.exit_code == 2
    assert "--check" in shown.output


def test_a_cluster_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    shown = CliRunner().invoke(cli, ["migrate", "--check"])
    assert shown.exit_code == 2
    assert "the cluster cannot be read" in shown.output
