from collections.abc import Callable

import pytest

from examples.demo.story import Story
from tests.examples.demo import tale


def test_a_pod_is_held_until_our_gate_is_gone_and_the_time_is_kept() -> None:
    told = tale.story()
    tale.tell_good(told)
    workload = told.workloads[0]
    assert workload.held_for == 3.0
    assert workload.pods["storefront-1"].ready == 4.0
    assert not workload.pods["storefront-1"].is_held


def test_the_check_is_timed_from_its_job_to_the_end_of_the_jobs_pod() -> None:
    told = tale.story()
    tale.tell_good(told)
    check = told.workloads[0].check
    assert (check.started, check.running, check.ended, check.took) == (1.0, 1.75, 2.5, 1.5)


def test_there_is_no_holding_time_while_a_pod_is_still_held() -> None:
    told = tale.story()
    tale.tell_good(told)
    told.pod(3.5, None, tale.pod(tale.GOOD, held=True, name="storefront-2"))
    assert told.workloads[0].held_for is None


def test_a_deleted_pod_is_out_of_the_story() -> None:
    told = tale.story()
    held = tale.pod(tale.GOOD, held=True)
    told.pod(0.0, None, held)
    told.pod(1.0, held, None)
    assert told.workloads[0].pods == {}


def test_each_job_counts_once_however_often_it_is_told() -> None:
    told = tale.story()
    job = tale.job(tale.GOOD.definition)
    told.job(1.0, None, job)
    told.job(1.1, job, job)
    assert told.workloads[0].check.jobs == [job.metadata.name]
    told.job(9.0, None, tale.job(tale.GOOD.definition, number=2))
    assert len(told.workloads[0].check.jobs) == 2
    assert told.workloads[0].check.started == 1.0


def test_the_story_is_finished_when_all_has_come_about_in_whatever_order() -> None:
    for last in range(4):
        told = tale.story()
        parts = [tale.tell_app, tale.tell_good, tale.tell_warned, tale.tell_bad]
        final = parts.pop(last)
        for tell in parts:
            tell(told)
        assert not told.finished
        final(told)
        assert told.finished


def _no_event_on_the_pod(told: Story) -> None:
    del told.workloads[2].warnings["Pod"]


def _no_word_of_the_policy(told: Story) -> None:
    told.workloads[1].let_go_by_policy = ""


def _no_check_afterwards(told: Story) -> None:
    after = told.workloads[0].after
    assert after is not None
    after.verdict = ""


def _no_evaluation(told: Story) -> None:
    told.app.evaluation.verdict = ""


@pytest.mark.parametrize("lack", [_no_event_on_the_pod, _no_word_of_the_policy, _no_check_afterwards, _no_evaluation])
def test_the_story_is_not_finished_as_long_as_something_is_missing(lack: Callable[[Story], None]) -> None:
    told = tale.story()
    tale.tell_all(told)
    lack(told)
    assert not told.finished


def test_a_workload_of_the_application_waits_for_both_checks() -> None:
    told = tale.story()
    tale.tell_good(told)
    (alone, both) = (tale.story(), told)
    tale.tell_good(alone)
    tale.tell_app(both)
    assert (alone.workloads[0].checks_ended, alone.workloads[0].checks_took) == (None, None)
    assert (both.workloads[0].checks_ended, both.workloads[0].checks_took) == (2.9, 1.9)


def test_the_applications_phases_evaluation_and_end_are_told() -> None:
    told = tale.story()
    tale.tell_app(told)
    texts = [line.text for line in told.lines]
    assert "Application shop: now in AppPreDeployTasks" in texts
    assert "Application shop: evaluation articles-offered passed (articles 3)" in texts
    assert texts[-1] == "Application shop: Completed, Succeeded"
    assert (told.app.version, told.app.ended) == ("shop-1", 7.0)


def test_an_application_that_failed_is_bad_news() -> None:
    told = tale.story()
    told.evaluation(1.0, None, tale.evaluation("Failed", "2"))
    assert (told.lines[-1].text, told.lines[-1].mood) == (
        "Application shop: evaluation articles-offered failed (articles 2)",
        "bad",
    )
    told.app_version(2.0, None, tale.app_version("Completed", "Failed"))
    assert told.lines[-1].mood == "bad"


def test_a_pod_without_the_gate_is_told_as_bad_news_unless_its_revision_has_passed() -> None:
    told = tale.story()
    told.pod(0.0, None, tale.pod(tale.GOOD, held=False))
    assert told.lines[-1].mood == "bad"
    tale.tell_app(told)
    tale.tell_good(told)
    told.pod(5.0, None, tale.pod(tale.GOOD, held=False, name="storefront-2"))
    assert told.lines[-1].text == "Deployment storefront: pod storefront-2 is not held, its revision has passed"
    assert told.lines[-1].mood == "plain"


def test_pods_and_events_of_others_are_no_part_of_it() -> None:
    told = tale.story()
    stranger = tale.pod(tale.GOOD, held=True)
    told.pod(0.0, None, stranger.model_copy(update={"metadata": stranger.metadata.model_copy(update={"labels": {}})}))
    told.event(0.0, None, tale.warning("Deployment", "storefront", "no word of the check"))
    told.app_version(0.0, None, tale.app_version("Completed", "Succeeded", app="checkout"))
    told.evaluation(0.0, None, tale.evaluation("Succeeded", "3", definition="another"))
    assert told.lines == []
    assert told.workloads[0].warnings == {}
