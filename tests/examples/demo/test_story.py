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
    assert (check.started, check.running, check.ended, check.took) == (1.0, 1.5, 2.5, 1.5)


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
    job = tale.job(tale.GOOD)
    told.job(1.0, None, job)
    told.job(1.1, job, job)
    assert told.workloads[0].check.jobs == [job.metadata.name]
    told.job(9.0, None, tale.job(tale.GOOD, number=2))
    assert len(told.workloads[0].check.jobs) == 2
    assert told.workloads[0].check.started == 1.0


def test_the_story_is_finished_when_one_is_ready_and_the_other_has_failed_in_every_place() -> None:
    told = tale.story()
    tale.tell_good(told)
    assert not told.finished
    tale.tell_bad(told)
    assert told.finished


def test_the_story_is_not_finished_before_the_pods_own_event() -> None:
    told = tale.story()
    tale.tell_good(told)
    tale.tell_bad(told)
    del told.workloads[1].warnings["Pod"]
    assert not told.finished


def test_a_pod_without_the_gate_is_told_as_bad_news_unless_its_revision_has_passed() -> None:
    told = tale.story()
    told.pod(0.0, None, tale.pod(tale.GOOD, held=False))
    assert told.lines[-1].mood == "bad"
    tale.tell_good(told)
    told.pod(5.0, None, tale.pod(tale.GOOD, held=False, name="storefront-2"))
    assert told.lines[-1].text == "Deployment storefront: pod storefront-2 is not held, its revision has passed"
    assert told.lines[-1].mood == "plain"


def test_pods_and_events_of_others_are_no_part_of_it() -> None:
    told = tale.story()
    stranger = tale.pod(tale.GOOD, held=True)
    told.pod(0.0, None, stranger.model_copy(update={"metadata": stranger.metadata.model_copy(update={"labels": {}})}))
    told.event(0.0, None, tale.warning("Deployment", "storefront", "no word of the check"))
    assert told.lines == []
    assert told.workloads[0].warnings == {}
