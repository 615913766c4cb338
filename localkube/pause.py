"""The pause image: one small static program in an image of its own, which no registry has to serve."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
import tempfile
from pathlib import Path

from localkube import checks
from localkube.commands import run
from localkube.products import digest
from localkube.progress import Progress
from localkube.settings import PAUSE_IMAGE, PAUSE_VERSION

SOURCE = Path(__file__).resolve().with_name("pause.c")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def ensure(cache: Path, progress: Progress) -> Path:
    """The image as a tar archive in the cache, compiled and packed when it is not there yet."""
    key = digest([PAUSE_IMAGE, platform.machine()], [SOURCE, Path(__file__)])
    target = cache / "products" / f"pause-{PAUSE_VERSION}-{key}.tar"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        progress.step("pause image"),
        tempfile.TemporaryDirectory(prefix=".building-pause-", dir=target.parent) as scratch,
    ):
        program = Path(scratch) / "pause"
        run([checks.compiler(), "-Os", "-static", "-s", "-Wall", "-Werror", "-o", str(program), str(SOURCE)])
        partial = Path(scratch) / "pause.tar"
        partial.write_bytes(image_archive(program.read_bytes(), PAUSE_IMAGE))
        partial.rename(target)
    return target


def image_archive(program: bytes, reference: str) -> bytes:
    """A docker archive with one layer that holds `/pause`; the same input gives the same bytes."""
    layer = tar({"pause": (program, 0o755)})
    config = json.dumps(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    return tar({name: (config, 0o644), "layer.tar": (layer, 0o644), "manifest.json": (manifest, 0o644)})


def tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    """A tar archive of files with their modes, all owned by root and dated 1970."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
