"""What the story is about: the application, its workloads, their pods and checks. Times are seconds since the apply."""

from dataclasses import dataclass, field

from app.api.core import DeploymentCondition
from app.lifecycle.phases import COMPLETED
from examples.demo.shop import FAILING, WARNED, Expected, ExpectedApp


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
    """One check of a workload or of the application, and which definition it runs.

    `started` is when its Job was seen, `ended` when that Job's pod had ended.
    """

    definition: str = ""
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
class Evaluated:
    """The application's evaluation: its verdict, and what each objective's value was and had to be, in words."""

    definition: str
    verdict: str = ""
    results: list[str] = field(default_factory=list)


class Application:
    """The application, its checks and how far its version has come. `ended` is when that was Completed."""

    def __init__(self, expected: ExpectedApp) -> None:
        self.expected = expected
        self.check = Check(expected.definition)
        self.after = Check(expected.after)
        self.evaluation = Evaluated(expected.evaluation)
        self.version = ""
        self.phase = ""
        self.status = ""
        self.ended: float | None = None

    @property
    def title(self) -> str:
        return f"Application {self.expected.name}"

    @property
    def has_ended(self) -> bool:
        return self.phase == COMPLETED and bool(self.after.verdict) and bool(self.evaluation.verdict)


class Workload:
    """A workload. `app` is the application that it belongs to, None if it names none."""

    def __init__(self, expected: Expected, app: Application | None) -> None:
        self.expected = expected
        self.app = app
        self.check = Check(expected.definition)
        self.after = Check(expected.after) if expected.after else None
        self.pods: dict[str, HeldPod] = {}
        self.rollout: DeploymentCondition | None = None
        self.rollout_failed: float | None = None
        self.warnings: dict[str, str] = {}  # kind of the object → the event's message, if that names the check
        self.let_go_by_policy = ""  # the event's message

    @property
    def title(self) -> str:
        return f"{self.expected.kind} {self.expected.name}"

    @property
    def fails(self) -> bool:
        """Whether its check fails, and holds it for good."""
        return self.expected.name == FAILING

    @property
    def only_warns(self) -> bool:
        """Whether its check fails, and its pods go all the same."""
        return self.expected.name == WARNED

    @property
    def up(self) -> float | None:
        """When the last pod that it needs was ready, None as long as it is not."""
        ready = sorted(pod.ready for pod in self.pods.values() if pod.ready is not None)
        wanted = max(1, len(self.pods) if self.expected.pods is None else self.expected.pods)
        return ready[wanted - 1] if len(ready) >= wanted else None

    @property
    def has_failed(self) -> bool:
        """Whether the check failed, and the rollout, the workload and a pod all say so."""
        told = {self.expected.kind, "Pod"} <= set(self.warnings)
        return self.check.verdict == "Failed" and self.rollout_failed is not None and told

    @property
    def has_ended(self) -> bool:
        """Whether all that is to be shown of it has come about."""
        if self.fails:
            return self.has_failed
        told = bool(self.let_go_by_policy) or not self.only_warns
        return (
            self.up is not None and bool(self.check.verdict) and told and (not self.after or bool(self.after.verdict))
        )

    @property
    def waited_for(self) -> list[Check]:
        """What must have ended before its pods may go: its own check, and its application's."""
        return [self.check, self.app.check] if self.app else [self.check]

    @property
    def checks_ended(self) -> float | None:
        """When the last of these had ended, None as long as one has not."""
        ends = [check.ended for check in self.waited_for]
        return max((end for end in ends if end is not None), default=None) if None not in ends else None

    @property
    def checks_took(self) -> float | None:
        """Seconds from the beginning of the first of these to the end of the last."""
        started = [check.started for check in self.waited_for if check.started is not None]
        return None if self.checks_ended is None or not started else self.checks_ended - min(started)

    @property
    def held_for(self) -> float | None:
        """Seconds that the pod that was held longest was held, None while one still is or if none was."""
        spans = [pod.opened - pod.seen for pod in self.pods.values() if pod.opened is not None]
        return max(spans) if spans and not any(pod.is_held for pod in self.pods.values()) else None
