"""The phases of a KeptnWorkloadVersion and of a KeptnAppVersion, in order (keptn-behaviour 3.4)."""

from dataclasses import dataclass
from typing import Final

from app.lifecycle.states import State

COMPLETED: Final = "Completed"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a version.

    `name` is what `status.currentPhase` and event reasons say, `title` what people read, `field` the status field that
    holds its state. A phase of tasks or evaluations also has the spec's list that asks for them (`asked`), the status's
    list of them (`items`), and what they say of themselves (`check`, their checkType).
    """

    name: str
    title: str
    field: str
    asked: str = ""
    items: str = ""
    check: str = ""

    @property
    def evaluates(self) -> bool:
        """Whether its items are KeptnEvaluations, not KeptnTasks."""
        return self.check.endswith("-eval")


def _tasks(level: str, when: str, title: str) -> Phase:
    return Phase(
        f"{level}{when}DeployTasks",
        f"{level} {title}-Deployment Tasks",
        f"{when.lower()}DeploymentStatus",
        f"{when.lower()}DeploymentTasks",
        f"{when.lower()}DeploymentTaskStatus",
        when.lower(),
    )


def _evaluations(level: str, when: str, title: str) -> Phase:
    return Phase(
        f"{level}{when}DeployEvaluations",
        f"{level} {title}-Deployment Evaluations",
        f"{when.lower()}DeploymentEvaluationStatus",
        f"{when.lower()}DeploymentEvaluations",
        f"{when.lower()}DeploymentEvaluationTaskStatus",
        f"{when.lower()}-eval",
    )


WORKLOAD_PRE_TASKS: Final = _tasks("Workload", "Pre", "Pre")
WORKLOAD_PRE_EVALUATIONS: Final = _evaluations("Workload", "Pre", "Pre")
WORKLOAD_DEPLOY: Final = Phase("WorkloadDeploy", "Workload Deployment", "deploymentStatus")
WORKLOAD_POST_TASKS: Final = _tasks("Workload", "Post", "Post")
WORKLOAD_POST_EVALUATIONS: Final = _evaluations("Workload", "Post", "Post")
APP_PRE_TASKS: Final = _tasks("App", "Pre", "Pre")
APP_PRE_EVALUATIONS: Final = _evaluations("App", "Pre", "Pre")
APP_DEPLOY: Final = Phase("AppDeploy", "App Deployment", "workloadOverallStatus")
APP_POST_TASKS: Final = _tasks("App", "Post", "Post")
APP_POST_EVALUATIONS: Final = _evaluations("App", "Post", "Post")
PROMOTION: Final = Phase(
    "PromotionTasks", "Promotion Tasks", "promotionStatus", "promotionTasks", "promotionTaskStatus", "promotion"
)

WORKLOAD_PHASES: Final = (
    WORKLOAD_PRE_TASKS,
    WORKLOAD_PRE_EVALUATIONS,
    WORKLOAD_DEPLOY,
    WORKLOAD_POST_TASKS,
    WORKLOAD_POST_EVALUATIONS,
)
APP_PHASES: Final = (
    APP_PRE_TASKS,
    APP_PRE_EVALUATIONS,
    APP_DEPLOY,
    APP_POST_TASKS,
    APP_POST_EVALUATIONS,
    PROMOTION,
)


def failed_at(phases: tuple[Phase, ...], phase: Phase) -> dict[str, str]:
    """Status fields once `phase` has failed: the phase and the whole Failed, all later phases Deprecated.

    Earlier fields are left alone. `Deprecated` on the deployment's own field never opens a gate here, as it does in
    Keptn: only a recorded pass does. Source: keptn-behaviour 3.4.
    """
    later = phases[phases.index(phase) + 1 :]
    fields = {phase.field: State.FAILED.value, "status": State.FAILED.value, "currentPhase": phase.name}
    return fields | {each.field: State.DEPRECATED.value for each in later}
