from pathlib import Path

import pytest

from bench import memory


@pytest.mark.parametrize(
    ("arguments", "role"),
    [
        (["/venv/bin/python", "/venv/bin/holdfast", "webhook", ""], "webhook"),
        (["holdfast", "worker", "--verbose"], "worker"),
        (["holdfast", "version"], ""),
        (["vi", "holdfast", "notes"], ""),
        (["grep", "holdfastly", "worker"], ""),
        (["holdfast"], ""),
        ([""], ""),
    ],
)
def test_a_process_is_known_by_its_command_line(arguments: list[str], role: str) -> None:
    assert memory.role(arguments) == role


def test_the_resident_set_is_read_in_mebibytes() -> None:
    assert memory.resident("Name:\tpython\nVmRSS:\t   76800 kB\nVmData:\t 1 kB\n") == 75.0


def test_a_kernel_thread_has_no_resident_set() -> None:
    assert memory.resident("Name:\tkthreadd\n") is None


def _process(proc: Path, pid: int, arguments: str, kilobytes: int) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "cmdline").write_text(arguments)
    (folder / "status").write_text(f"VmRSS:\t{kilobytes} kB\n")


def test_only_processes_of_ours_are_found_and_one_that_ends_meanwhile_does_no_harm(tmp_path: Path) -> None:
    _process(tmp_path, 20, "python\0/bin/holdfast\0worker\0", 2048)
    _process(tmp_path, 10, "python\0/bin/holdfast\0webhook\0", 1024)
    _process(tmp_path, 30, "sleep\0worker\0", 1024)
    (tmp_path / "40").mkdir()
    (tmp_path / "self").mkdir()
    assert memory.measure(tmp_path) == [memory.Resident("webhook", 10, 1.0), memory.Resident("worker", 20, 2.0)]
