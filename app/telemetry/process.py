"""What Linux says of this process, under the names that all Prometheus clients use."""

import os
from pathlib import Path
from typing import Literal

from app.telemetry.exposition import Family, number

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


def families(proc: Path = _PROC) -> list[Family]:
    """Empty where there is no /proc."""
    try:
        # After the command in parentheses, which may have spaces: the state, then numbers, counted from 3.
        stat = (proc / "self/stat").read_text().rpartition(")")[2].split()
        booted = next(line for line in (proc / "stat").read_text().splitlines() if line.startswith("btime "))
        files = len(os.listdir(proc / "self/fd"))
    except OSError:
        return []
    user, system, started, virtual, resident = (int(stat[field - 3]) for field in (14, 15, 22, 23, 24))
    since = int(booted.split()[1]) + started / _TICKS
    return [
        _one("process_cpu_seconds_total", "counter", "CPU time, user and system.", (user + system) / _TICKS),
        _one("process_resident_memory_bytes", "gauge", "Resident memory.", resident * _PAGE),
        _one("process_virtual_memory_bytes", "gauge", "Virtual memory.", virtual),
        _one("process_start_time_seconds", "gauge", "When it started, since 1970.", since),
        _one("process_open_fds", "gauge", "Open files and connections.", files),
    ]


def _one(name: str, kind: Literal["counter", "gauge"], help: str, value: float) -> Family:
    return Family(name, kind, help, [f"{name} {number(value)}"])
