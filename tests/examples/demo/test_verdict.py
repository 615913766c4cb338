from collections.abc import Callable

import pytest

from app.api.core import Pod
from examples.demo.kubectl import RolloutStatus
from examples.demo.story import Story
from examples.demo.verdict import findings
from tests.examples.demo import tale


def _missed(told: Story) -> list[str]:
    return [f"{finding.about}: {finding.claim}" for finding in findings(told) if not finding.held]


def _whole() -> Story:
    told = tale.story()
    tale.tell_good(told)
    tale.tell_bad(told)
    return told


def test_every_claim_holds_when_all_of_it_happened() -> None:
    assert _missed(_whole()) == []


def test_nothing_holds_of_a_story_in_which_nothing_happened() -> None:
    found = findings(tale.story())
    assert len(found) == 13
    assert not any(finding.held for finding in found)
    assert all(finding.seen for finding in found)


def _opened_early(told: Story) -> None:
    told.workloads[0].pods["storefront-1"].opened = 2.4


def _never_held(told: Story) -> None:
    told.workloads[0].pods["storefront-1"].held = False


def _ran_twice(told: Story) -> None:
    told.job(8.0, None, tale.job(tale.GOOD, number=2))


def _failed_one_let_go(told: Story) -> None:
    told.pod(9.0, None, tale.pod(tale.BAD, held=False))


def _lines_lost(told: Story) -> None:
    told.workloads[1].check.last_lines = ""


def _rollout_silent(told: Story) -> None:
    told.deployment(9.0, None, tale.deployment(tale.BAD, "False", "ProgressDeadlineExceeded", "it has timed out"))


def _no_event_on_the_workload(told: Story) -> None:
    del told.workloads[1].warnings["Deployment"]


@pytest.mark.parametrize(
    ("mishap", "missed"),
    [
        (_opened_early, "Deployment storefront: the gate opened, and not before the check had ended"),
        (_ran_twice, "Deployment storefront: its check ran exactly once"),
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


def test_a_pod_that_came_without_the_gate_is_found_and_named() -> None:
    told = _whole()
    _never_held(told)
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
