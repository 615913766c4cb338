"""What has happened so far, told by watch events. All times are seconds since the shop was applied."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.api import wellknown
from app.api.core import Deployment, DeploymentCondition, Job, Pod
from app.api.meta import Model, Object
from app.api.task import Task
from examples.demo.shop import FAILING, NAME_LABEL, Expected


class About(Model):
    kind: str = ""
    name: str = ""


class Event(Object):
    """A core/v1 Event: what `kubectl describe` shows at its end."""

    type: str = ""
    reason: str = ""
    message: str = ""
    involved_object: About = About()


@dataclass(slots=True)
class HeldPod:
    """A pod of a workload. `held` says that it came with our gate, the times when that went and when it was ready."""

    name: str
    seen: float
    held: bool
    opened: float | None = None
    ready: float | None = None

    @property
    def is_held(self) -> bool:
        return self.held and self.opened is None


@dataclass(slots=True)
class Check:
    """The one check of a workload. `started` is when its Job was seen, `ended` when that Job's pod had ended."""

    task: str = ""
    jobs: list[str] = field(default_factory=list)
    started: float | None = None
    running: float | None = None
    ended: float | None = None
    verdict: str = ""
    last_lines: str = ""

    @property
    def took(self) -> float | None:
        """Seconds from the Job's creation to the end of its pod."""
        return None if self.started is None or self.ended is None else self.ended - self.started


@dataclass(slots=True)
class Workload:
    expected: Expected
    check: Check = field(default_factory=Check)
    pods: dict[str, HeldPod] = field(default_factory=dict)
    rollout: DeploymentCondition | None = None
    rollout_failed: float | None = None
    warnings: dict[str, str] = field(default_factory=dict)  # kind of the object → the event's message

    @property
    def title(self) -> str:
        return f"{self.expected.kind} {self.expected.name}"

    @property
    def fails(self) -> bool:
        return self.expected.name == FAILING

    @property
    def all_ready(self) -> bool:
        ready = sum(pod.ready is not None for pod in self.pods.values())
        wanted = len(self.pods) if self.expected.pods is None else self.expected.pods
        return ready >= max(1, wanted)

    @property
    def has_failed(self) -> bool:
        """Whether the check failed, and the rollout, the workload and a pod all say so."""
        told = {self.expected.kind, "Pod"} <= set(self.warnings)
        return self.check.verdict == "Failed" and self.rollout_failed is not None and told

    @property
    def held_for(self) -> float | None:
        """Seconds that the pod that was held longest was held, None while one still is or if none was."""
        spans = [pod.opened - pod.seen for pod in self.pods.values() if pod.opened is not None]
        return max(spans) if spans and not any(pod.is_held for pod in self.pods.values()) else None


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, in words. `mood` is one of good, bad and plain."""

    at: float
    text: str
    mood: str = "plain"


class Story:
    """Takes what the watches say and keeps what matters. Deletions of pods take them out of the story."""

    def __init__(self, expected: Iterable[Expected]) -> None:
        self.workloads = [Workload(one) for one in expected]
        self.lines: list[Line] = []
        self.events: list[tuple[float, Event]] = []
        self._by_name = {one.expected.name: one for one in self.workloads}
        self._by_definition = {one.expected.definition: one for one in self.workloads}

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
        workload = self._by_definition.get(new.spec.task_definition) if new else None
        if workload is None or new is None:
            return
        check = workload.check
        check.task = new.metadata.name
        if new.status.attempts:
            check.last_lines = new.status.attempts[-1].last_lines
        if new.status.status in ("Succeeded", "Failed") and check.verdict != new.status.status:
            check.verdict = new.status.status
            passed = check.verdict == "Succeeded"
            took = "" if check.took is None else f" in {check.took:.1f} s"
            text = f"{workload.title}: check {workload.expected.definition} {'passed' if passed else 'failed'}{took}"
            self._say(at, text, "good" if passed else "bad")

    def job(self, at: float, old: Job | None, new: Job | None) -> None:
        owner = new.metadata.controller if new else None
        if new is None or owner is None or old is not None:
            return
        workload = self._of(owner.name)
        if workload is not None:
            workload.check.jobs.append(new.metadata.name)
            workload.check.started = at if workload.check.started is None else workload.check.started
            expected = workload.expected
            self._say(at, f"{workload.title}: check {expected.definition} started ({expected.runner})")

    def deployment(self, at: float, old: Deployment | None, new: Deployment | None) -> None:
        workload = self._by_name.get(new.metadata.name) if new else None
        if workload is None or new is None:
            return
        workload.rollout = next((c for c in new.status.conditions if c.type == "Progressing"), None)
        failed = workload.rollout is not None and workload.rollout.status == "False"
        if failed and workload.rollout_failed is None:
            workload.rollout_failed = at
            self._say(at, f"{workload.title}: the rollout has failed", "bad")

    def event(self, at: float, old: Event | None, new: Event | None) -> None:
        if new is None:
            return
        self.events.append((at, new))
        for workload in self.workloads:
            about = new.involved_object
            ours = about.name == workload.expected.name or about.name in workload.pods
            if new.type == "Warning" and ours and workload.expected.definition in new.message:
                workload.warnings[about.kind] = new.message

    @property
    def finished(self) -> bool:
        """Whether all that the demo is to show has come about."""
        return all(one.has_failed if one.fails else one.all_ready and bool(one.check.verdict) for one in self.workloads)

    def _workload_pod(self, at: float, workload: Workload, new: Pod) -> None:
        gated = any(gate.name == wellknown.GATE for gate in new.spec.scheduling_gates)
        pod = workload.pods.get(new.metadata.name)
        if pod is None:
            pod = workload.pods[new.metadata.name] = HeldPod(new.metadata.name, at, gated)
            passed = workload.check.verdict == "Succeeded"
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
        workload = self._of(new.metadata.labels.get(wellknown.JOB_NAME, ""))
        if workload is None:
            return
        if new.status.phase == "Running" and workload.check.running is None:
            workload.check.running = at
        if new.status.phase in ("Succeeded", "Failed"):
            workload.check.running = workload.check.running or at
            workload.check.ended = at if workload.check.ended is None else workload.check.ended

    def _of(self, child: str) -> Workload | None:
        """Whose check a task or a Job is: the definition's name is in its own, and no two of the shop are alike."""
        return next((one for definition, one in self._by_definition.items() if definition in child), None)

    def _say(self, at: float, text: str, mood: str = "plain") -> None:
        self.lines.append(Line(at, text, mood))
