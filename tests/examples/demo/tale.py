"""Objects as watches tell them, for stories of a shop: two workloads in one application, and one that fails alone."""

from app.api.app import AppVersion, AppVersionSpec, AppVersionStatus
from app.api.core import Deployment, DeploymentCondition, DeploymentStatus, Job, Pod, PodCondition, PodSpec, PodStatus
from app.api.core import SchedulingGate as Gate
from app.api.evaluation import Evaluation, EvaluationSpec, EvaluationStatus, ObjectiveStatus
from app.api.meta import ObjectMeta, OwnerReference
from app.api.task import Attempt, Task, TaskSpec, TaskStatus
from examples.demo.shop import Expected, ExpectedApp
from examples.demo.story import BY_POLICY, About, Event, Story

GOOD = Expected("Deployment", "storefront", "storefront-prices", "deno", 1, "shop", "storefront-welcomes")
WARNED = Expected("Deployment", "recommendations", "recommendations-model", "container", 1, "shop")
BAD = Expected("Deployment", "checkout", "checkout-payments", "container", 1)
APP = ExpectedApp("shop", "suppliers-deliver", "orders-work", "articles-offered")
PRINTED = "payments go to the sandbox\nERROR: not with real orders"


def story() -> Story:
    return Story([GOOD, WARNED, BAD], APP)


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


def job(definition: str, number: int = 1) -> Job:
    owner = OwnerReference(
        api_version="lifecycle.keptn.sh/v1", kind="KeptnTask", name=f"pre-{definition}-4711", uid="t", controller=True
    )
    return Job(metadata=ObjectMeta(name=f"pre-{definition}-4711-{number}", owner_references=(owner,)))


def check_pod(definition: str, phase: str) -> Pod:
    labels = {"keptn.sh/holdfast": "task", "batch.kubernetes.io/job-name": f"pre-{definition}-4711-1"}
    return Pod(metadata=ObjectMeta(name=f"pre-{definition}-pod", labels=labels), status=PodStatus(phase=phase))


def task(definition: str, status: str, lines: str = "") -> Task:
    attempts = (Attempt(number=1, pod_name="p", status=status, last_lines=lines),) if lines else ()
    return Task(
        metadata=ObjectMeta(name=f"pre-{definition}-4711"),
        spec=TaskSpec(task_definition=definition),
        status=TaskStatus(status=status, attempts=attempts),
    )


def deployment(workload: Expected, status: str, reason: str, message: str) -> Deployment:
    condition = DeploymentCondition(type="Progressing", status=status, reason=reason, message=message)
    return Deployment(metadata=ObjectMeta(name=workload.name), status=DeploymentStatus(conditions=(condition,)))


def app_version(phase: str, status: str, app: str = "shop") -> AppVersion:
    return AppVersion(
        metadata=ObjectMeta(name=f"{app}-1"),
        spec=AppVersionSpec(version="1", app_name=app),
        status=AppVersionStatus(current_phase=phase, status=status),
    )


def evaluation(status: str, value: str, definition: str = APP.evaluation) -> Evaluation:
    result = {"articles": ObjectiveStatus(value=value, status=status)} if value else {}
    return Evaluation(
        metadata=ObjectMeta(name=f"post-eval-{definition}"),
        spec=EvaluationSpec(evaluation_definition=definition),
        status=EvaluationStatus(overall_status=status, evaluation_status=result),
    )


def event(kind: str, name: str, reason: str, message: str) -> Event:
    about = About(kind=kind, name=name)
    return Event(
        metadata=ObjectMeta(name=f"{name}.{kind}.{reason}"),
        type="Warning",
        reason=reason,
        message=message,
        involved_object=about,
    )


def warning(kind: str, name: str, message: str) -> Event:
    return event(kind, name, "Held", message)


def run(told: Story, definition: str, begin: float, end: float, verdict: str = "Succeeded", lines: str = "") -> None:
    """A check's Job, its pod's end and its verdict."""
    told.job(begin, None, job(definition))
    told.pod((begin + end) / 2, None, check_pod(definition, "Running"))
    told.pod(end, None, check_pod(definition, verdict))
    told.task(end, None, task(definition, verdict, lines))


def tell_good(told: Story) -> None:
    """The passing one: held at 0, opened at 3, ready at 4; its check ran from 1 to 2.5, the one after from 4.5 to 5."""
    told.pod(0.0, None, pod(GOOD, held=True))
    run(told, GOOD.definition, 1.0, 2.5)
    told.pod(3.0, None, pod(GOOD, held=False))
    told.pod(4.0, None, pod(GOOD, held=False, ready=True))
    run(told, GOOD.after, 4.5, 5.0)


def tell_warned(told: Story) -> None:
    """The one that only warns: held at 0, opened at 3, ready at 4; its check failed at 2."""
    told.pod(0.0, None, pod(WARNED, held=True))
    run(told, WARNED.definition, 1.0, 2.0, "Failed", "the model is old")
    told.pod(3.0, None, pod(WARNED, held=False))
    message = f"the policy is warn, and {WARNED.definition} has failed"
    told.event(3.1, None, event("Deployment", WARNED.name, BY_POLICY, message))
    told.pod(4.0, None, pod(WARNED, held=False, ready=True))


def tell_app(told: Story) -> None:
    """The application: its check passed at 2.9, the one afterwards began at 5.5, Completed at 7."""
    told.app_version(0.5, None, app_version("AppPreDeployTasks", "Progressing"))
    run(told, APP.definition, 1.0, 2.9, lines="all deliver")
    run(told, APP.after, 5.5, 6.0, lines="orders work")
    told.evaluation(6.5, None, evaluation("Succeeded", "3"))
    told.app_version(7.0, None, app_version("Completed", "Succeeded"))


def tell_bad(told: Story) -> None:
    """The failing one: held at 0 for good; its check ran from 1 to 2, its rollout failed at 2.3."""
    told.pod(0.0, None, pod(BAD, held=True))
    run(told, BAD.definition, 1.0, 2.0, "Failed", PRINTED)
    message = f"Holdfast: pre-deployment task {BAD.definition} failed. It printed: {PRINTED}"
    told.deployment(2.3, None, deployment(BAD, "False", "ProgressDeadlineExceeded", message))
    told.event(2.4, None, warning("Deployment", BAD.name, message))
    told.event(2.4, None, warning("Pod", f"{BAD.name}-1", message))


def tell_all(told: Story) -> None:
    """All of it, as it should be."""
    for tell in (tell_app, tell_good, tell_warned, tell_bad):
        tell(told)
