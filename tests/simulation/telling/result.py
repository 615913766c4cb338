"""What a run of the simulation hands back: its findings, its counts and, if asked for, the log of all that happened."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["user", "write", "fault", "cluster", "check", "gate", "event", "finding"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log of a run. `time` is in simulated seconds since its beginning."""

    time: float
    who: str
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Result:
    """How one seed went. `findings` says in words what was wrong, and is empty if nothing was."""

    seed: int
    findings: tuple[str, ...]
    seconds: float  # simulated
    cpu: float  # seconds of CPU
    changes: int  # of objects, by anybody
    digest: str  # of the log of changes: the same seed gives the same
    # rollouts, jobs, gates_opened, crashes, duplicate_jobs, false_openings, stuck_gates, and each fault by its name
    counts: dict[str, int]
    log: tuple[Entry, ...] = ()  # empty unless it was asked to be kept
