"""images/commands.py: what a person sees of the programs that do the work."""

from pathlib import Path

import pytest

from images import commands
from images.commands import ImagesError


def test_a_long_commands_chosen_lines_are_shown_and_all_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    commands.run(["printf", "STEP 1\nnoise\nSTEP 2\n"], log=log, show="^STEP")
    assert capsys.readouterr().out == "    STEP 1\n    STEP 2\n"
    assert log.read_text() == "STEP 1\nnoise\nSTEP 2\n"


def test_a_failure_tells_the_last_lines_and_where_all_of_them_are(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ImagesError) as failure:
        commands.run(["sh", "-c", "seq 100; echo oh no >&2; exit 3"], log=log, show="^$")
    message = str(failure.value)
    assert f"sh failed with code 3; all of it is in {log}" in message
    assert "100\noh no\n" in message
    assert "\n50\n" not in message


def test_a_short_commands_output_is_given_back_and_its_complaint_told() -> None:
    assert commands.output(["echo", "an id"]) == "an id"
    with pytest.raises(ImagesError, match="no such image"):
        commands.output(["sh", "-c", "echo no such image >&2; exit 1"])


def test_programs_that_are_there_are_not_installed(tmp_path: Path) -> None:
    commands.ensure_programs("sh", log=tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_programs_that_are_missing_are_installed_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n')
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/no/such/folder")
    monkeypatch.setattr(commands, "PACKAGES", {"buildah": ("buildah",), "pip3": ("python3-pip",)})
    (tmp_path / "sh").symlink_to("/bin/sh")
    commands.ensure_programs("buildah", "pip3", log=tmp_path / "log")
    assert (tmp_path / "called").read_text().splitlines() == [
        "update",
        "install --yes --no-install-recommends buildah python3-pip",
    ]
