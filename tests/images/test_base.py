"""images/base.py: what is taken out of a fresh Debian."""

from pathlib import Path

import pytest

from images.base import slim_down


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in (
        "etc/dpkg/dpkg.cfg.d/.keep",
        "usr/bin/perl",
        "usr/share/doc/perl/copyright",
        "usr/share/doc/perl/README",
        "usr/share/doc/perl/examples/one",
        "usr/share/man/man1/perl.1",
        "usr/share/locale/de/perl.mo",
        "var/cache/apt/archives/perl.deb",
        "var/lib/apt/lists/Packages",
        "var/log/bootstrap.log",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    slim_down(tmp_path)
    return tmp_path


def test_programs_and_licences_stay(root: Path) -> None:
    assert (root / "usr/bin/perl").exists()
    assert (root / "usr/share/doc/perl/copyright").exists()


def test_documentation_translations_and_what_apt_keeps_go(root: Path) -> None:
    left = {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}
    assert left == {
        "etc/dpkg/dpkg.cfg.d/.keep",
        "etc/dpkg/dpkg.cfg.d/slim",
        "usr/bin/perl",
        "usr/share/doc/perl/copyright",
    }


def test_folders_that_programs_expect_stay(root: Path) -> None:
    assert (root / "var/log").is_dir()
    assert (root / "var/cache/apt").is_dir()


def test_dpkg_is_told_to_leave_documentation_out_but_not_licences(root: Path) -> None:
    rules = (root / "etc/dpkg/dpkg.cfg.d/slim").read_text().splitlines()
    assert "path-exclude /usr/share/doc/*" in rules
    assert rules.index("path-include /usr/share/doc/*/copyright") > rules.index("path-exclude /usr/share/doc/*")
