"""Objects as watches tell them, for stories of a shop with one passing and one failing workload."""

from app.api.core import Deployment, DeploymentCondition, DeploymentStatus, Job, Pod, PodCondition, PodSpec, PodStatus
from app.api.core import SchedulingGate as Gate
from app.api.meta import ObjectMeta, OwnerReference
from app.api.task import Attempt, Task, TaskSpec, TaskStatus
from examples.demo.shop import Expected
from examples.demo.story import About, Event, Story

GOOD = Expected("Deployment", "storefront", "storefront-prices", "deno", 1)
BAD = Expected("Deployment", "checkout", "checkout-payments", "container", 1)
PRINTED = "payments go to the sandbox\nERROR: not with real orders"


def story() -> Story:
    return Story([GOOD, BAD])


def pod(workload: Expected, *, held: bool, ready: bool = False, name: str = "") -> Pod:
    return Pod(
        metadata=ObjectMeta(
            name=name or f"{workload.name}-1",
            namespace="shop",
            uid=workload.name,
            labels={"app.kubernetes.io/name": workload.name, "keptn.sh/holdfast": "held"},
        ),
        spec=PodSpec(scheduling_gates=(Gate(name="keptn-prechecks-gate"), Gate(name="quota")) if held else ()),
        status=PodStatus(conditions=(PodCondition(type="Ready", status="True" if ready else "False"),)),
    )


def job(workload: Expected, number: int = 1) -> Job:
    owner = OwnerReference(
        api_version="lifecycle.keptn.sh/v1",
        kind="KeptnTask",
        name=f"pre-{workload.definition}-4711",
        uid="t",
        controller=True,
    )
    return Job(metadata=ObjectMeta(name=f"pre-{workload.definition}-4711-{number}", owner_references=(owner,)))


def check_pod(workload: Expected, phase: str) -> Pod:
    labels = {"keptn.sh/holdfast": "task", "batch.kubernetes.io/job-name": f"pre-{workload.definition}-4711-1"}
    return Pod(metadata=ObjectMeta(name=f"pre-{workload.definition}-pod", labels=labels), status=PodStatus(phase=phase))


def task(workload: Expected, status: str, lines: str = "") -> Task:
    attempts = (Attempt(number=1, pod_name="p", status=status, last_lines=lines),) if lines else ()
    return Task(
        metadata=ObjectMeta(name=f"pre-{workload.definition}-4711"),
        spec=TaskSpec(task_definition=workload.definition),
        status=TaskStatus(status=status, attempts=attempts),
    )


def deployment(workload: Expected, status: str, reason: str, message: str) -> Deployment:
    condition = DeploymentCondition(type="Progressing", status=status, reason=reason, message=message)
    return Deployment(metadata=ObjectMeta(name=workload.name), status=DeploymentStatus(conditions=(condition,)))


def warning(kind: str, name: str, message: str) -> Event:
    return Event(type="Warning", reason="Held", message=message, involved_object=About(kind=kind, name=name))


def tell_good(told: Story) -> None:
    """The passing one: held at 0, opened at 3, ready at 4; its check ran from 1 to 2.5."""
    told.pod(0.0, None, pod(GOOD, held=True))
    told.job(1.0, None, job(GOOD))
    told.pod(1.5, None, check_pod(GOOD, "Running"))
    told.pod(2.5, None, check_pod(GOOD, "Succeeded"))
    told.task(2.6, None, task(GOOD, "Succeeded"))
    told.pod(3.0, None, pod(GOOD, held=False))
    told.pod(4.0, None, pod(GOOD, held=False, ready=True))


def tell_bad(told: Story) -> None:
    """The failing one: held at 0 for good; its check ran from 1 to 2, its rollout failed at 2.3."""
    told.pod(0.0, None, pod(BAD, held=True))
    told.job(1.0, None, job(BAD))
    told.pod(2.0, None, check_pod(BAD, "Failed"))
    told.task(2.1, None, task(BAD, "Failed", PRINTED))
    message = f"Holdfast: pre-deployment task {BAD.definition} failed. It printed: {PRINTED}"
    told.deployment(2.3, None, deployment(BAD, "False", "ProgressDeadlineExceeded", message))
    told.event(2.4, None, warning("Deployment", BAD.name, message))
    told.event(2.4, None, warning("Pod", f"{BAD.name}-1", message))
