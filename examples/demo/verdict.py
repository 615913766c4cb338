"""Whether all of it really happened: every claim of the demo as one finding."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.lifecycle.phases import COMPLETED
from examples.demo.kubectl import Metrics, RolloutStatus
from examples.demo.parts import Check, Workload
from examples.demo.story import Story


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim about a workload or the application, whether it held, and what was seen if it did not."""

    about: str
    claim: str
    held: bool
    seen: str = ""


def findings(story: Story, status: RolloutStatus | None = None, metrics: Metrics | None = None) -> list[Finding]:
    """All claims of the demo, in the order in which they come about.

    `status` is of the failing one, `metrics` the worker's own figure of the application; each if it is known.
    """
    found: list[Finding] = []
    for workload in story.workloads:
        if workload.fails:
            continue
        found += _warned(workload) if workload.only_warns else _passing(workload)
    found += _application(story, metrics)
    for workload in story.workloads:
        if workload.fails:
            found += _failing(workload, status)
    return found


def _common(workload: Workload) -> Iterator[Finding]:
    check, ended = workload.check, workload.checks_ended
    early = [pod for pod in workload.pods.values() if ended is None or pod.seen < ended]
    free = [pod.name for pod in early if not pod.held]
    yield Finding(
        workload.title,
        "every pod that came before its checks had ended came with the gate",
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
    yield from _common(workload)
    yield Finding(workload.title, "its check passed", workload.check.verdict == "Succeeded", _verdict(workload.check))
    yield from _let_go(workload, "the gate opened")
    if workload.after is not None:
        yield _followed(workload.title, workload.after, [workload], "its check after the deployment")


def _warned(workload: Workload) -> Iterator[Finding]:
    yield from _common(workload)
    failed = workload.check.verdict == "Failed"
    yield Finding(workload.title, "its check failed, as it should", failed, _verdict(workload.check))
    yield from _let_go(workload, "its policy is warn: the gate opened")
    yield Finding(
        workload.title,
        "an event says that its policy let it go, and which check had failed",
        workload.expected.definition in workload.let_go_by_policy,
        workload.let_go_by_policy or "no such event",
    )


def _let_go(workload: Workload, claim: str) -> Iterator[Finding]:
    ended = workload.checks_ended
    opened = [pod.opened for pod in workload.pods.values() if pod.opened is not None]
    whose = "its own and its application's check" if workload.app else "its check"
    yield Finding(
        workload.title,
        f"{claim} once {whose} had ended",
        bool(opened) and ended is not None and min(opened) >= ended,
        f"the last check ended {_time(ended)}, the gate opened {_time(min(opened, default=None))}",
    )
    waiting = [pod.name for pod in workload.pods.values() if pod.ready is None]
    yield Finding(
        workload.title,
        "its pods became ready",
        workload.up is not None,
        f"not ready: {', '.join(waiting)}" if waiting else f"{len(workload.pods)} pods were made",
    )


def _application(story: Story, metrics: Metrics | None) -> Iterator[Finding]:
    app, members = story.app, story.members
    check, evaluation = app.check, app.evaluation
    yield Finding(
        app.title,
        "its check before all workloads ran exactly once, and passed",
        len(check.jobs) == 1 and check.verdict == "Succeeded",
        f"{_verdict(check)}; Jobs: {', '.join(check.jobs) or 'none'}",
    )
    opened = [pod.opened for one in members for pod in one.pods.values() if pod.opened is not None]
    yield Finding(
        app.title,
        f"it held all {len(members)} of its workloads until then",
        check.ended is not None
        and all(any(pod.opened is not None for pod in one.pods.values()) for one in members)
        and min(opened) >= check.ended,
        f"the check ended {_time(check.ended)}, the first gate opened {_time(min(opened, default=None))}",
    )
    yield _followed(app.title, app.after, members, "its check after all workloads")
    yield Finding(
        app.title,
        "its evaluation asked Prometheus, and what that said met the objective",
        evaluation.verdict == "Succeeded" and bool(evaluation.results),
        f"{evaluation.verdict or 'no verdict'} {', '.join(evaluation.results)}",
    )
    yield Finding(
        app.title,
        "its version is Completed and has succeeded, in spite of the warning",
        app.phase == COMPLETED and app.status == "Succeeded",
        f"KeptnAppVersion {app.version or '(none)'}: {app.phase} {app.status}",
    )
    if metrics is not None:
        claim = "the worker's metrics have how long it took, for Prometheus to read"
        yield Finding(app.title, claim, bool(metrics.sample), metrics.trouble)


def _followed(about: str, check: Check, workloads: list[Workload], what: str) -> Finding:
    ups = [workload.up for workload in workloads]
    last = max((up for up in ups if up is not None), default=None)
    waited = None not in ups and last is not None and check.started is not None and check.started >= last
    return Finding(
        about,
        f"{what} began when the pods were ready, and passed",
        waited and check.verdict == "Succeeded",
        f"the last pod was ready {_time(last)}, the check began {_time(check.started)}; {_verdict(check)}",
    )


def _failing(workload: Workload, status: RolloutStatus | None) -> Iterator[Finding]:
    check = workload.check
    definition = workload.expected.definition
    yield from _common(workload)
    yield Finding(workload.title, "its check failed, as it should", check.verdict == "Failed", _verdict(workload.check))
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


def _verdict(check: Check) -> str:
    return f"KeptnTask {check.task or '(none)'}: {check.verdict or 'no verdict'}"


def _time(at: float | None) -> str:
    return "never" if at is None else f"at {at:.1f} s"
