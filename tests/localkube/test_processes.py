import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from localkube import processes
from localkube.processes import Record


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


def sleeper(pids: Path, script: str = "exec sleep 60") -> Record:
    return processes.start("sleeper", ["sh", "-c", script], pids=pids, log=pids.parent / "sleeper.log")


def test_a_daemon_runs_in_a_session_of_its_own_and_is_found_by_its_pid_file(pids: Path) -> None:
    record = sleeper(pids)
    try:
        assert processes.running("sleeper", pids) == record
        assert os.getsid(record.pid) == record.pid
        assert 0 <= record.age() < 30
    finally:
        processes.stop_all([record], 5)
    assert processes.running("sleeper", pids) is None


def test_its_output_goes_to_the_log_behind_what_is_there(pids: Path) -> None:
    log = pids.parent / "sleeper.log"
    log.write_text("before\n")
    record = sleeper(pids, "echo out; echo err >&2")
    assert processes.wait_until(lambda: not record.alive(), 5)
    assert log.read_text() == "before\nout\nerr\n"


def test_nothing_of_our_environment_reaches_it(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.1")
    record = sleeper(pids, "env")
    assert processes.wait_until(lambda: not record.alive(), 5)
    log = (pids.parent / "sleeper.log").read_text()
    assert "PATH=/usr/local/sbin:" in log
    assert "PROXY" not in log


def test_it_joins_the_groups_that_it_is_given(pids: Path, tmp_path: Path) -> None:
    group = tmp_path / "group"
    group.mkdir()
    record = processes.start("true", ["true"], pids=pids, log=tmp_path / "log", cgroups=[group])
    assert processes.wait_until(lambda: not record.alive(), 5)
    assert (group / "cgroup.procs").read_text() == f"{record.pid}\n"


def test_a_process_that_will_not_end_is_made_to(pids: Path) -> None:
    record = sleeper(pids, "trap '' TERM; while :; do sleep 0.1; done")
    assert processes.wait_until(lambda: "while" in processes.command_line(record.pid), 5)
    processes.stop_all([record], 0.3)
    assert not record.alive()


def test_a_process_that_ended_but_was_not_collected_does_not_count_as_running(pids: Path) -> None:
    record = sleeper(pids, "true")
    assert processes.wait_until(lambda: not record.alive(), 5)
    assert processes.start_ticks(record.pid) is None


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another boot"}], ids=["start time", "boot"])
def test_another_process_with_the_same_number_is_left_alone(pids: Path, change: dict[str, str | int]) -> None:
    record = sleeper(pids)
    try:
        stranger = replace(record, **change)  # type: ignore[arg-type]
        assert not stranger.alive()
        processes.send(stranger, signal.SIGKILL)
        processes.stop_all([stranger], 0.1)
        assert record.alive()
    finally:
        processes.stop_all([record], 5)


def test_stopping_what_is_gone_is_harmless(pids: Path) -> None:
    record = sleeper(pids)
    processes.stop_all([record], 5)
    processes.stop_all([record], 5)
    processes.send(record, signal.SIGKILL)


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', "[]"])
def test_a_broken_pid_file_is_no_process(pids: Path, content: str) -> None:
    pids.mkdir()
    (pids / "etcd.json").write_text(content)
    assert processes.read("etcd", pids) is None
    assert processes.running("etcd", pids) is None


def test_a_name_with_parentheses_does_not_confuse_the_start_time(pids: Path, tmp_path: Path) -> None:
    program = tmp_path / "odd ) name ("
    program.symlink_to("/bin/sleep")
    record = processes.start("odd", [str(program), "60"], pids=pids, log=tmp_path / "log")
    try:
        assert processes.wait_until(lambda: "odd" in processes.command_line(record.pid).split("/")[-1], 5)
        assert record.alive()
    finally:
        processes.stop_all([record], 5)


def test_waiting_gives_up_at_its_deadline() -> None:
    assert not processes.wait_until(lambda: False, 0.05)
