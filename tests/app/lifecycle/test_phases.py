import pytest

from app.api.app import AppVersionSpec, AppVersionStatus
from app.api.meta import Model
from app.api.workload import WorkloadVersionSpec, WorkloadVersionStatus
from app.lifecycle.phases import APP_PHASES, WORKLOAD_PHASES, Phase, failed_at

BOTH = [(phases, phase) for phases in (WORKLOAD_PHASES, APP_PHASES) for phase in phases]


@pytest.mark.parametrize(("phases", "phase"), BOTH)
def test_a_failure_deprecates_what_comes_after_and_leaves_alone_what_came_before(
    phases: tuple[Phase, ...], phase: Phase
) -> None:
    later = phases[phases.index(phase) + 1 :]
    assert failed_at(phases, phase) == {
        phase.field: "Failed",
        "status": "Failed",
        "currentPhase": phase.name,
        **dict.fromkeys((each.field for each in later), "Deprecated"),
    }


@pytest.mark.parametrize(
    ("phases", "spec", "status"),
    [
        (WORKLOAD_PHASES, WorkloadVersionSpec, WorkloadVersionStatus),
        (APP_PHASES, AppVersionSpec, AppVersionStatus),
    ],
)
def test_each_phase_has_its_fields(phases: tuple[Phase, ...], spec: type[Model], status: type[Model]) -> None:
    known = {str(info.alias) for info in status.model_fields.values()}
    assert {phase.field for phase in phases} | {phase.items for phase in phases if phase.items} <= known
    assert {phase.asked for phase in phases if phase.asked} <= {str(info.alias) for info in spec.model_fields.values()}


def test_names_are_keptns() -> None:
    assert [(phase.name, phase.title, phase.check) for phase in APP_PHASES] == [
        ("AppPreDeployTasks", "App Pre-Deployment Tasks", "pre"),
        ("AppPreDeployEvaluations", "App Pre-Deployment Evaluations", "pre-eval"),
        ("AppDeploy", "App Deployment", ""),
        ("AppPostDeployTasks", "App Post-Deployment Tasks", "post"),
        ("AppPostDeployEvaluations", "App Post-Deployment Evaluations", "post-eval"),
        ("PromotionTasks", "Promotion Tasks", "promotion"),
    ]
    assert [phase.name for phase in WORKLOAD_PHASES if phase.evaluates] == [
        "WorkloadPreDeployEvaluations",
        "WorkloadPostDeployEvaluations",
    ]
