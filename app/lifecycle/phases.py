"""The phases of a KeptnWorkloadVersion, in order, and what a failure does to those that come after."""

from enum import StrEnum

from app.lifecycle.states import State


class Phase(StrEnum):
    PRE_TASKS = "WorkloadPreDeployTasks"
    PRE_EVALUATIONS = "WorkloadPreDeployEvaluations"
    DEPLOY = "WorkloadDeploy"
    POST_TASKS = "WorkloadPostDeployTasks"
    POST_EVALUATIONS = "WorkloadPostDeployEvaluations"
    COMPLETED = "Completed"


LONG_NAMES = {
    Phase.PRE_TASKS: "Workload Pre-Deployment Tasks",
    Phase.PRE_EVALUATIONS: "Workload Pre-Deployment Evaluations",
    Phase.DEPLOY: "Workload Deployment",
    Phase.POST_TASKS: "Workload Post-Deployment Tasks",
    Phase.POST_EVALUATIONS: "Workload Post-Deployment Evaluations",
    Phase.COMPLETED: "Completed",
}

# Phase → the field of the status that holds its state.
STATUS_FIELDS = {
    Phase.PRE_TASKS: "preDeploymentStatus",
    Phase.PRE_EVALUATIONS: "preDeploymentEvaluationStatus",
    Phase.DEPLOY: "deploymentStatus",
    Phase.POST_TASKS: "postDeploymentStatus",
    Phase.POST_EVALUATIONS: "postDeploymentEvaluationStatus",
}


def failed_at(phase: Phase) -> dict[str, str]:
    """Status fields once `phase` has failed: the phase and the whole Failed, all later phases Deprecated.

    Earlier fields are left alone. `Deprecated` on the deployment's own field never opens a gate here, as it does in
    Keptn: only a recorded pass does. Source: keptn-behaviour 3.4.
    """
    order = list(STATUS_FIELDS)
    later = order[order.index(phase) + 1 :]
    fields = {STATUS_FIELDS[phase]: State.FAILED.value, "status": State.FAILED.value, "currentPhase": phase.value}
    return fields | {STATUS_FIELDS[each]: State.DEPRECATED.value for each in later}
