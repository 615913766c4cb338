import pytest

from app.api.workload import WorkloadVersionStatus
from app.lifecycle.phases import LONG_NAMES, STATUS_FIELDS, Phase, failed_at

LATER = {
    Phase.PRE_TASKS: [
        "preDeploymentEvaluationStatus",
        "deploymentStatus",
        "postDeploymentStatus",
        "postDeploymentEvaluationStatus",
    ],
    Phase.PRE_EVALUATIONS: ["deploymentStatus", "postDeploymentStatus", "postDeploymentEvaluationStatus"],
    Phase.DEPLOY: ["postDeploymentStatus", "postDeploymentEvaluationStatus"],
    Phase.POST_TASKS: ["postDeploymentEvaluationStatus"],
    Phase.POST_EVALUATIONS: [],
}


@pytest.mark.parametrize("phase", list(LATER))
def test_a_failure_deprecates_what_comes_after_and_leaves_alone_what_came_before(phase: Phase) -> None:
    assert failed_at(phase) == {
        STATUS_FIELDS[phase]: "Failed",
        "status": "Failed",
        "currentPhase": phase,
        **dict.fromkeys(LATER[phase], "Deprecated"),
    }


def test_each_phase_has_a_name_for_people_and_a_field_that_the_status_has() -> None:
    assert set(LONG_NAMES) == set(Phase)
    fields = {str(info.alias) for info in WorkloadVersionStatus.model_fields.values()}
    assert set(STATUS_FIELDS.values()) <= fields
