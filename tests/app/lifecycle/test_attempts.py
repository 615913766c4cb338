from typing import Any

import pytest

from app.api.core import Pod
from app.api.task import Attempt, Task, TaskStatus
from app.lifecycle import attempts, tasks
from app.lifecycle.tasks import Nothing, WriteStatus
from tests.builders import PodBuilder, job, pod, task

NOW = "2026-01-01T00:01:00Z"
FRESH = task("pre-check-1").spec(retries=40)
RUNNING = FRESH.status("Progressing", jobName="j", runs=1, startTime="2026-01-01T00:00:30Z")
JOB = job("j").owned_by(FRESH)
OLD, NEW = "sha256:0123456789abcdef", "sha256:fedcba9876543210"


def a_pod(name: str, created: str = "2026-01-01T00:00:40Z") -> PodBuilder:
    return pod(name).owned_by(JOB).of_task().created(created)


def recorded(*pods: PodBuilder, known: tuple[Attempt, ...] = ()) -> tuple[Attempt, ...]:
    return attempts.record(known, [each.view for each in pods])


def seen(of: Task, pods: list[Pod]) -> Task:
    """The task once it has taken note of these pods, as a merge patch leaves it."""
    step = tasks.next_step(of, JOB.view, pods, NOW)
    assert isinstance(step, WriteStatus)
    return of.model_copy(update={"status": TaskStatus.model_validate(of.status.dump() | step.fields)})


def attempt(number: int, lines: str = "", **more: Any) -> Attempt:
    return Attempt(number=number, pod_name=f"old-{number}", status="Failed", last_lines=lines, **more)


class TestTheRecord:
    def test_has_each_pod_once_however_often_it_is_seen(self) -> None:
        current = seen(RUNNING.view, [a_pod("j-1").ended(1).view])
        assert tasks.next_step(current, JOB.view, [a_pod("j-1").ended(1).view], NOW) == Nothing()

    def test_stays_readable_when_the_pods_are_gone(self) -> None:
        kept = recorded(a_pod("j-2").ended(1, "second try"), known=(attempt(1, "first try"),))
        assert [each.last_lines for each in kept] == ["first try", "second try"]

    def test_does_not_take_what_is_no_longer_kept_for_something_new(self) -> None:
        current = RUNNING.view
        pods: list[Pod] = []
        for number in range(1, 36):
            pods.append(a_pod(f"j-{99 - number}", f"2026-01-01T00:{number:02}:00Z").ended(1).view)
            current = seen(current, pods)
            assert current.status.attempts[-1].number == number
            assert tasks.next_step(current, JOB.view, pods, NOW) == Nothing()
        assert len(current.status.attempts) == attempts.KEPT
        assert current.status.status == "Progressing"

    def test_that_is_full_takes_the_attempts_of_a_second_run(self) -> None:
        full = tuple(attempt(number) for number in range(10, 10 + attempts.KEPT))
        assert recorded(a_pod("other-1").ended(1), known=full)[-1].number == 10 + attempts.KEPT

    def test_keeps_only_the_end_of_what_was_printed(self) -> None:
        (one,) = recorded(a_pod("j-1").ended(1, "x" * 5000 + "end"))
        assert len(one.last_lines) == 2048
        assert one.last_lines.endswith("end")

    def test_has_nothing_printed_by_a_container_that_never_ran(self) -> None:
        said = "The container could not be located when the pod was terminated"
        unknown = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": said}
        statuses = [{"name": "main", "state": {"terminated": unknown}}]
        (one,) = recorded(a_pod("j-1").changed({"status": {"phase": "Failed", "containerStatuses": statuses}}))
        assert (one.reason, one.exit_code, one.last_lines) == ("ContainerStatusUnknown", 137, "")

    def test_has_no_times_of_a_pod_that_never_started(self) -> None:
        (one,) = recorded(pod("j-1").phase("Failed"))
        assert (one.start_time, one.end_time, one.exit_code) == (None, None, None)


class TestTheCodeThatRan:
    def test_is_what_the_runner_says_before_the_last_lines(self) -> None:
        (one,) = recorded(a_pod("j-1").ended(1, "first\nlast\n").ran(OLD))
        assert (one.code_digest, one.last_lines) == (OLD, "first\nlast")

    @pytest.mark.parametrize("exit_code", [0, 1])
    def test_is_known_of_a_script_that_prints_nothing(self, exit_code: int) -> None:
        (one,) = recorded(a_pod("j-1").ended(exit_code).ran(OLD))
        assert (one.code_digest, one.last_lines) == (OLD, "")

    def test_is_not_known_where_the_runner_does_not_know_it_whatever_the_script_prints(self) -> None:
        (one,) = recorded(a_pod("j-1").ended(1, f"code {OLD}").ran("unknown"))
        assert (one.code_digest, one.last_lines) == ("", f"code {OLD}")

    @pytest.mark.parametrize("said", [f"code {OLD}\nend", "code unknown\nend", "code sha256:short"])
    def test_is_no_affair_of_a_container_of_the_users_own(self, said: str) -> None:
        (one,) = recorded(a_pod("j-1").ended(1, said))
        assert (one.code_digest, one.last_lines) == ("", said)

    def test_is_kept_apart_from_what_looks_like_it(self) -> None:
        (one,) = recorded(a_pod("j-1").ended(1, "end").ran("sha256:0123"))
        assert (one.code_digest, one.last_lines) == ("", "code sha256:0123\nend")

    def test_that_was_edited_between_two_attempts_is_told_of_the_second(self) -> None:
        first = recorded(a_pod("j-1").ended(1).ran(OLD))
        both = recorded(a_pod("j-2").ended(1).ran(NEW), known=first)
        words = f"attempt 2 ran other code ({NEW}) than attempt 1 ({OLD})"
        assert [each.message for each in both] == ["", words]
        assert attempts.edit(first, both) == words
        assert attempts.edit((), first) == ""
        assert attempts.edit(both, both) == ""

    def test_that_was_edited_is_told_of_each_attempt_that_is_new(self) -> None:
        three = recorded(*(a_pod(f"j-{n}").ended(1).ran(code) for n, code in ((1, OLD), (2, NEW), (3, OLD))))
        assert attempts.edit((), three) == "; ".join(each.message for each in three[1:])

    def test_is_compared_with_the_last_that_is_known(self) -> None:
        known = (attempt(1, code_digest=OLD), attempt(2))
        after = recorded(a_pod("j-3").ended(0).ran(NEW), known=known)
        assert after[-1].message == f"attempt 3 ran other code ({NEW}) than attempt 1 ({OLD})"
        assert recorded(a_pod("j-3").ended(0).ran(OLD), known=known)[-1].message == ""
        assert recorded(a_pod("j-3").ended(0), known=known)[-1].message == ""

    def test_that_was_edited_while_the_cluster_ended_an_attempt_has_both_words(self) -> None:
        known = (attempt(1, code_digest=OLD, disrupted=True),)
        (_, one) = recorded(a_pod("j-2").ended(137).ran(NEW).disrupted(), known=known)
        words = f"attempt 1, made again, ran other code ({NEW}) than attempt 1 ({OLD})"
        assert one.message == f"Eviction API: evicting; {words}"


def test_late_attempts_are_those_that_were_stopped_after_the_verdict() -> None:
    pods = [a_pod("j-1").ended(1), a_pod("j-2").ended(0).deleting(), a_pod("j-3").running().deleting()]
    (one,) = attempts.late((), [each.view for each in pods], "DeadlineExceeded")
    assert (one.pod_name, one.status, one.reason) == ("j-2", "Failed", "DeadlineExceeded")


def test_a_lost_job_is_an_attempt() -> None:
    one = attempts.lost(RUNNING.view)
    assert (one.number, one.pod_name, one.status, one.reason) == (1, "", "Failed", "JobDeleted")


def test_the_last_words_are_the_newest_attempts_that_said_any() -> None:
    said = [attempt(1, "a"), attempt(2, "b"), attempt(3)]
    assert attempts.last_words(RUNNING.status("Failed", attempts=[each.dump() for each in said]).view) == "b"
    assert attempts.last_words(FRESH.view) == ""


def test_what_the_cluster_ended_does_not_count() -> None:
    said = [attempt(1), attempt(2, disrupted=True)]
    assert attempts.failures(said) == 1
    assert attempts.judged(said) == said[0]
    assert attempts.judged(said[1:]) is None
