"""What has happened so far, told by watch events. All times are seconds since the shop was applied."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.api import wellknown
from app.api.app import AppVersion
from app.api.core import Deployment, Job, Pod
from app.api.evaluation import Evaluation
from app.api.meta import Model, Object
from app.api.task import Task
from app.lifecycle.phases import COMPLETED
from examples.demo.parts import Application, Check, HeldPod, Workload
from examples.demo.shop import NAME_LABEL, Expected, ExpectedApp

# The event that says that pods go although a check has failed.
BY_POLICY = "SchedulingGateOpenedByPolicy"


class About(Model):
    kind: str = ""
    name: str = ""


class Event(Object):
    """A core/v1 Event: what `kubectl describe` shows at its end."""

    type: str = ""
    reason: str = ""
    message: str = ""
    involved_object: About = About()


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, in words. `mood` is one of good, bad and plain."""

    at: float
    text: str
    mood: str = "plain"


class Story:
    """Takes what the watches say and keeps what matters. Deletions of pods take them out of the story."""

    def __init__(self, expected: Iterable[Expected], app: ExpectedApp) -> None:
        self.app = Application(app)
        self.workloads = [Workload(one, self.app if one.app == app.name else None) for one in expected]
        self.lines: list[Line] = []
        self.events: list[tuple[float, Event]] = []
        self._by_name = {one.expected.name: one for one in self.workloads}
        # Each check with whose it is. No two definitions of the shop are alike.
        self._checks: dict[str, tuple[str, Check]] = {}
        owners: list[Application | Workload] = [self.app, *self.workloads]
        for owner in owners:
            for check in (owner.check, owner.after):
                if check is not None:
                    self._checks[check.definition] = (owner.title, check)

    @property
    def members(self) -> list[Workload]:
        """The workloads of the application."""
        return [one for one in self.workloads if one.app is not None]

    @property
    def finished(self) -> bool:
        """Whether all that the demo is to show has come about."""
        return self.app.has_ended and all(one.has_ended for one in self.workloads)

    def pod(self, at: float, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        if pod is None:
            return
        if pod.metadata.labels.get(wellknown.LABEL) == wellknown.LABEL_TASK:
            if new is not None:
                self._check_pod(at, new)
            return
        workload = self._by_name.get(pod.metadata.labels.get(NAME_LABEL, ""))
        if workload is None:
            return
        if new is None:
            workload.pods.pop(pod.metadata.name, None)
        else:
            self._workload_pod(at, workload, new)

    def task(self, at: float, old: Task | None, new: Task | None) -> None:
        title, check = self._checks.get(new.spec.task_definition if new else "", ("", None))
        if check is None or new is None:
            return
        check.task = new.metadata.name
        if new.status.attempts:
            check.last_lines = new.status.attempts[-1].last_lines
        if new.status.status in ("Succeeded", "Failed") and check.verdict != new.status.status:
            check.verdict = new.status.status
            passed = check.verdict == "Succeeded"
            took = "" if check.took is None else f" in {check.took:.1f} s"
            text = f"{title}: check {check.definition} {'passed' if passed else 'failed'}{took}"
            self._say(at, text, "good" if passed else "bad")

    def job(self, at: float, old: Job | None, new: Job | None) -> None:
        owner = new.metadata.controller if new else None
        if new is None or owner is None or old is not None:
            return
        title, check = self._of(owner.name)
        if check is not None:
            check.jobs.append(new.metadata.name)
            check.started = at if check.started is None else check.started
            self._say(at, f"{title}: check {check.definition} started")

    def deployment(self, at: float, old: Deployment | None, new: Deployment | None) -> None:
        workload = self._by_name.get(new.metadata.name) if new else None
        if workload is None or new is None:
            return
        workload.rollout = next((c for c in new.status.conditions if c.type == "Progressing"), None)
        failed = workload.rollout is not None and workload.rollout.status == "False"
        if failed and workload.rollout_failed is None:
            workload.rollout_failed = at
            self._say(at, f"{workload.title}: the rollout has failed", "bad")

    def app_version(self, at: float, old: AppVersion | None, new: AppVersion | None) -> None:
        if new is None or new.spec.app_name != self.app.expected.name:
            return
        app, before = self.app, self.app.phase
        app.version, app.phase, app.status = new.metadata.name, new.status.current_phase, new.status.status
        if app.phase == COMPLETED and app.ended is None:
            app.ended = at
            self._say(at, f"{app.title}: {COMPLETED}, {app.status}", "good" if app.status == "Succeeded" else "bad")
        elif app.phase not in (before, COMPLETED):
            self._say(at, f"{app.title}: now in {app.phase}")

    def evaluation(self, at: float, old: Evaluation | None, new: Evaluation | None) -> None:
        evaluated = self.app.evaluation
        if new is None or new.spec.evaluation_definition != evaluated.definition:
            return
        status = new.status
        evaluated.results = [f"{name} {one.value}" for name, one in status.evaluation_status.items() if one.value]
        if status.overall_status in ("Succeeded", "Failed") and evaluated.verdict != status.overall_status:
            evaluated.verdict = status.overall_status
            passed = evaluated.verdict == "Succeeded"
            text = f"{self.app.title}: evaluation {evaluated.definition} {'passed' if passed else 'failed'}"
            self._say(at, f"{text} ({', '.join(evaluated.results)})", "good" if passed else "bad")

    def event(self, at: float, old: Event | None, new: Event | None) -> None:
        if new is None:
            return
        self.events.append((at, new))
        for workload in self.workloads:
            about = new.involved_object
            ours = about.name == workload.expected.name or about.name in workload.pods
            if ours and new.reason == BY_POLICY:
                workload.let_go_by_policy = new.message
            if new.type == "Warning" and ours and workload.expected.definition in new.message:
                workload.warnings[about.kind] = new.message

    def _workload_pod(self, at: float, workload: Workload, new: Pod) -> None:
        gated = any(gate.name == wellknown.GATE for gate in new.spec.scheduling_gates)
        pod = workload.pods.get(new.metadata.name)
        if pod is None:
            pod = workload.pods[new.metadata.name] = HeldPod(new.metadata.name, at, gated)
            passed = workload.checks_ended is not None
            news = "is held" if gated else f"is not held{', its revision has passed' if passed else ''}"
            self._say(at, f"{workload.title}: pod {pod.name} {news}", "plain" if gated or passed else "bad")
        elif pod.is_held and not gated:
            pod.opened = at
            self._say(at, f"{workload.title}: pod {pod.name} was let go after {at - pod.seen:.1f} s", "good")
        ready = any(c.type == "Ready" and c.status == "True" for c in new.status.conditions)
        if ready and pod.ready is None:
            pod.ready = at
            self._say(at, f"{workload.title}: pod {pod.name} is ready")

    def _check_pod(self, at: float, new: Pod) -> None:
        _, check = self._of(new.metadata.labels.get(wellknown.JOB_NAME, ""))
        if check is None:
            return
        if new.status.phase == "Running" and check.running is None:
            check.running = at
        if new.status.phase in ("Succeeded", "Failed"):
            check.running = check.running or at
            check.ended = at if check.ended is None else check.ended

    def _of(self, child: str) -> tuple[str, Check | None]:
        """Whose check a task or a Job is, and which: the definition's name is in its own."""
        return next((one for definition, one in self._checks.items() if definition in child), ("", None))

    def _say(self, at: float, text: str, mood: str = "plain") -> None:
        self.lines.append(Line(at, text, mood))
