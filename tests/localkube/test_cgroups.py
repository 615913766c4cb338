from pathlib import Path

from localkube import cgroups
from localkube.settings import CGROUP

HYBRID = """24 1 0:22 / / rw - ext4 /dev/vda rw
30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
32 30 0:28 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "30 24 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_hierarchies_are_found_by_file_system() -> None:
    assert cgroups.hierarchies(HYBRID) == [
        (Path("/sys/fs/cgroup/memory"), "cgroup"),
        (Path("/sys/fs/cgroup/pids"), "cgroup"),
        (Path("/sys/fs/cgroup/unified"), "cgroup2"),
    ]


def test_version_1_limits_processes_where_it_is_mounted() -> None:
    assert cgroups.controlling(cgroups.hierarchies(HYBRID)) == [
        Path("/sys/fs/cgroup/memory"),
        Path("/sys/fs/cgroup/pids"),
    ]


def test_version_2_does_so_where_it_is_alone() -> None:
    assert cgroups.controlling(cgroups.hierarchies(UNIFIED)) == [Path("/sys/fs/cgroup")]


def test_daemons_get_a_group_of_their_own_with_the_machines_processors(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus").write_text("0-1\n")
    ours = tmp_path / CGROUP
    (ours / "daemons").mkdir(parents=True)
    for folder in (ours, ours / "daemons"):
        (folder / "cpuset.cpus").write_text("\n")
    assert cgroups.prepare([tmp_path]) == [ours / "daemons"]
    assert (ours / "daemons" / "cpuset.cpus").read_text() == "0-1\n"


def test_version_2_hands_its_controllers_down(tmp_path: Path) -> None:
    ours = tmp_path / CGROUP
    ours.mkdir()
    for folder in (tmp_path, ours):
        (folder / "cgroup.controllers").write_text("cpu memory\n")
        (folder / "cgroup.subtree_control").write_text("")
    cgroups.prepare([tmp_path])
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (ours / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_members_are_collected_once_and_vanished_groups_are_skipped(tmp_path: Path) -> None:
    for name, pids in (("a", "1\n2\n"), ("b", "2\n3\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").write_text(pids)
    assert cgroups.members(iter([tmp_path / "a", tmp_path / "b", tmp_path / "gone"])) == {1, 2, 3}
