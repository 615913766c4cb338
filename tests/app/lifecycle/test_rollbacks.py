"""Which version is deployed once a workload has gone back."""

import pytest

from app.api.wellknown import DEPLOYMENT_REVISION
from app.lifecycle import rollbacks
from tests.builders import (
    DeploymentBuilder,
    ReplicaSetBuilder,
    VersionBuilder,
    deployment,
    replica_set,
    stateful_set,
    version,
    workload,
)


def numbered(number: str, name: str = "web-1") -> ReplicaSetBuilder:
    return replica_set(name).marked(DEPLOYMENT_REVISION, number)


def above(number: str) -> DeploymentBuilder:
    return deployment("web").marked(DEPLOYMENT_REVISION, number)


def passed(number: str = "1.0") -> VersionBuilder:
    done = version(f"web-web-{number}").changed({"spec": {"version": number}}).passed()
    return done.status(deploymentStatus="Succeeded", deploymentStartTime="2026-01-01T00:00:00Z")


class TestNewestReplicaSet:
    def name(self, owner: DeploymentBuilder, *owned: ReplicaSetBuilder) -> str:
        found = rollbacks.newest_replica_set(owner.view, [each.view for each in owned])
        return found.metadata.name if found is not None else ""

    def test_is_the_one_with_the_deployments_number(self) -> None:
        assert self.name(above("10"), numbered("10", "web-1"), numbered("9", "web-2")) == "web-1"

    def test_is_not_known_while_the_two_do_not_agree(self) -> None:
        assert self.name(above("2"), numbered("3", "web-1"), numbered("2", "web-2")) == ""
        assert self.name(above("3"), numbered("1", "web-1"), numbered("2", "web-2")) == ""
        assert self.name(above("1")) == self.name(deployment("web"), replica_set("web-1")) == ""

    def test_is_not_known_before_the_controller_has_seen_the_newest_form(self) -> None:
        behind = above("1").changed({"metadata": {"generation": 2}})
        assert self.name(behind, numbered("1")) == ""
        assert self.name(above("1").deleting(), numbered("1")) == ""


class TestNewestRevision:
    SEEN = stateful_set("db").changed(
        {"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "updateRevision": "db-7"}}
    )

    def test_is_the_one_that_the_stateful_set_updates_to(self) -> None:
        assert rollbacks.newest_revision(self.SEEN.view) == "uid-db/db-7"

    def test_is_not_known_before_its_controller_says_so(self) -> None:
        assert rollbacks.newest_revision(stateful_set("db").view) is None
        assert rollbacks.newest_revision(self.SEEN.changed({"status": {"observedGeneration": 1}}).view) is None
        assert rollbacks.newest_revision(self.SEEN.deleting().view) is None


class TestWentBackTo:
    SAYS = workload("web-web").changed({"spec": {"version": "1.1"}})

    def name(self, *versions: VersionBuilder) -> str:
        found = rollbacks.went_back_to(self.SAYS.view, [each.view for each in versions])
        return found.metadata.name if found is not None else ""

    def test_is_the_version_that_has_passed_for_what_is_deployed(self) -> None:
        assert self.name(passed("1.0")) == "web-web-1.0"

    def test_is_nothing_if_the_workload_says_so_already(self) -> None:
        assert self.name(passed("1.1")) == ""

    def test_other_checks_are_other_words(self) -> None:
        assert self.name(passed("1.1").checks("old")) == "web-web-1.1"

    def test_what_has_not_passed_is_not_deployed(self) -> None:
        assert self.name(version("web-web-1.0")) == self.name(passed("1.0").status(preDeploymentStatus="Failed")) == ""

    def test_other_workloads_do_not_count(self) -> None:
        assert self.name(passed("1.0").changed({"spec": {"workloadName": "web-db"}})) == ""

    def test_one_that_is_being_deleted_does_not_count(self) -> None:
        assert self.name(passed("1.0").deleting()) == ""


@pytest.mark.parametrize("metadata", [{}, {"a": "1"}, {"b": "2"}])
def test_a_workload_is_given_just_the_words_of_the_version(metadata: dict[str, str]) -> None:
    said = workload("web-web").changed(
        {"spec": {"version": "1.1", "metadata": {"b": "1"}, "postDeploymentTasks": ["x"]}}
    )
    back = passed("1.0").checks("check").changed({"spec": {"metadata": metadata}})
    reference = {"kind": "ReplicaSet", "name": "web-9", "uid": "uid-9"}
    change = rollbacks.spoken_of(said.view, back.view, reference)
    assert change["metadata"] == {"uid": "uid-web-web", "resourceVersion": "1"}
    assert change["spec"] == {
        "version": "1.0",
        "preDeploymentTasks": ["check"],
        "postDeploymentTasks": [],
        "metadata": {"b": None} | metadata,
        "resourceReference": reference,
    }
