"""Starting daemons that outlive us, and stopping exactly those again."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

POLL_SECONDS = 0.02
# A daemon gets only this: a proxy setting of the caller, say, would come between the API server and its webhooks.
ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# The shell joins our control groups before it becomes the daemon, so that no child is ever born outside them.
JOIN_AND_BECOME = """
cd /
for group in $LOCALKUBE_CGROUPS; do echo $$ > "$group/cgroup.procs"; done
unset LOCALKUBE_CGROUPS
exec "$@"
"""


@dataclass(frozen=True)
class Record:
    """What a pid file holds: enough to tell our process from a later one with the same number."""

    name: str
    pid: int
    start_ticks: int
    boot_id: str

    def alive(self) -> bool:
        """Whether the very process that was recorded still runs."""
        return self.boot_id == boot_id() and start_ticks(self.pid) == self.start_ticks

    def age(self) -> float:
        """Seconds since the process started."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime - self.start_ticks / os.sysconf("SC_CLK_TCK")


def boot_id() -> str:
    """Changes with every boot of the machine."""
    return BOOT_ID.read_text().strip()


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def command_line(pid: int) -> str:
    """A process's command line, for messages."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def start(
    name: str,
    argv: Sequence[str],
    *,
    pids: Path,
    log: Path,
    cgroups: Sequence[Path] = (),
) -> Record:
    """Start a daemon in a session of its own, append its output to `log`, and write its pid file below `pids`."""
    pids.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    joined = {"LOCALKUBE_CGROUPS": " ".join(map(str, cgroups))}
    pid = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", JOIN_AND_BECOME, name, *argv],
        {**ENVIRONMENT, **joined},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    record = Record(name, pid, start_ticks(pid) or 0, boot_id())
    write(record, pids)
    return record


def reap(pid: int) -> None:
    """Collect a child that has ended; whoever else is its parent does it otherwise."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def write(record: Record, pids: Path) -> None:
    """Write a pid file, whole or not at all."""
    unfinished = pids / f".{record.name}"
    unfinished.write_text(json.dumps(asdict(record)))
    unfinished.rename(pids / f"{record.name}.json")


def read(name: str, pids: Path) -> Record | None:
    """A part's pid file; None when there is none or it cannot be read."""
    try:
        return Record(**json.loads((pids / f"{name}.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def running(name: str, pids: Path) -> Record | None:
    """A part's process if it runs."""
    record = read(name, pids)
    return record if record is not None and record.alive() else None


def stop_all(records: Iterable[Record], grace: float) -> None:
    """Ask processes to end, and after `grace` seconds make them.

    A process that is not the recorded one, though it has the number, is left alone.
    """
    living = [record for record in records if record.alive()]
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for record in living:
            send(record, number)
        wait_until(partial(none_alive, living), patience)
        for record in living:
            reap(record.pid)
        living = [record for record in living if record.alive()]
        if not living:
            return


def none_alive(records: Iterable[Record]) -> bool:
    """Whether all recorded processes have ended."""
    return not any(record.alive() for record in records)


def send(record: Record, number: signal.Signals) -> None:
    """Send a signal to the recorded process only. A pidfd makes sure that the number is not reused in between."""
    try:
        handle = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return
    try:
        if record.alive():
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds, at most some seconds; gives whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
