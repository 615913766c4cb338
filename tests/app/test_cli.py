"""The command line, as a person meets it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli


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
    assert {each.name.partition(".")[0] for each in tmp_path.iterdir()} == {
        "keptntaskdefinitions",
        "keptntasks",
        "keptnworkloads",
        "keptnworkloadversions",
    }
