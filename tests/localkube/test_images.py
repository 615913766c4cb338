from pathlib import Path

import pytest

from localkube import images
from localkube.errors import LocalkubeError
from localkube.paths import Paths

PATHS = Paths(Path("/srv/holdfast/.localkube"), Path("/run/somewhere"))


def test_the_names_are_read_from_what_containerd_says() -> None:
    told = "unpacking example/a:dev (sha256:12ab)...done\nelapsed: 1 s\nunpacking example/b:1 (sha256:34cd)...done\n"
    assert images.imported_names(told) == ["example/a:dev", "example/b:1"]


def test_the_client_is_pointed_at_our_containerd() -> None:
    argv = images.ctr(PATHS)
    assert argv == ["/usr/bin/ctr", "--address", "/run/somewhere/containerd.sock", "--namespace", "k8s.io"]


def test_what_is_no_file_is_told_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LocalkubeError, match=r"missing\.tar is not a file; give an image archive"):
        images.load(PATHS, tmp_path / "missing.tar")
