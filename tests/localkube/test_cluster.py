import os
import time
from pathlib import Path

import pytest

from localkube import checks, cleanup, cluster, packages, processes
from localkube.errors import LocalkubeError
from localkube.parts import NAMES
from localkube.paths import Paths
from localkube.progress import Progress, Step


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr(checks, "platform", lambda: None)
    found = Paths(tmp_path / "mine" / ".localkube", tmp_path / "run")
    found.pids.mkdir(parents=True)
    found.logs.mkdir(parents=True)
    return found


def pretend_running(paths: Paths, *names: str) -> None:
    """Pid files that name this very process."""
    pid = os.getpid()
    for name in names:
        processes.write(processes.Record(name, pid, processes.start_ticks(pid) or 0, processes.boot_id()), paths.pids)


def test_nothing_running_is_down(paths: Paths) -> None:
    assert cluster.status(paths) == "The cluster is down."
    assert not cluster.is_up(paths)


def test_another_checkouts_cluster_is_not_taken_for_ours(paths: Paths) -> None:
    paths.owner.write_text("/theirs/.localkube")
    paths.complete.touch()
    pretend_running(paths, *NAMES)
    assert cluster.status(paths) == "The cluster of this checkout is down; the one of /theirs/.localkube runs."
    assert not cluster.is_up(paths)


def test_a_start_without_its_end_is_called_cut_off(paths: Paths) -> None:
    paths.owner.write_text(str(paths.state))
    pretend_running(paths, "etcd")
    told = cluster.status(paths).splitlines()
    assert told[0].startswith("A start of the cluster was cut off")
    assert [line.split()[:2] for line in told if line.startswith("  etcd")] == [["etcd", "runs"]]
    assert [line.split()[:2] for line in told if line.startswith("  coredns")] == [["coredns", "ENDED"]]


def test_the_cluster_of_another_checkout_is_left_alone(paths: Paths) -> None:
    other = paths.run.parent / "theirs" / ".localkube"
    other.mkdir(parents=True)
    paths.owner.write_text(str(other))
    pretend_running(paths, "etcd")
    with pytest.raises(LocalkubeError, match=f"the cluster of {other.parent} runs here: stop it with"):
        cluster.refuse_foreign(paths)


def test_what_a_vanished_checkout_left_is_cleared_away(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[Paths] = []
    monkeypatch.setattr(cleanup, "clean", cleaned.append)
    paths.owner.write_text("/gone/.localkube")
    cluster.refuse_foreign(paths)
    assert cleaned == [Paths(Path("/gone/.localkube"), paths.run)]


@pytest.mark.parametrize("owner", [None, "ours"])
def test_our_own_cluster_is_no_foreign_one(paths: Paths, owner: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "clean", lambda paths: pytest.fail("cleaned"))
    if owner:
        paths.owner.write_text(str(paths.state))
    cluster.refuse_foreign(paths)


def test_up_when_up_touches_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "ensure", lambda progress: pytest.fail("looked for packages"))
    pretend_running(paths, *NAMES)
    paths.complete.touch()
    assert cluster.up(paths, paths.run, Progress()) == 0.0


def test_what_cannot_be_removed_is_listed_but_not_without_end() -> None:
    assert cluster.listed(["mount /a", "mount /b"]) == "    mount /a\n    mount /b"
    assert cluster.listed(["x"] * 40).splitlines()[-1] == "    … and 30 more"
    assert len(cluster.listed(["x"] * 40).splitlines()) == 11


def test_down_names_what_is_still_there(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "clean", lambda paths: ["mount /a"])
    with pytest.raises(LocalkubeError, match=r"these are still there:\n    mount /a"):
        cluster.down(paths, Progress())


def test_waiting_ends_when_everything_holds(paths: Paths) -> None:
    answers = iter([False, False, True])
    step = Step("etcd")
    cluster.wait(paths, step, {"etcd": lambda: next(answers)})
    assert step.detail == "well"


def test_a_daemon_that_ends_ends_the_wait_with_its_last_lines(paths: Paths) -> None:
    record = processes.start("etcd", ["sh", "-c", "echo no room; exit 1"], pids=paths.pids, log=paths.logs / "etcd.log")
    assert processes.wait_until(lambda: not record.alive(), 5)
    began = time.monotonic()
    with pytest.raises(LocalkubeError, match=r"(?s)etcd ended while starting.*\n    no room"):
        cluster.wait(paths, Step("etcd"), {"etcd": lambda: False})
    assert time.monotonic() - began < 5


def test_waiting_gives_up_and_says_for_what(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "START_SECONDS", 0.01)
    (paths.logs / "kubelet.log").write_text("still thinking\n")
    with pytest.raises(LocalkubeError, match=r"(?s)kubelet, kube-proxy did not become ready.*still thinking"):
        cluster.wait(paths, Step("all parts"), {"kubelet": lambda: False, "kube-proxy": lambda: False})


def test_two_starts_of_one_checkout_go_one_after_the_other(paths: Paths) -> None:
    held = paths.state / "lock"
    script = (
        "import fcntl,sys,time; lock=open(sys.argv[1],'w'); fcntl.flock(lock,2); print(1,flush=True); time.sleep(0.5)"
    )
    log = paths.logs / "holder.log"
    holder = processes.start("holder", ["python3", "-c", script, str(held)], pids=paths.pids, log=log)
    assert processes.wait_until(lambda: log.read_text() == "1\n", 10)
    with cluster.alone(paths, Progress()):
        assert processes.wait_until(lambda: not holder.alive(), 1)
