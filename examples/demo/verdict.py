"""Whether all of it really happened: every claim of the demo as one finding."""

from collections.abc import Iterator
from dataclasses import dataclass

from examples.demo.kubectl import RolloutStatus
from examples.demo.story import Story, Workload


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim about a workload, whether it held, and what was seen if it did not."""

    about: str
    claim: str
    held: bool
    seen: str = ""


def findings(story: Story, status: RolloutStatus | None = None) -> list[Finding]:
    """All claims of the demo, in the order in which they come about. `status` is of the failing one, if known."""
    found: list[Finding] = []
    for workload in story.workloads:
        found += _failing(workload, status) if workload.fails else _passing(workload)
    return found


def _common(workload: Workload) -> Iterator[Finding]:
    check = workload.check
    early = [pod for pod in workload.pods.values() if check.ended is None or pod.seen < check.ended]
    free = [pod.name for pod in early if not pod.held]
    yield Finding(
        workload.title,
        "every pod that came before the check's end came with the gate",
        bool(early) and not free,
        f"without it: {', '.join(free)}" if free else "no pod was seen",
    )
    yield Finding(
        workload.title,
        "its check ran exactly once",
        len(check.jobs) == 1,
        f"Jobs: {', '.join(check.jobs) or 'none'}",
    )


def _passing(workload: Workload) -> Iterator[Finding]:
    check = workload.check
    yield from _common(workload)
    yield Finding(workload.title, "its check passed", check.verdict == "Succeeded", _verdict(workload))
    opened = [pod.opened for pod in workload.pods.values() if pod.opened is not None]
    yield Finding(
        workload.title,
        "the gate opened, and not before the check had ended",
        bool(opened) and check.ended is not None and min(opened) >= check.ended,
        f"the check ended {_time(check.ended)}, the gate opened {_time(min(opened, default=None))}",
    )
    waiting = [pod.name for pod in workload.pods.values() if pod.ready is None]
    yield Finding(
        workload.title,
        "its pods became ready",
        workload.all_ready,
        f"not ready: {', '.join(waiting)}" if waiting else f"{len(workload.pods)} pods were made",
    )


def _failing(workload: Workload, status: RolloutStatus | None) -> Iterator[Finding]:
    check = workload.check
    definition = workload.expected.definition
    yield from _common(workload)
    yield Finding(workload.title, "its check failed, as it should", check.verdict == "Failed", _verdict(workload))
    yield Finding(
        workload.title,
        "the KeptnTask keeps what the check printed last",
        "ERROR" in check.last_lines,
        f"it keeps {check.last_lines!r}",
    )
    open_pods = [pod.name for pod in workload.pods.values() if not pod.is_held]
    yield Finding(
        workload.title,
        "its pods are still held",
        bool(workload.pods) and not open_pods,
        f"not held: {', '.join(open_pods)}" if open_pods else "no pod was seen",
    )
    rollout = workload.rollout
    said = rollout is not None and definition in rollout.message and "ERROR" in rollout.message
    yield Finding(
        workload.title,
        "its rollout has failed, and says which check and what it printed",
        workload.rollout_failed is not None and said,
        f"condition Progressing: {rollout.status} {rollout.reason}: {rollout.message}" if rollout else "no condition",
    )
    if status is not None:
        gave_up = status.exit_status != 0 and "progress deadline" in status.output
        yield Finding(workload.title, "kubectl rollout status gives it up at once", gave_up, status.output)
    for kind in (workload.expected.kind, "Pod"):
        yield Finding(
            workload.title,
            f"an event on its {kind} names the check",
            kind in workload.warnings,
            f"warnings on: {', '.join(workload.warnings) or 'nothing'}",
        )


def _verdict(workload: Workload) -> str:
    return f"KeptnTask {workload.check.task or '(none)'}: {workload.check.verdict or 'no verdict'}"


def _time(at: float | None) -> str:
    return "never" if at is None else f"at {at:.1f} s"
