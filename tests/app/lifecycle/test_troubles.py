from typing import Any

import pytest

from app.api.task import Attempt
from app.lifecycle import troubles
from tests.builders import PodBuilder, job, pod, task

TASK = task("check-1").spec(retries=2, timeout="5m")
JOB = job("j").owned_by(TASK)  # made at 00:00:00
TIMEOUT = "the timeout of 5m runs on"


def a_pod(name: str = "j-1") -> PodBuilder:
    return pod(name).owned_by(JOB).of_task()


class TestAPodThatCannotStart:
    @pytest.mark.parametrize(
        ("reason", "advice"),
        [
            ("CreateContainerConfigError", "once that is there, the kubelet starts the pod by itself"),
            ("ErrImagePull", "the kubelet tries again by itself, and that is no failed attempt"),
            ("ImagePullBackOff", "the kubelet tries again by itself, and that is no failed attempt"),
            ("InvalidImageName", "mend the image's name in the definition; until then no pod of the task can run"),
        ],
    )
    def test_says_so_in_the_kubelets_words_and_what_will_come_of_it(self, reason: str, advice: str) -> None:
        said = troubles.trouble(TASK.view, [a_pod().waiting(reason, 'secret "s" not found').view])
        assert said == (reason, f'secret "s" not found; {advice}; {TIMEOUT}')

    def test_for_want_of_a_node_says_so(self) -> None:
        reason, message = troubles.trouble(TASK.view, [a_pod().unschedulable("0/1 nodes are available").view])
        assert (reason, message.partition(";")[0]) == ("Unschedulable", "0/1 nodes are available")

    @pytest.mark.parametrize(
        "fine",
        [
            a_pod().waiting("ContainerCreating"),
            a_pod().running(),
            a_pod().ended(1),
            a_pod().waiting("ErrImagePull").deleting(),
        ],
    )
    def test_is_not_one_that_starts_runs_or_has_ended(self, fine: PodBuilder) -> None:
        assert troubles.trouble(TASK.view, [fine.view]) == ("", "")

    @pytest.mark.parametrize(
        ("absent", "reason"),
        [({"script"}, "FailedMount"), ({"another"}, ""), (set(), "")],
        ids=["gone", "other", "none"],
    )
    def test_for_want_of_its_script_says_so_though_the_kubelet_does_not(self, absent: set[str], reason: str) -> None:
        volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "function-mount", "configMap": {"name": "script"}}]
        stuck = a_pod().waiting("ContainerCreating").changed({"spec": {"volumes": volumes}})
        said = troubles.trouble(TASK.view, [stuck.view], absent)
        assert said[0] == reason
        assert ("there is no ConfigMap script in namespace shop any more" in said[1]) == bool(reason)
        assert troubles.trouble(TASK.view, [stuck.running().view], absent) == ("", "")

    def test_is_why_a_task_that_its_timeout_ended_never_ran(self) -> None:
        reason, message = troubles.trouble(TASK.view, [a_pod().waiting("ImagePullBackOff", "Back-off pulling").view])
        told = TASK.status("Progressing", reason=reason, message=message).view
        assert troubles.never_ran(told) == "its pod never ran: ImagePullBackOff: Back-off pulling"

    @pytest.mark.parametrize("reason", ["", "BackOff", "FailedCreate"])
    def test_is_not_why_another_task_failed(self, reason: str) -> None:
        assert troubles.never_ran(TASK.status("Progressing", reason=reason, message="m").view) == ""


def attempt(number: int = 1, end: str | None = "2026-01-01T00:00:30Z", **more: Any) -> Attempt:
    return Attempt(number=number, pod_name=f"j-{number}", status="Failed", end_time=end, **more)


def backoff(*attempts: Attempt, pods: tuple[PodBuilder, ...] = ()) -> str:
    reason, message = troubles.backoff(TASK.view, JOB.view, [each.view for each in pods], attempts)
    assert reason == ("BackOff" if message else "")
    return message


class TestTheTimeBetweenTwoAttempts:
    def test_ends_ten_seconds_after_the_first_failure(self) -> None:
        assert backoff(attempt(exit_code=3), pods=(a_pod().ended(3),)) == (
            "attempt 1 of 3 failed with exit code 3; Kubernetes makes the next one at about 2026-01-01T00:00:40Z"
        )

    @pytest.mark.parametrize(("failures", "end"), [(2, "00:00:50"), (3, "00:01:10"), (4, "00:01:50")])
    def test_doubles_with_each_failure(self, failures: int, end: str) -> None:
        assert f"2026-01-01T{end}Z" in backoff(*(attempt(number) for number in range(1, failures + 1)))

    def test_is_ten_minutes_at_most(self) -> None:
        many = task("check-1").spec(retries=40, timeout="10h").view
        said = troubles.backoff(many, JOB.view, [], [attempt(number) for number in range(15, 40)])
        assert said[1].endswith("at about 2026-01-01T00:10:30Z")

    def test_is_there_after_what_the_cluster_ended_too(self) -> None:
        said = backoff(attempt(disrupted=True, reason="EvictionByEvictionAPI"))
        assert said.startswith("the cluster ended the pod of attempt 1 (EvictionByEvictionAPI), which does not count; ")
        assert said.endswith("at about 2026-01-01T00:00:40Z")

    def test_that_outlasts_the_timeout_is_said_to(self) -> None:
        said = backoff(attempt(end="2026-01-01T00:04:50Z"))
        assert said == (
            "attempt 1 of 3 failed; the next one would be at about 2026-01-01T00:05:00Z, but the timeout of 5m ends at "
            "2026-01-01T00:05:00Z"
        )

    def test_is_of_unknown_length_where_nobody_saw_the_end(self) -> None:
        assert backoff(attempt(end=None)) == "attempt 1 of 3 failed; Kubernetes waits a while before the next one"

    def test_begins_anew_with_another_job(self) -> None:
        lost = Attempt(number=2, pod_name="", status="Failed", reason="JobDeleted")
        assert backoff(attempt(), lost) == ""
        assert "00:00:40" in backoff(attempt(), lost, attempt(3))

    @pytest.mark.parametrize("going", [a_pod("j-2"), a_pod("j-2").running(), a_pod("j-2").running().deleting()])
    def test_is_over_when_there_is_a_pod(self, going: PodBuilder) -> None:
        assert backoff(attempt(), pods=(a_pod().ended(1), going)) == ""

    def test_is_not_there_before_the_first_attempt(self) -> None:
        assert backoff() == ""
