import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

from localkube import pause, processes
from localkube.progress import Progress


def test_the_archive_describes_its_own_layer() -> None:
    packed = io.BytesIO(pause.image_archive(b"program", "localkube/pause:1"))
    with tarfile.open(fileobj=packed) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    (manifest,) = json.loads(files["manifest.json"])
    config = json.loads(files[manifest["Config"]])
    layer = files[manifest["Layers"][0]]
    assert manifest["RepoTags"] == ["localkube/pause:1"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as inside:
        assert [(entry.name, entry.mode) for entry in inside] == [("pause", 0o755)]


def test_the_same_program_gives_the_same_bytes() -> None:
    assert pause.image_archive(b"x", "a:1") == pause.image_archive(b"x", "a:1")
    assert pause.image_archive(b"x", "a:1") != pause.image_archive(b"y", "a:1")


def test_the_program_is_compiled_once_sleeps_and_ends_when_told(tmp_path: Path) -> None:
    archive = pause.ensure(tmp_path, Progress())
    made = archive.stat().st_mtime_ns
    assert pause.ensure(tmp_path, Progress()).stat().st_mtime_ns == made
    assert [file.name for file in archive.parent.iterdir()] == [archive.name]

    with tarfile.open(archive) as outer:
        layer = outer.extractfile("layer.tar")
        assert layer is not None
        with tarfile.open(fileobj=layer) as inner:
            inner.extract("pause", tmp_path, filter="data")
    with subprocess.Popen([tmp_path / "pause"]) as process:
        sleeping = lambda: Path(f"/proc/{process.pid}/stat").read_text().split()[2] == "S"  # noqa: E731
        assert processes.wait_until(sleeping, 5)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0
