from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.core import Job, Pod
from app.api.task import Task, TaskStatus
from app.lifecycle import attempts, tasks
from app.lifecycle.states import State
from app.lifecycle.tasks import Nothing, StartJob, Step, WriteStatus
from tests.builders import JobBuilder, PodBuilder, TaskBuilder, job, pod, task

NOW = "2026-01-01T00:01:00Z"
FRESH = task("pre-check-1").spec(retries=2)
RUNNING = FRESH.status("Progressing", jobName="j", runs=1, startTime="2026-01-01T00:00:30Z")
JOB = job("j").owned_by(FRESH)


def a_pod(name: str, created: str = "2026-01-01T00:00:40Z") -> PodBuilder:
    return pod(name).owned_by(JOB).of_task().created(created)


def step(of: TaskBuilder, job: JobBuilder | None = JOB, *pods: PodBuilder, complaint: str = "") -> Step:
    return tasks.next_step(of.view, job.view if job else None, [p.view for p in pods], NOW, complaint)


def written(of: TaskBuilder, job: JobBuilder | None = JOB, *pods: PodBuilder, complaint: str = "") -> dict[str, Any]:
    result = step(of, job, *pods, complaint=complaint)
    assert isinstance(result, WriteStatus)
    return result.fields


def after(of: Task, result: Step) -> Task:
    """The task once a step is in its status, as a merge patch leaves it."""
    if not isinstance(result, WriteStatus):
        return of
    status = TaskStatus.model_validate(of.status.dump() | result.fields)
    return of.model_copy(update={"status": status})


class TestTheJob:
    def test_is_made_when_there_is_none(self) -> None:
        assert step(FRESH, None) == StartJob(run=1, failures=0)

    @pytest.mark.parametrize("state", ["Succeeded", "Failed", "Warning", "Deprecated"])
    def test_is_never_made_again_once_there_is_a_verdict(self, state: str) -> None:
        assert step(FRESH.status(state, jobName="j", runs=1), None) == Nothing()

    def test_is_not_made_for_a_task_that_is_being_deleted(self) -> None:
        assert step(FRESH.deleting(), None) == Nothing()

    def test_is_named_in_the_status_once_it_is_there(self) -> None:
        assert written(FRESH) == {"status": "Progressing", "jobName": "j", "runs": 1, "startTime": NOW}

    def test_that_runs_well_costs_no_further_write(self) -> None:
        assert step(RUNNING, JOB, a_pod("j-1").running()) == Nothing()

    def test_that_was_deleted_is_made_again_as_another_run_and_counts_as_an_attempt(self) -> None:
        assert step(RUNNING, None) == StartJob(run=2, failures=1)

    def test_of_the_second_run_is_adopted_with_the_lost_attempt_on_record(self) -> None:
        fields = written(RUNNING, job("j-2").owned_by(FRESH))
        assert (fields["jobName"], fields["runs"]) == ("j-2", 2)
        assert fields["startTime"] == "2026-01-01T00:00:30Z"
        assert [(a["number"], a["status"], a["reason"]) for a in fields["attempts"]] == [(1, "Failed", "JobDeleted")]

    def test_that_is_deleted_again_and_again_does_not_run_for_ever(self) -> None:
        current = RUNNING.view
        runs = 1
        while isinstance(made := tasks.next_step(current, None, [], NOW), StartJob):
            assert made == StartJob(run=runs + 1, failures=runs)
            runs += 1
            current = after(current, tasks.next_step(current, job(f"j-{runs}").view, [], NOW))
        assert runs == 3
        assert isinstance(made, WriteStatus)
        assert (made.verdict, made.fields["reason"]) == (State.FAILED, "JobDeleted")
        assert "j-3 was deleted" in made.fields["message"]

    def test_that_was_deleted_after_its_last_attempt_has_failed_is_not_made_again(self) -> None:
        failed = RUNNING.status("Progressing", attempts=[attempt(number) for number in (1, 2, 3)])
        assert written(failed, None)["status"] == "Failed"

    def test_of_the_second_run_has_fewer_attempts_left(self) -> None:
        tried = RUNNING.status("Progressing", attempts=[attempt(1)])
        assert step(tried, None) == StartJob(run=2, failures=2)


class TestTheVerdict:
    def test_is_a_pass_at_the_end_of_the_pod_before_the_job_says_so(self) -> None:
        fields = written(RUNNING, JOB, a_pod("j-1").ended(0, "all well\n"))
        assert (fields["status"], fields["endTime"], fields["message"]) == ("Succeeded", NOW, "")
        assert fields["attempts"][0]["lastLines"] == "all well"

    def test_is_a_failure_once_the_last_attempt_has_failed(self) -> None:
        pods = [a_pod(f"j-{n}", f"2026-01-01T00:00:4{n}Z").ended(1, f"try {n}") for n in (1, 2, 3)]
        fields = written(RUNNING, JOB, *reversed(pods))
        assert (fields["status"], fields["reason"]) == ("Failed", "BackoffLimitExceeded")
        assert fields["message"] == "Job has reached the specified backoff limit"
        assert [(a["number"], a["lastLines"]) for a in fields["attempts"]] == [(1, "try 1"), (2, "try 2"), (3, "try 3")]

    def test_waits_while_attempts_are_left(self) -> None:
        fields = written(RUNNING, JOB, a_pod("j-1").ended(3))
        assert "status" not in fields
        assert fields["attempts"][0]["exitCode"] == 3

    @pytest.mark.parametrize("condition", ["Complete", "SuccessCriteriaMet"])
    def test_is_a_pass_when_the_job_says_so(self, condition: str) -> None:
        assert written(RUNNING, JOB.says(condition))["status"] == "Succeeded"

    @pytest.mark.parametrize("condition", ["Failed", "FailureTarget"])
    def test_is_a_failure_in_the_jobs_own_words(self, condition: str) -> None:
        said = JOB.says(condition, "DeadlineExceeded", "Job was active longer than specified deadline")
        fields = written(RUNNING, said, a_pod("j-1").running())
        assert (fields["status"], fields["reason"]) == ("Failed", "DeadlineExceeded")
        assert fields["message"] == "Job was active longer than specified deadline"

    def test_of_a_task_whose_pod_never_ran_says_what_was_in_the_way(self) -> None:
        told = after(RUNNING.view, step(RUNNING, JOB, a_pod("j-1").waiting("ImagePullBackOff", "Back-off pulling x")))
        late = JOB.says("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
        result = tasks.next_step(told, late.view, [], NOW)
        assert isinstance(result, WriteStatus)
        assert result.fields["message"] == (
            "Job was active longer than specified deadline; its pod never ran: ImagePullBackOff: Back-off pulling x"
        )

    def test_does_not_come_of_a_condition_that_is_not_true(self) -> None:
        assert step(RUNNING, JOB.says("Failed", status="False"), a_pod("j-1").running()) == Nothing()

    def test_is_not_a_pass_for_a_pod_that_ends_well_while_it_is_being_stopped(self) -> None:
        stopped = a_pod("j-1").ended(0).deleting()
        assert step(RUNNING, JOB, stopped) == Nothing()
        fields = written(RUNNING, JOB.says("FailureTarget", "DeadlineExceeded"), stopped)
        assert fields["status"] == "Failed"

    def test_follows_the_job_where_a_pod_says_otherwise(self) -> None:
        fields = written(RUNNING, JOB.says("Failed", "DeadlineExceeded"), a_pod("j-1").ended(0))
        assert fields["status"] == "Failed"

    def test_does_not_blame_a_pod_that_is_being_deleted(self) -> None:
        assert step(RUNNING, JOB, a_pod("j-1").ended(1).deleting()) == Nothing()

    def test_counts_the_jobs_own_failures_where_pods_are_gone(self) -> None:
        assert written(RUNNING, JOB.failures(3))["status"] == "Failed"

    def test_of_a_second_run_does_not_count_the_first_twice(self) -> None:
        second = RUNNING.status("Progressing", runs=2, jobName="j", attempts=[attempt(1)])
        assert step(second, JOB.failures(2), a_pod("j-2").running()) == Nothing()

    def test_names_the_job_even_if_nothing_was_written_before_it(self) -> None:
        fields = written(FRESH, JOB, a_pod("j-1").ended(0))
        assert (fields["status"], fields["jobName"], fields["runs"]) == ("Succeeded", "j", 1)
        assert fields["startTime"] == NOW

    def test_is_out_after_one_failure_without_retries(self) -> None:
        assert written(RUNNING.spec(retries=0), JOB, a_pod("j-1").ended(1))["status"] == "Failed"

    def test_of_an_evicted_pod_has_its_reason(self) -> None:
        (seen,) = written(RUNNING, JOB, a_pod("j-1").evicted())["attempts"]
        assert (seen["reason"], seen["message"]) == ("Evicted", "node low on memory")


class TestADisruption:
    """F39: a pod that the cluster ends is the cluster's failure, and the Job that ignores it makes another."""

    @pytest.mark.parametrize("deleting", [True, False], ids=["drained", "node out of memory"])
    def test_is_listed_with_its_reason_and_counts_for_nothing(self, deleting: bool) -> None:
        ended = a_pod("j-1").ended(137).disrupted()
        fields = written(RUNNING.spec(retries=0), JOB, ended.deleting() if deleting else ended)
        assert "status" not in fields
        (seen,) = fields["attempts"]
        assert (seen["disrupted"], seen["reason"], seen["exitCode"]) == (True, "EvictionByEvictionAPI", 137)
        assert seen["message"] == "Eviction API: evicting"

    def test_has_the_number_of_the_attempt_that_follows(self) -> None:
        pods = [
            a_pod("j-1", "2026-01-01T00:00:41Z").ended(1),
            a_pod("j-2", "2026-01-01T00:00:42Z").ended(137).disrupted(),
            a_pod("j-3", "2026-01-01T00:00:43Z").ended(137).disrupted().deleting(),
            a_pod("j-4", "2026-01-01T00:00:44Z").ended(1),
        ]
        fields = written(RUNNING, JOB.failures(2), *pods)
        assert [(a["number"], a["disrupted"]) for a in fields["attempts"]] == [
            (1, False),
            (2, True),
            (2, True),
            (2, False),
        ]
        assert "status" not in fields
        third = a_pod("j-5", "2026-01-01T00:00:45Z").ended(1)
        assert written(RUNNING, JOB.failures(2), *pods, third)["reason"] == "BackoffLimitExceeded"

    def test_that_has_not_ended_the_pod_says_nothing(self) -> None:
        assert step(RUNNING, JOB, a_pod("j-1").running().disrupted().deleting()) == Nothing()

    def test_does_not_pass_for_the_check_if_the_pod_ends_well_while_it_is_stopped(self) -> None:
        assert step(RUNNING, JOB, a_pod("j-1").ended(0).disrupted().deleting()) == Nothing()

    def test_that_is_not_true_is_a_failure_as_for_the_job(self) -> None:
        over = a_pod("j-1").ended(1).disrupted()
        over = over.changed({"status": {"conditions": [{"type": "DisruptionTarget", "status": "False"}]}})
        assert written(RUNNING.spec(retries=0), JOB, over)["status"] == "Failed"

    def test_again_and_again_does_not_use_the_retries_up(self) -> None:
        current = RUNNING.spec(retries=1).view
        pods: list[Pod] = []
        for number in range(1, 40):
            pods.append(a_pod(f"j-{99 - number}", f"2026-01-01T00:{number:02}:00Z").ended(137).disrupted().view)
            current = after(current, tasks.next_step(current, JOB.view, pods, NOW))
            assert tasks.next_step(current, JOB.view, pods, NOW) == Nothing()
        assert current.status.status == "Progressing"
        assert attempts.failures(current.status.attempts) == 0
        assert len(current.status.attempts) == attempts.KEPT
        assert tasks.next_step(current, None, [], NOW) == StartJob(run=2, failures=1)

    def test_counts_if_the_job_says_so_since_an_older_one_ignores_nothing(self) -> None:
        tried = RUNNING.status("Progressing", attempts=[attempt(1) | {"disrupted": True}])
        assert written(tried, JOB.failures(3))["status"] == "Failed"

    def test_that_ends_after_the_verdict_keeps_its_own_reason(self) -> None:
        late = RUNNING.status("Failed", reason="DeadlineExceeded")
        result = tasks.afterword(late.view, [a_pod("j-1").ended(137).disrupted().deleting().view])
        assert isinstance(result, WriteStatus)
        (seen,) = result.fields["attempts"]
        assert (seen["disrupted"], seen["reason"]) == (True, "EvictionByEvictionAPI")

    def test_has_no_last_words_and_is_not_what_is_judged(self) -> None:
        said = RUNNING.status("Failed", attempts=[attempt(1, "a"), attempt(2, "b") | {"disrupted": True}])
        assert attempts.last_words(said.view) == "a"
        judged = attempts.judged(said.view.status.attempts)
        assert judged is not None
        assert judged.number == 1


class TestTrouble:
    def test_of_a_pod_is_told_in_the_status(self) -> None:
        stuck = a_pod("j-1").waiting("CreateContainerConfigError", 'secret "s" not found')
        fields = written(RUNNING, JOB, stuck)
        assert list(fields) == ["reason", "message"]
        assert fields["reason"] == "CreateContainerConfigError"
        assert fields["message"].startswith('secret "s" not found; ')

    def test_that_is_over_is_taken_back(self) -> None:
        told = RUNNING.status("Progressing", reason="CreateContainerConfigError", message="m")
        assert written(told, JOB, a_pod("j-1").running()) == {"reason": "", "message": ""}

    @pytest.mark.parametrize("pods", [[a_pod("j-1").waiting("ErrImagePull").deleting()], []], ids=["going", "gone"])
    def test_of_a_pod_that_its_job_has_stopped_is_not_taken_back_before_the_job_says_why(
        self, pods: list[PodBuilder]
    ) -> None:
        told = RUNNING.status("Progressing", reason="ErrImagePull", message="m")
        assert step(told, JOB, *pods) == Nothing()
        assert "its pod never ran" in written(told, JOB.says("FailureTarget", "DeadlineExceeded"), *pods)["message"]

    def test_is_not_what_a_starting_pod_does(self) -> None:
        assert step(RUNNING, JOB, a_pod("j-1").waiting("ContainerCreating")) == Nothing()

    def test_to_find_a_node_is_told(self) -> None:
        stuck = a_pod("j-1").unschedulable("0/1 nodes are available")
        assert written(RUNNING, JOB, stuck)["reason"] == "Unschedulable"

    def test_does_not_flicker_between_the_two_words_for_a_missing_image(self) -> None:
        told = RUNNING.status("Progressing", reason="ErrImagePull", message="not found")
        assert step(told, JOB, a_pod("j-1").waiting("ImagePullBackOff", "Back-off pulling")) == Nothing()

    def test_to_make_a_pod_is_the_job_controllers_complaint(self) -> None:
        fields = written(RUNNING, JOB, complaint="exceeded quota: compute")
        assert fields == {"reason": "FailedCreate", "message": "exceeded quota: compute"}

    def test_to_make_a_pod_reads_the_same_for_each_pod_that_was_refused(self) -> None:
        said = 'Error creating: pods "pre-check-1-{}" is forbidden: exceeded quota: compute'
        told = after(RUNNING.view, step(RUNNING, JOB, complaint=said.format("x7k2p")))
        assert told.status.message == "Error creating: pod is forbidden: exceeded quota: compute"
        assert tasks.next_step(told, JOB.view, [], NOW, said.format("b9q4z")) == Nothing()


class TestBetweenTwoAttempts:
    """Kubernetes waits 10 s and more, and says so nowhere."""

    FAILED = a_pod("j-1").ended(1)  # at 00:00:00

    def test_the_status_says_when_the_next_one_is_due_with_what_it_says_of_the_last(self) -> None:
        fields = written(RUNNING, JOB, self.FAILED)
        assert list(fields) == ["reason", "message", "attempts"]
        assert fields["reason"] == "BackOff"
        assert fields["message"].endswith("at about 2026-01-01T00:00:10Z")

    def test_nothing_more_is_written(self) -> None:
        told = after(RUNNING.view, step(RUNNING, JOB, self.FAILED))
        assert tasks.next_step(told, JOB.view, [self.FAILED.view], NOW) == Nothing()
        assert tasks.next_step(told, JOB.view, [], NOW) == Nothing()

    def test_it_is_taken_back_when_the_next_one_is_there(self) -> None:
        told = after(RUNNING.view, step(RUNNING, JOB, self.FAILED))
        begun = tasks.next_step(told, JOB.view, [self.FAILED.view, a_pod("j-2").running().view], NOW)
        assert begun == WriteStatus({"reason": "", "message": ""})

    def test_a_refusal_to_make_the_next_one_is_said_instead(self) -> None:
        tried = RUNNING.status("Progressing", attempts=[attempt(1)])
        assert written(tried, JOB, complaint="exceeded quota")["reason"] == "FailedCreate"

    def test_other_code_is_told_once(self) -> None:
        pods = [
            a_pod("j-1", "2026-01-01T00:00:41Z").ended(1).ran("sha256:0123456789abcdef").view,
            a_pod("j-2", "2026-01-01T00:00:42Z").ended(1).ran("sha256:fedcba9876543210").view,
        ]
        first = tasks.next_step(RUNNING.view, JOB.view, pods[:1], NOW)
        second = tasks.next_step(after(RUNNING.view, first), JOB.view, pods, NOW)
        assert isinstance(first, WriteStatus)
        assert isinstance(second, WriteStatus)
        assert (first.edit, second.edit.startswith("attempt 2 ran other code")) == ("", True)
        late = tasks.next_step(after(RUNNING.view, first), JOB.says("Failed").view, pods, NOW)
        assert isinstance(late, WriteStatus)
        assert late.edit == second.edit


class TestATaskThatNobodyWaitsFor:
    def said(self, of: TaskBuilder, *pods: PodBuilder, newer: str = "web-web-2") -> WriteStatus:
        views = [each.view for each in pods]
        return tasks.superseded(of.view, JOB.view, views, "KeptnWorkloadVersion web-web-1", newer, NOW)

    def test_fails_with_the_name_of_the_version_that_took_over(self) -> None:
        step = self.said(RUNNING, a_pod("j-1").running())
        assert step.verdict is State.FAILED
        assert (step.fields["status"], step.fields["reason"], step.fields["endTime"]) == ("Failed", "Superseded", NOW)
        assert step.fields["message"].startswith("KeptnWorkloadVersion web-web-1 was superseded by web-web-2; ")

    def test_does_not_make_a_name_up(self) -> None:
        assert "superseded by a newer version;" in self.said(RUNNING, newer="").fields["message"]

    def test_names_its_job_and_what_has_ended_of_it(self) -> None:
        fields = self.said(FRESH, a_pod("j-1").ended(1, "no")).fields
        assert (fields["jobName"], fields["runs"]) == ("j", 1)
        assert [each["lastLines"] for each in fields["attempts"]] == ["no"]

    def test_takes_no_step_any_more(self) -> None:
        told = after(RUNNING.view, self.said(RUNNING))
        assert tasks.next_step(told, None, [], NOW) == Nothing()


class TestTheConditions:
    def conditions(self, of: Task, fields: dict[str, Any]) -> dict[str, tuple[str, str]]:
        result = tasks.with_conditions(of, fields, NOW)
        return {each["type"]: (each["status"], each["reason"]) for each in result["conditions"]}

    def test_follow_the_verdict_in_the_same_write(self) -> None:
        fields = written(RUNNING, JOB, a_pod("j-1").ended(0))
        assert self.conditions(RUNNING.view, fields) == {
            "Ready": ("True", "Succeeded"),
            "Progressing": ("False", "Succeeded"),
        }

    def test_have_the_tasks_own_reason(self) -> None:
        fields = written(RUNNING.spec(retries=0), JOB, a_pod("j-1").ended(1))
        assert self.conditions(RUNNING.view, fields)["Stalled"] == ("True", "BackoffLimitExceeded")
        stuck = RUNNING.status("Progressing", reason="ImagePullBackOff", message="m")
        assert self.conditions(stuck.view, {"runs": 1})["Progressing"] == ("True", "ImagePullBackOff")

    def test_are_not_written_for_their_own_sake(self) -> None:
        assert tasks.with_conditions(RUNNING.view, {}, NOW) == {}

    def test_of_a_task_that_is_being_deleted_are_left_alone(self) -> None:
        fields = tasks.with_conditions(RUNNING.view, {"runs": 1}, NOW)
        edited = RUNNING.status("Progressing", **fields).changed({"metadata": {"generation": 2}})
        assert tasks.with_conditions(edited.view, {}, NOW)["observedGeneration"] == 2
        assert tasks.with_conditions(edited.deleting().view, {}, NOW) == {}


class TestTheAfterword:
    """A pod that is stopped at the deadline ends after the verdict, and what it printed is still of interest."""

    LATE = RUNNING.status(
        "Failed", reason="DeadlineExceeded", attempts=[{"number": 1, "podName": "j-1", "status": "Failed"}]
    )

    def test_adds_the_attempt_and_nothing_else(self) -> None:
        stopped = a_pod("j-2").ended(143, "still waiting").deleting()
        result = tasks.afterword(self.LATE.view, [a_pod("j-1").ended(1).view, stopped.view])
        assert isinstance(result, WriteStatus)
        assert list(result.fields) == ["attempts"]
        last = result.fields["attempts"][-1]
        assert (last["number"], last["podName"], last["reason"]) == (2, "j-2", "DeadlineExceeded")
        assert last["lastLines"] == "still waiting"
        assert tasks.afterword(after(self.LATE.view, result), [stopped.view]) == Nothing()

    def test_is_a_failed_attempt_even_if_the_pod_ended_well(self) -> None:
        result = tasks.afterword(self.LATE.view, [a_pod("j-2").ended(0).deleting().view])
        assert isinstance(result, WriteStatus)
        assert result.fields["attempts"][-1]["status"] == "Failed"

    @pytest.mark.parametrize("state", ["Succeeded", "Progressing", "Pending"])
    def test_is_only_for_a_failure(self, state: str) -> None:
        assert tasks.afterword(RUNNING.status(state).view, [a_pod("j-2").ended(1).deleting().view]) == Nothing()

    def test_waits_for_the_pods_end(self) -> None:
        assert tasks.afterword(self.LATE.view, [a_pod("j-2").running().deleting().view]) == Nothing()

    def test_does_not_bring_back_attempts_that_are_not_kept_when_their_job_goes(self) -> None:
        pods = [a_pod(f"old-{n}", f"2026-01-01T00:{n:02}:00Z").ended(1).deleting().view for n in range(1, 31)]
        kept = RUNNING.status("Failed", attempts=[attempt(n) for n in range(6, 31)])
        assert tasks.afterword(kept.view, pods) == Nothing()


class TestWaiting:
    def test_says_why_once(self) -> None:
        first = tasks.waiting(FRESH.view, "TaskDefinitionNotFound", "create it")
        assert first == WriteStatus({"reason": "TaskDefinitionNotFound", "message": "create it"})
        assert tasks.waiting(after(FRESH.view, first), "TaskDefinitionNotFound", "create it") == Nothing()

    def test_never_touches_a_verdict(self) -> None:
        assert tasks.waiting(FRESH.status("Succeeded").view, "R", "m") == Nothing()

    def test_is_forgotten_once_the_job_runs(self) -> None:
        waiting = FRESH.status("Pending", reason="TaskDefinitionNotFound", message="create it")
        fields = written(waiting)
        assert (fields["reason"], fields["message"], fields["status"]) == ("", "", "Progressing")


def test_a_job_that_is_refused_for_good_is_a_failure() -> None:
    refused = tasks.refused(FRESH.view, "JobInvalid", "spec.template: bad", NOW)
    assert (refused.verdict, refused.fields["reason"]) == (State.FAILED, "JobInvalid")


def attempt(number: int, lines: str = "") -> dict[str, Any]:
    return {"number": number, "podName": f"old-{number}", "status": "Failed", "lastLines": lines}


# Any history of a Job and its pods, told in any order and number of pieces


jobs_seen = st.sampled_from(
    [
        None,
        JOB,
        job("j-2").owned_by(FRESH),
        JOB.failures(1),
        JOB.says("Complete"),
        JOB.says("Failed", "DeadlineExceeded", "late"),
    ]
)
pods_seen = st.lists(
    st.builds(
        lambda number, end: end(a_pod(f"j-{number}", f"2026-01-01T00:00:4{number}Z")),
        st.integers(0, 5),
        st.sampled_from(
            [
                lambda p: p,
                lambda p: p.running(),
                lambda p: p.ended(1),
                lambda p: p.ended(0).deleting(),
                lambda p: p.ended(137).disrupted().deleting(),
            ]
        ),
    ),
    max_size=4,
    unique_by=lambda builder: builder.name,
)


@given(st.lists(st.tuples(jobs_seen, pods_seen), max_size=8), st.integers(0, 3))
def test_whatever_is_seen_each_step_is_taken_once_and_a_verdict_stands(
    seen: list[tuple[JobBuilder | None, list[PodBuilder]]], retries: int
) -> None:
    current = FRESH.spec(retries=retries).view
    for job_seen, pods in seen:
        known: Job | None = job_seen.view if job_seen else None
        views = [p.view for p in pods]
        before = current
        result = tasks.next_step(current, known, views, NOW)
        current = after(current, result)
        again = tasks.next_step(current, known, views, NOW)
        assert again == (result if isinstance(result, StartJob) else Nothing())
        if before.status.status in ("Succeeded", "Failed"):
            assert result == Nothing()
        if isinstance(result, StartJob):
            assert result.failures <= retries
        if isinstance(result, WriteStatus) and result.verdict is State.SUCCEEDED:
            assert known is not None
            assert any(c.type == "Complete" for c in known.status.conditions)
        numbers = [a.number for a in current.status.attempts if not a.disrupted]
        assert numbers == list(range(1, len(numbers) + 1))
        everything = [a.number for a in current.status.attempts]
        assert everything == sorted(everything)
