from pathlib import Path

from localkube import tools
from localkube.paths import Paths


def test_tools_are_linked_and_linking_again_follows_a_new_version(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    programs = {"kubectl": tmp_path / "kubectl-1", "helm": tmp_path / "helm-1"}
    tools.link(paths, programs)
    found = tools.link(paths, {**programs, "kubectl": tmp_path / "kubectl-2"})
    assert found["kubectl"].readlink() == tmp_path / "kubectl-2"
    assert found["helm"].readlink() == tmp_path / "helm-1"
    assert sorted(file.name for file in paths.bin.iterdir()) == ["ctr", "helm", "kubectl"]


def test_ctr_knows_our_containerd_and_calls_debians(tmp_path: Path) -> None:
    found = tools.link(Paths(tmp_path), {"kubectl": tmp_path, "helm": tmp_path})
    assert found["ctr"].read_text().splitlines()[1].startswith("exec /usr/bin/ctr --address /run/holdfast-localkube/")
    assert found["ctr"].stat().st_mode & 0o111
