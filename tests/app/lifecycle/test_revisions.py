import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.meta import OwnerReference
from app.lifecycle import revisions
from app.lifecycle.identity import Identity
from app.lifecycle.revisions import KEPT_REVISIONS, New, Wanted, choose, content_digest, revision_key, template_digest
from tests.builders import START, VersionBuilder, app, app_version, pod, version

BASE = "web-web-1.0"
WANTED = Wanted(base_name=BASE, content="c1", revision="rs-1")
FIRST = version(BASE).content("c1").covers("rs-1")


def warned(made: VersionBuilder) -> VersionBuilder:
    """Failed, and let go all the same."""
    return made.passed().status(preDeploymentStatus="Warning")


WARNED = warned(FIRST)


def chosen(wanted: Wanted, *versions: VersionBuilder) -> str:
    """The name of the version that counts, with `new` before it if it is to be made."""
    choice = choose([v.view for v in versions], wanted)
    return f"new {choice.name}" if isinstance(choice, New) else choice.metadata.name


class TestChoose:
    def test_the_first_version_has_the_plain_name(self) -> None:
        assert chosen(WANTED) == f"new {BASE}"

    def test_a_check_that_runs_is_waited_for(self) -> None:
        assert chosen(WANTED, FIRST) == BASE

    def test_a_check_that_runs_is_joined_by_a_new_replica_set_of_the_same_content(self) -> None:
        assert chosen(replace(WANTED, revision="rs-2"), FIRST) == BASE

    def test_a_pass_counts_for_every_revision_of_that_content(self) -> None:
        assert chosen(replace(WANTED, revision="rs-9", retry="now"), FIRST.passed()) == BASE

    def test_a_pass_counts_more_than_a_later_failure(self) -> None:
        later = version("later").content("c1").covers("rs-2").failed().created("2026-02-01T00:00:00Z")
        assert chosen(replace(WANTED, revision="rs-2"), FIRST.passed(), later) == BASE

    def test_other_content_under_the_same_version_is_checked(self) -> None:
        name = chosen(replace(WANTED, content="c2"), FIRST.passed())
        assert name.startswith(f"new {BASE}-")

    def test_a_version_that_keptn_made_says_nothing_of_its_content(self) -> None:
        assert chosen(WANTED, version(BASE).passed()).startswith(f"new {BASE}-")

    def test_a_failure_stands_for_the_revision_that_it_has_seen(self) -> None:
        assert chosen(WANTED, FIRST.failed()) == BASE

    def test_a_restart_after_a_failure_is_another_try(self) -> None:
        name = chosen(replace(WANTED, revision="rs-2"), FIRST.failed())
        assert name.startswith(f"new {BASE}-")

    def test_a_retry_after_a_failure_is_another_try(self) -> None:
        name = chosen(replace(WANTED, retry="1"), FIRST.failed())
        assert name.startswith(f"new {BASE}-")

    def test_a_retry_value_buys_one_try(self) -> None:
        wanted = replace(WANTED, retry="1")
        second = version(chosen(wanted, FIRST.failed()).removeprefix("new ")).content("c1", "1").covers("rs-1")
        assert chosen(wanted, FIRST.failed(), second) == second.name
        assert chosen(wanted, FIRST.failed(), second.failed()) in (BASE, second.name)

    def test_taking_the_retry_away_again_changes_nothing(self) -> None:
        second = version("second").content("c1", "1").covers("rs-1").failed()
        assert not chosen(WANTED, FIRST.failed(), second).startswith("new")

    def test_a_retry_that_was_there_from_the_start_buys_nothing(self) -> None:
        first = version(BASE).content("c1", "old").covers("rs-1").failed()
        assert chosen(replace(WANTED, retry="old"), first) == BASE

    def test_another_try_that_has_failed_is_never_made_again_even_if_its_status_was_lost(self) -> None:
        wanted = replace(WANTED, revision="rs-2")
        second = version(chosen(wanted, FIRST.failed()).removeprefix("new ")).content("c1").failed()
        assert chosen(wanted, FIRST.failed(), second) == second.name

    def test_two_revisions_that_ask_for_another_try_at_once_make_one(self) -> None:
        first = FIRST.covers("rs-1", "rs-2").failed()
        once = chosen(replace(WANTED, retry="1"), first)
        assert once.startswith("new ")
        assert chosen(replace(WANTED, revision="rs-2", retry="1"), first) == once

    def test_a_failure_that_only_warned_stands_for_the_revision_that_it_has_seen(self) -> None:
        assert chosen(WANTED, WARNED) == BASE

    def test_content_that_was_let_go_once_is_checked_again_when_it_is_rolled_out_again(self) -> None:
        """By then its checks may be enforced."""
        for wanted in (replace(WANTED, revision="rs-2"), replace(WANTED, retry="1")):
            assert chosen(wanted, WARNED).startswith(f"new {BASE}-")

    def test_a_pass_counts_more_than_what_was_let_go(self) -> None:
        later = version("later").content("c1").covers("rs-2").passed().created("2026-02-01T00:00:00Z")
        assert chosen(WANTED, WARNED, later) == "later"

    def test_of_two_that_run_the_newer_is_waited_for(self) -> None:
        newer = version("newer").content("c1").created("2026-02-01T00:00:00Z")
        assert chosen(WANTED, newer, FIRST) == "newer"

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["c1", "c2"]),
                st.sampled_from(["rs-1", "rs-2"]),
                st.sampled_from(["", "1", "2"]),
                st.sampled_from(["runs", "passed", "failed", "warned"]),
            ),
            max_size=12,
        )
    )
    def test_a_history_of_tries_never_takes_a_name_twice_and_settles(
        self, history: list[tuple[str, str, str, str]]
    ) -> None:
        versions: list[VersionBuilder] = []
        for content, revision, retry, end in history:
            wanted = Wanted(BASE, content, revision, retry)
            choice = choose([v.view for v in versions], wanted)
            if not isinstance(choice, New):
                continue
            assert choice.name not in {v.name for v in versions}
            made = version(choice.name).content(content, retry).covers(revision)
            versions.append(
                {"runs": made, "passed": made.passed(), "failed": made.failed(), "warned": warned(made)}[end]
            )
            settled = choose([v.view for v in versions], wanted)
            assert not isinstance(settled, New)
            assert settled.metadata.annotations["keptn.sh/content"] == content

    def test_the_order_in_which_versions_are_known_does_not_matter(self) -> None:
        versions = [FIRST.failed(), version("b").content("c1").covers("rs-1").failed(), version("c").content("c2")]
        assert chosen(WANTED, *versions) == chosen(WANTED, *reversed(versions))


TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"keptn.sh/version": "1"}},
    "spec": {"containers": [{"name": "main", "image": "web:1"}]},
}


def changed(**metadata: dict[str, str]) -> dict[str, Any]:
    template = copy.deepcopy(TEMPLATE)
    for field, values in metadata.items():
        template["metadata"][field] |= values
    return template


class TestTemplateDigest:
    @pytest.mark.parametrize(
        "same",
        [
            changed(labels={"pod-template-hash": "5d8"}),
            changed(labels={"controller-revision-hash": "web-7"}),
            changed(annotations={"kubectl.kubernetes.io/restartedAt": "now"}),
            changed(annotations={"keptn.sh/retry": "1"}),
            {"$patch": "replace", **TEMPLATE},
            {"spec": TEMPLATE["spec"], "metadata": TEMPLATE["metadata"] | {"creationTimestamp": None}},
        ],
    )
    def test_is_the_same_for_what_controllers_add(self, same: dict[str, Any]) -> None:
        assert template_digest(same) == template_digest(TEMPLATE)

    @pytest.mark.parametrize(
        "other",
        [
            changed(labels={"app": "shop"}),
            changed(annotations={"config/checksum": "1"}),
            {**TEMPLATE, "spec": {"containers": [{"name": "main", "image": "web:2"}]}},
            {**TEMPLATE, "spec": {**TEMPLATE["spec"], "serviceAccountName": "other"}},
        ],
    )
    def test_is_another_for_anything_else(self, other: dict[str, Any]) -> None:
        assert template_digest(other) != template_digest(TEMPLATE)

    def test_of_a_template_without_metadata_can_be_told(self) -> None:
        assert template_digest({"spec": {}}) == template_digest({"metadata": None, "spec": {}})


IDENTITY = Identity("web", "web", True, "1", ("a",), (), (), (), {})


@pytest.mark.parametrize(
    "other",
    [
        replace(IDENTITY, version="2"),
        replace(IDENTITY, pre_deployment_tasks=("a", "b")),
        replace(IDENTITY, pre_deployment_evaluations=("e",)),
    ],
)
def test_the_same_template_with_other_checks_or_version_is_other_content(other: Identity) -> None:
    assert content_digest("t", other) != content_digest("t", IDENTITY)


def test_what_comes_after_the_deployment_does_not_change_the_content() -> None:
    later = replace(IDENTITY, post_deployment_tasks=("p",), metadata={"a": "b"})
    assert content_digest("t", later) == content_digest("t", IDENTITY)


def owner(kind: str) -> OwnerReference:
    return OwnerReference(api_version="apps/v1", kind=kind, name="web", uid="u")


class TestRevisionKey:
    def test_of_a_deployments_replica_set_is_its_uid(self) -> None:
        assert revision_key(pod("p").view, owner("ReplicaSet"), managed_replica_set=True, template="t") == "u"

    def test_of_a_replica_set_of_nobody_has_its_template(self) -> None:
        assert revision_key(pod("p").view, owner("ReplicaSet"), managed_replica_set=False, template="t") == "u/t"

    @pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
    def test_of_a_set_has_the_controllers_own_hash(self, kind: str) -> None:
        hashed = pod("p").revision("web-7d").view
        assert revision_key(hashed, owner(kind), managed_replica_set=False, template="t") == "u/web-7d"


class TestCovering:
    def test_adds_a_revision_once(self) -> None:
        status = FIRST.passed().view.status
        assert revisions.covering(status, "rs-2") == ["rs-1", "rs-2"]
        assert revisions.covering(status, "rs-1") is None

    def test_lets_the_oldest_go(self) -> None:
        full = FIRST.covers(*(f"rs-{n}" for n in range(KEPT_REVISIONS))).view.status
        listed = revisions.covering(full, "new")
        assert listed is not None
        assert (len(listed), listed[0], listed[-1]) == (KEPT_REVISIONS, "rs-1", "new")


@pytest.mark.parametrize(
    ("tasks", "evaluations", "passed", "failed"),
    [
        ("Succeeded", "Succeeded", True, False),
        ("Warning", "Succeeded", True, False),
        ("Succeeded", "Pending", False, False),
        ("Pending", "Succeeded", False, False),
        ("Failed", "Deprecated", False, True),
        ("Succeeded", "Failed", False, True),
        ("Deprecated", "Deprecated", False, False),
        ("Progressing", "Pending", False, False),
    ],
)
def test_a_pass_is_recorded_only_when_tasks_and_evaluations_have_passed(
    tasks: str, evaluations: str, passed: bool, failed: bool
) -> None:
    checks = version("v").status(preDeploymentStatus=tasks, preDeploymentEvaluationStatus=evaluations)
    status = checks.view.status
    assert (revisions.checks_passed(status), revisions.has_failed(status)) == (passed, failed)
    assert not revisions.has_passed(status)  # its app has a word to say as well
    begun = checks.status(deploymentStartTime=START).view.status
    assert revisions.has_passed(begun) == passed


@pytest.mark.parametrize(
    ("deployment", "passed"),
    [
        ("Pending", False),
        ("Deprecated", False),
        ("Unknown", False),
        ("Progressing", True),
        ("Succeeded", True),
        ("Warning", True),
        ("Failed", True),
    ],
)
def test_a_deployment_that_has_begun_is_the_record_of_the_apps_pass(deployment: str, passed: bool) -> None:
    assert revisions.has_passed(version("v").checked().status(deploymentStatus=deployment).view.status) == passed


def test_superseded_is_what_has_ended_and_has_not_failed() -> None:
    assert revisions.was_superseded(version("v").superseded().view.status)
    assert not revisions.was_superseded(version("v").failed().view.status)
    assert not revisions.was_superseded(version("v").passed().view.status)
    assert not revisions.was_superseded(
        version("v").passed().status(status="Failed", deploymentStatus="Failed").view.status
    )
    late = version("v").passed().status(status="Failed", postDeploymentStatus="Failed")
    assert not revisions.was_superseded(late.view.status)
    old = app_version(app("shop"))
    assert revisions.was_superseded(old.status(status="Deprecated").view.status)
    assert not revisions.was_superseded(old.failed().view.status)


def test_what_was_superseded_is_checked_again() -> None:
    over = version("web-web-1.0").content("c").covers("rs-1").superseded().view
    choice = revisions.choose([over], revisions.Wanted("web-web-1.0", "c", "rs-1"))
    assert isinstance(choice, New)
    assert choice.name != over.metadata.name


def test_the_newest_other_that_has_begun_takes_over() -> None:
    first = version("v-1").created("2026-01-01T00:00:00Z").status(currentPhase="Completed").view
    second = version("v-2").created("2026-01-01T00:00:01Z").status(currentPhase="WorkloadPreDeployTasks").view
    silent = version("v-3").created("2026-01-01T00:00:02Z").view
    assert revisions.successor(first, [first, second, silent]) == second
    assert revisions.successor(silent, [first, second, silent]) == second
    assert revisions.successor(second, [first, second, silent]) == first  # by a rollback
    assert revisions.successor(second, [second, silent]) is None


@pytest.mark.parametrize(
    ("state", "let_go"),
    [
        ({"preDeploymentStatus": "Progressing"}, False),
        ({"preDeploymentStatus": "Failed"}, False),
        ({"preDeploymentStatus": "Warning"}, True),
        ({"preDeploymentStatus": "Succeeded", "preDeploymentEvaluationStatus": "Warning"}, True),
        ({"preDeploymentStatus": "Succeeded", "postDeploymentStatus": "Warning"}, False),
    ],
)
def test_what_was_let_go_stands_in_the_status(state: dict[str, str], let_go: bool) -> None:
    assert revisions.was_let_go(version("v").status(**state).view.status) is let_go


class TestAFailureAfterTheDeployment:
    LATE = (
        version("web-web-1.0")
        .content("c")
        .covers("rs-1")
        .passed()
        .status(status="Failed", postDeploymentStatus="Failed")
    )

    def test_lets_its_content_go_again(self) -> None:
        assert choose([self.LATE.view], Wanted("web-web-1.0", "c", "rs-2")) == self.LATE.view

    def test_is_tried_again_when_somebody_asks_for_it(self) -> None:
        wanted = Wanted("web-web-1.0", "c", "rs-2", retry="1")
        assert isinstance(choose([self.LATE.view], wanted), New)
        again = version("web-web-1.0-x").content("c", retry="1").covers("rs-2").passed().view
        assert choose([self.LATE.view, again], wanted) == again

    def test_that_was_tried_again_counts_as_any_other(self) -> None:
        late = self.LATE.marked("keptn.sh/retry", "1").view
        assert choose([late], Wanted("web-web-1.0", "c", "rs-2", retry="1")) == late

    def test_that_was_none_but_a_newer_version_is_no_reason(self) -> None:
        over = version("web-web-1.0").content("c").covers("rs-1").passed().superseded().view
        assert choose([over], Wanted("web-web-1.0", "c", "rs-2", retry="1")) == over


@pytest.mark.parametrize(("checks", "superseded"), [("Deprecated", True), ("Succeeded", False)])
def test_a_failed_workload_fails_its_app_only_once_its_turn_has_come(checks: str, superseded: bool) -> None:
    states = {"preDeploymentStatus": checks, "preDeploymentEvaluationStatus": checks}
    over = app_version(app("shop")).status(status="Failed", workloadOverallStatus="Failed", **states)
    assert revisions.was_superseded(over.view.status) is superseded


@pytest.mark.parametrize(
    ("ended", "content", "left"),
    [
        ("09", "c", 1.0),
        ("10", "c", 2.0),
        ("11", "c", 2.0),
        ("08", "c", 0.0),
        ("09", "d", 0.0),
    ],
)
def test_what_was_superseded_just_now_is_not_checked_again_at_once(ended: str, content: str, left: float) -> None:
    over = version("v").content(content).superseded().status(endTime=f"2026-01-01T10:00:{ended}Z").view
    failed = version("w").content("c").failed().status(endTime="2026-01-01T10:00:10Z").view
    wanted = revisions.Wanted("v", "c", "rs-1")
    assert revisions.too_soon([over, failed], wanted, datetime(2026, 1, 1, 10, 0, 10, tzinfo=UTC)) == left
