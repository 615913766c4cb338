from collections.abc import Callable

import pytest

from app.api.core import Pod
from examples.demo.kubectl import Metrics, RolloutStatus
from examples.demo.parts import Check
from examples.demo.story import Story
from examples.demo.verdict import findings
from tests.examples.demo import tale

FOLLOWED = "began when the pods were ready, and passed"


def _missed(told: Story) -> list[str]:
    return [f"{finding.about}: {finding.claim}" for finding in findings(told) if not finding.held]


def _whole() -> Story:
    told = tale.story()
    tale.tell_all(told)
    return told


def test_every_claim_holds_when_all_of_it_happened() -> None:
    assert _missed(_whole()) == []


def test_nothing_holds_of_a_story_in_which_nothing_happened() -> None:
    nothing = Metrics("", "no worker was found")
    found = findings(tale.story(), RolloutStatus("kubectl", "nothing", 0), nothing)
    assert len(found) == 27
    assert not any(finding.held for finding in found)
    assert all(finding.seen for finding in found)


def _opened_early(told: Story) -> None:
    told.workloads[0].pods["storefront-1"].opened = 2.95
    told.workloads[0].check.ended = 2.97


def _warned_one_opened_early(told: Story) -> None:
    told.workloads[1].pods["recommendations-1"].opened = 2.95
    told.workloads[1].check.ended = 2.97


def _ran_twice(told: Story) -> None:
    told.job(8.0, None, tale.job(tale.GOOD.definition, number=2))


def _failed_one_let_go(told: Story) -> None:
    told.pod(9.0, None, tale.pod(tale.BAD, held=False))


def _lines_lost(told: Story) -> None:
    told.workloads[2].check.last_lines = ""


def _rollout_silent(told: Story) -> None:
    told.deployment(9.0, None, tale.deployment(tale.BAD, "False", "ProgressDeadlineExceeded", "it has timed out"))


def _no_event_on_the_workload(told: Story) -> None:
    del told.workloads[2].warnings["Deployment"]


def _after(told: Story) -> Check:
    after = told.workloads[0].after
    assert after is not None
    return after


def _afterwards_too_early(told: Story) -> None:
    _after(told).started = 3.9


def _afterwards_failed(told: Story) -> None:
    _after(told).verdict = "Failed"


def _another_name_in_the_policys_event(told: Story) -> None:
    told.workloads[1].let_go_by_policy = "the policy is warn"


def _warned_one_passed(told: Story) -> None:
    told.workloads[1].check.verdict = "Succeeded"


def _app_checked_twice(told: Story) -> None:
    told.job(8.0, None, tale.job(tale.APP.definition, number=2))


def _app_afterwards_too_early(told: Story) -> None:
    told.app.after.started = 3.9


def _app_evaluated_nothing(told: Story) -> None:
    told.app.evaluation.results = []


def _app_failed(told: Story) -> None:
    told.app_version(9.0, None, tale.app_version("Completed", "Failed"))


@pytest.mark.parametrize(
    ("mishap", "missed"),
    [
        (_opened_early, "Deployment storefront: the gate opened once its own and its application's check had ended"),
        (_ran_twice, "Deployment storefront: its check ran exactly once"),
        (_afterwards_too_early, f"Deployment storefront: its check after the deployment {FOLLOWED}"),
        (_afterwards_failed, f"Deployment storefront: its check after the deployment {FOLLOWED}"),
        (
            _warned_one_opened_early,
            "Deployment recommendations: its policy is warn: the gate opened once its own and its application's check "
            "had ended",
        ),
        (_warned_one_passed, "Deployment recommendations: its check failed, as it should"),
        (
            _another_name_in_the_policys_event,
            "Deployment recommendations: an event says that its policy let it go, and which check had failed",
        ),
        (_app_checked_twice, "Application shop: its check before all workloads ran exactly once, and passed"),
        (_app_afterwards_too_early, f"Application shop: its check after all workloads {FOLLOWED}"),
        (
            _app_evaluated_nothing,
            "Application shop: its evaluation asked Prometheus, and what that said met the objective",
        ),
        (
            _app_failed,
            "Application shop: its version is Completed and has succeeded, in spite of the warning",
        ),
        (_failed_one_let_go, "Deployment checkout: its pods are still held"),
        (_lines_lost, "Deployment checkout: the KeptnTask keeps what the check printed last"),
        (_rollout_silent, "Deployment checkout: its rollout has failed, and says which check and what it printed"),
        (_no_event_on_the_workload, "Deployment checkout: an event on its Deployment names the check"),
    ],
)
def test_each_mishap_is_found(mishap: Callable[[Story], None], missed: str) -> None:
    told = _whole()
    mishap(told)
    assert _missed(told) == [missed]


def test_a_workload_that_did_not_wait_for_its_application_is_found_on_both() -> None:
    told = _whole()
    told.workloads[0].pods["storefront-1"].opened = 2.7  # its own check had ended at 2.5, the application's at 2.9
    assert _missed(told) == [
        "Deployment storefront: the gate opened once its own and its application's check had ended",
        "Application shop: it held all 2 of its workloads until then",
    ]


def test_a_workload_of_the_application_of_which_no_pod_was_held_is_found() -> None:
    told = _whole()
    told.workloads[1].pods.clear()
    assert "Application shop: it held all 2 of its workloads until then" in _missed(told)


def test_the_workers_own_figure_counts_where_it_could_be_asked_for() -> None:
    assert all(finding.held for finding in findings(_whole(), metrics=Metrics("keptn_app 1", "")))
    (missed,) = [finding for finding in findings(_whole(), metrics=Metrics("", "no line")) if not finding.held]
    assert missed.seen == "no line"


def test_a_pod_that_came_without_the_gate_is_found_and_named() -> None:
    told = _whole()
    told.workloads[0].pods["storefront-1"].held = False
    finding = findings(told)[0]
    assert not finding.held
    assert finding.seen == "without it: storefront-1"


def test_a_pod_made_after_the_pass_needs_no_gate() -> None:
    told = _whole()
    later: Pod = tale.pod(tale.GOOD, held=False, ready=True, name="storefront-2")
    told.pod(9.0, None, later)
    assert _missed(told) == []


@pytest.mark.parametrize(
    ("output", "exit_status", "gave_up"),
    [
        ('error: deployment "checkout" exceeded its progress deadline', 1, True),
        ("error: timed out waiting for the condition", 1, False),
        ('deployment "checkout" successfully rolled out', 0, False),
    ],
)
def test_kubectls_own_word_counts_where_there_is_one(output: str, exit_status: int, gave_up: bool) -> None:
    status = RolloutStatus("kubectl rollout status", output, exit_status)
    missed = [finding for finding in findings(_whole(), status) if not finding.held]
    assert [finding.seen for finding in missed] == ([] if gave_up else [output])
