from dataclasses import replace
from typing import Any

import pytest

from app.api.core import ReplicaSet
from app.api.wellknown import DEPLOYMENT_REVISION, ROLLOUT_POD_HASH
from app.lifecycle import deployed
from app.lifecycle.deployed import LOOK_AGAIN, Deployed
from tests.builders import (
    DeploymentBuilder,
    Json,
    RolloutBuilder,
    daemon_set,
    deployment,
    replica_set,
    rollout,
    stateful_set,
)

OLD = replica_set("web-1").marked(DEPLOYMENT_REVISION, "1")
NEW = replica_set("web-2").marked(DEPLOYMENT_REVISION, "2")
WEB = deployment("web").marked(DEPLOYMENT_REVISION, "2").changed({"spec": {"replicas": 3}})
MINE = ("uid-web-2",)


def numbers(**fields: int) -> Json:
    return {"status": fields}


def all_there(number: int) -> Json:
    return numbers(replicas=number, updatedReplicas=number, availableReplicas=number)


class TestDeployments:
    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (numbers(replicas=3, availableReplicas=3), "0 of 3 replicas are updated"),
            # Keptn is content here: the ReplicaSet has one of the one pod that it is asked for by now.
            (
                numbers(replicas=4, updatedReplicas=1, availableReplicas=4),
                "1 of 3 replicas are updated",
            ),
            (numbers(replicas=4, updatedReplicas=3, availableReplicas=3), "1 old replica still runs"),
            (numbers(replicas=5, updatedReplicas=3, availableReplicas=5), "2 old replicas still run"),
            (
                numbers(replicas=3, updatedReplicas=3, availableReplicas=2, unavailableReplicas=1),
                "2 of 3 updated replicas are available",
            ),
            (
                numbers(replicas=4, updatedReplicas=4, availableReplicas=3, unavailableReplicas=1),
                "1 replica is not available",
            ),
        ],
    )
    def test_are_not_up_before_all_replicas_are_new_and_available(self, status: Json, message: str) -> None:
        found = deployed.deployment(WEB.changed(status).view, [OLD.view, NEW.view], MINE)
        assert found == Deployed(False, True, f"Deployment web: {message}")

    def test_are_up_once_all_replicas_are_new_and_available(self) -> None:
        found = deployed.deployment(WEB.changed(all_there(3)).view, [OLD.view, NEW.view], MINE)
        assert found == Deployed(True, True, "Deployment web: 3 replicas are up")

    def test_are_up_with_more_than_they_are_asked_for(self) -> None:
        assert deployed.deployment(WEB.changed(all_there(4)).view, [NEW.view], MINE).up

    def test_of_which_nothing_is_asked_for_are_up(self) -> None:
        none = WEB.changed({"spec": {"replicas": 0}})
        found = deployed.deployment(none.view, [NEW.view], MINE)
        assert found == Deployed(True, True, "Deployment web: no replicas are asked for")
        assert not deployed.deployment(none.changed(numbers(replicas=1)).view, [NEW.view], MINE).up

    @pytest.mark.parametrize(
        "changed",
        [
            WEB.changed({"metadata": {"generation": 2}}),
            WEB.marked(DEPLOYMENT_REVISION, "3"),
            WEB.marked(DEPLOYMENT_REVISION, "1"),  # rolled back by its ReplicaSets, which have another number by now
            deployment("web"),
        ],
        ids=["generation", "a revision that is not known", "an older revision", "no revision"],
    )
    def test_that_their_controller_has_not_caught_up_with_are_not_judged(self, changed: DeploymentBuilder) -> None:
        found = deployed.deployment(changed.changed(all_there(3)).view, [OLD.view, NEW.view], MINE)
        assert found == Deployed(False, True, "Deployment web: its controller has not seen its newest form yet")

    def test_without_a_replica_set_are_not_judged(self) -> None:
        found = deployed.deployment(WEB.changed(all_there(3)).view, [], MINE)
        assert (found.up, found.current) == (False, True)

    def test_with_a_newer_revision_are_about_something_else(self) -> None:
        found = deployed.deployment(WEB.changed(all_there(3)).view, [OLD.view, NEW.view], ["uid-web-1"])
        assert found == Deployed(False, False, "Deployment web has a newer revision", newest="uid-web-2")

    def test_that_are_paused_on_the_way_say_so(self) -> None:
        paused = WEB.changed({"spec": {"paused": True}})
        found = deployed.deployment(paused.changed(numbers(replicas=4, updatedReplicas=1)).view, [NEW.view], MINE)
        assert found.message.endswith(
            "1 of 3 replicas are updated, and it is paused: nothing goes on until it is resumed"
        )
        assert deployed.deployment(paused.changed(all_there(3)).view, [NEW.view], MINE).up

    def test_that_are_deleted_are_gone(self) -> None:
        found = deployed.deployment(WEB.changed(all_there(3)).deleting().view, [NEW.view], MINE)
        assert found == Deployed(False, False, "Deployment web is being deleted", gone=True)


BARE = replica_set("web").changed({"spec": {"replicas": 2}, "metadata": {"generation": 1}})


def bare(status: Json, revisions: tuple[str, ...] = ("uid-web/t",), *, ends: bool = False) -> Deployed:
    built = BARE.changed(status).deleting() if ends else BARE.changed(status)
    return deployed.replica_set(ReplicaSet.model_validate(built.raw), "t", revisions)


class TestReplicaSets:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"replicas": 2, "availableReplicas": 1}, "1 of 2 replicas are available"),
            ({"replicas": 3, "availableReplicas": 3}, "1 replica too many still runs"),
        ],
    )
    def test_are_not_up_before_all_replicas_are_available(self, fields: dict[str, int], message: str) -> None:
        assert bare(numbers(observedGeneration=1, **fields)) == Deployed(False, True, f"ReplicaSet web: {message}")

    def test_are_up_once_they_are(self) -> None:
        found = bare(numbers(observedGeneration=1, replicas=2, availableReplicas=2))
        assert found == Deployed(True, True, "ReplicaSet web: 2 replicas are up")

    def test_that_their_controller_has_not_caught_up_with_are_not_judged(self) -> None:
        found = bare(numbers(replicas=2, availableReplicas=2))
        assert (found.up, found.current) == (False, True)

    @pytest.mark.parametrize(
        ("revisions", "current"),
        [(("uid-web/old", "uid-web"), False), (("uid-web/old", "uid-web/t"), True), (("uid-web",), True)],
        ids=["an older template", "this template", "only itself"],
    )
    def test_can_have_another_template_by_now(self, revisions: tuple[str, ...], current: bool) -> None:
        found = bare(numbers(observedGeneration=1, replicas=2, availableReplicas=2), revisions)
        assert (found.up, found.current) == (current, current)

    def test_that_are_deleted_are_gone(self) -> None:
        assert bare(numbers(observedGeneration=1), ends=True).gone


DB = stateful_set("db").changed({"metadata": {"generation": 4}, "spec": {"replicas": 3}})
SEEN: Json = {"observedGeneration": 4, "updateRevision": "db-2"}
DB_MINE = ("uid-db/db-2", "uid-db")


def db(spec: Json | None = None, revisions: tuple[str, ...] = DB_MINE, **status: Any) -> Deployed:
    return deployed.stateful_set(DB.changed({"spec": spec or {}, "status": SEEN | status}).view, revisions)


ON_DELETE: Json = {"updateStrategy": {"type": "OnDelete"}}


def partition(number: int) -> Json:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}}


class TestStatefulSets:
    @pytest.mark.parametrize(
        ("status", "message"),
        [
            # Keptn is content here: the old pods are all available.
            ({"replicas": 3, "availableReplicas": 3}, "0 of 3 replicas are updated"),
            ({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}, "2 of 3 replicas are updated"),
            ({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}, "2 of 3 replicas are available"),
            ({"replicas": 5, "updatedReplicas": 3, "availableReplicas": 5}, "2 replicas too many still run"),
        ],
    )
    def test_are_not_up_before_all_replicas_are_new_and_available(self, status: Json, message: str) -> None:
        assert db(**status) == Deployed(False, True, f"StatefulSet db: {message}")

    def test_are_up_once_all_replicas_are_new_and_available(self) -> None:
        found = db(replicas=3, updatedReplicas=3, availableReplicas=3)
        assert found == Deployed(True, True, "StatefulSet db: 3 replicas are up")

    def test_of_which_nothing_is_asked_for_are_up(self) -> None:
        assert db({"replicas": 0}).message == "StatefulSet db: no replicas are asked for"
        assert db({"replicas": 0}).up

    @pytest.mark.parametrize(
        ("below", "updated", "up"), [(1, 1, False), (1, 2, True), (2, 1, True), (3, 0, False), (9, 0, False)]
    )
    def test_keep_the_old_pods_below_their_partition(self, below: int, updated: int, up: bool) -> None:
        found = db(partition(below), replicas=3, updatedReplicas=updated, availableReplicas=3)
        assert found.up is up
        assert not up or f"{updated} of them updated, by its partition" in found.message

    def test_need_all_their_pods_available_whatever_their_partition(self) -> None:
        assert not db(partition(2), replicas=3, updatedReplicas=1, availableReplicas=2).up

    def test_whose_pods_somebody_has_to_delete_say_so(self) -> None:
        found = db(ON_DELETE, replicas=3, updatedReplicas=1, availableReplicas=3)
        said = "1 of 3 replicas are updated; its updateStrategy is OnDelete: delete the old pods"
        assert found == Deployed(False, True, f"StatefulSet db: {said}")
        assert db(ON_DELETE, replicas=3, updatedReplicas=3, availableReplicas=3).up

    @pytest.mark.parametrize("status", [{"observedGeneration": 3}, {"updateRevision": ""}])
    def test_that_their_controller_has_not_caught_up_with_are_not_judged(self, status: Json) -> None:
        everything: Json = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
        found = db(**(everything | status))
        assert found == Deployed(False, True, "StatefulSet db: its controller has not seen its newest form yet")

    @pytest.mark.parametrize(
        ("revisions", "current"),
        [(("uid-db/db-1", "uid-db"), False), (("uid-db",), True), (("uid-other/db-2",), False)],
        ids=["an older revision", "as Keptn left it", "of another that had its name"],
    )
    def test_can_have_a_newer_revision(self, revisions: tuple[str, ...], current: bool) -> None:
        found = db(None, revisions, replicas=3, updatedReplicas=3, availableReplicas=3)
        assert (found.up, found.current) == (current, current)

    def test_that_are_deleted_are_gone(self) -> None:
        assert deployed.stateful_set(DB.deleting().view, DB_MINE).gone


AGENT = daemon_set("agent").changed({"metadata": {"generation": 2}})


def agent(spec: Json | None = None, *, newest: bool = True, **status: Any) -> Deployed:
    changed = AGENT.changed({"spec": spec or {}, "status": {"observedGeneration": 2} | status})
    return deployed.daemon_set(changed.view, newest=newest)


class TestDaemonSets:
    @pytest.mark.parametrize(
        ("status", "message"),
        [
            # Keptn is content here: the old pods are all ready.
            ({"desiredNumberScheduled": 2, "numberAvailable": 2}, "0 of 2 pods are updated"),
            (
                {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1},
                "1 of 2 pods are available",
            ),
        ],
    )
    def test_are_not_up_before_all_pods_are_new_and_available(self, status: Json, message: str) -> None:
        assert agent(**status) == Deployed(False, True, f"DaemonSet agent: {message}")

    def test_are_up_once_all_pods_are_new_and_available(self) -> None:
        found = agent(desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2)
        assert found == Deployed(True, True, "DaemonSet agent: 2 pods are up")

    def test_of_which_no_node_wants_one_are_up_once_their_controller_says_so(self) -> None:
        assert agent() == Deployed(True, True, "DaemonSet agent: no pods are asked for")
        found = agent(observedGeneration=1)
        assert found == Deployed(False, True, "DaemonSet agent: its controller has not seen its newest form yet")

    def test_whose_pods_somebody_has_to_delete_say_so(self) -> None:
        found = agent(ON_DELETE, desiredNumberScheduled=2, updatedNumberScheduled=1, numberAvailable=2)
        assert found.message.endswith("; its updateStrategy is OnDelete: delete the old pods")

    def test_can_have_a_newer_revision(self) -> None:
        found = agent(newest=False, desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2)
        assert found == Deployed(False, False, "DaemonSet agent has a newer revision")

    def test_that_are_deleted_are_gone(self) -> None:
        assert deployed.daemon_set(AGENT.deleting().view, newest=True).gone


ROLLED = [
    replica_set(f"web-{number}").changed({"metadata": {"labels": {ROLLOUT_POD_HASH: str(number)}}}).view
    for number in (1, 2)
]
CANARY = rollout("web").newest("2")
BLUE_GREEN = CANARY.changed({"spec": {"strategy": {"blueGreen": {"activeService": "web"}}}})


class TestRollouts:
    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            (CANARY, "it has no phase yet"),
            (CANARY.status("Progressing", 4, 1), "its phase is Progressing"),
            (CANARY.status("Paused", 4, 1, message="CanaryPauseStep"), "its phase is Paused: CanaryPauseStep"),
            (CANARY.status("Degraded", 4, 4, message="aborted"), "its phase is Degraded: aborted"),
            (CANARY.status("Healthy", 4, 3), "1 old replica still runs"),
            (
                BLUE_GREEN.status("Healthy", 6, 3, blueGreen={"activeSelector": "1"}),
                "its traffic does not go to the updated replicas yet",
            ),
        ],
    )
    def test_are_not_up_before_they_say_so_and_are_looked_at_again(self, changed: RolloutBuilder, message: str) -> None:
        found = deployed.rollout(changed.view, ROLLED, MINE)
        assert found == Deployed(False, True, f"Rollout web: {message}", again=LOOK_AGAIN)

    @pytest.mark.parametrize(
        "changed",
        [
            CANARY.status("Healthy", 3, 3),
            # Argo's digest of the spec, once: it says nothing to us.
            CANARY.status("Healthy", 3, 3, observedGeneration="6b7c9"),
            # The old ones stay for a while after the traffic has turned.
            BLUE_GREEN.status("Healthy", 6, 3, blueGreen={"activeSelector": "2"}),
        ],
        ids=["canary", "digest", "blue-green"],
    )
    def test_are_up_once_they_are_healthy_and_have_no_old_pods(self, changed: RolloutBuilder) -> None:
        assert deployed.rollout(changed.view, ROLLED, MINE) == Deployed(True, True, "Rollout web: 3 replicas are up")

    @pytest.mark.parametrize(
        "changed",
        [CANARY.observed("0"), CANARY.observed(""), CANARY.newest(""), CANARY.newest("3")],
        ids=["generation", "nothing observed", "no hash", "a hash that is not known"],
    )
    def test_that_their_controller_has_not_caught_up_with_are_looked_at_again(self, changed: RolloutBuilder) -> None:
        found = deployed.rollout(changed.status("Healthy", 3, 3).view, ROLLED, MINE)
        message = "Rollout web: its controller has not seen its newest form yet"
        assert found == Deployed(False, True, message, again=LOOK_AGAIN)

    def test_with_a_newer_revision_are_about_something_else(self) -> None:
        found = deployed.rollout(CANARY.status("Healthy", 3, 3).view, ROLLED, ["uid-web-1"])
        assert found == Deployed(False, False, "Rollout web has a newer revision", newest="uid-web-2")

    def test_that_are_deleted_are_gone(self) -> None:
        assert deployed.rollout(CANARY.deleting().view, ROLLED, MINE).gone


UP = Deployed(True, True, "up")
WAITS = Deployed(False, True, "waits", again=2.0)
OTHER = Deployed(False, False, "other")
GONE = deployed.missing("Deployment", "web")


class TestTogether:
    @pytest.mark.parametrize(
        ("each", "whole"),
        [
            ([UP], UP),
            ([GONE], GONE),
            ([GONE, OTHER], OTHER),
            ([GONE, WAITS], WAITS),
            ([OTHER, UP], UP),
            ([UP, WAITS], WAITS),
            ([UP, Deployed(True, True, "up too")], Deployed(True, True, "up; up too")),
        ],
    )
    def test_all_that_count_have_to_be_up(self, each: list[Deployed], whole: Deployed) -> None:
        assert deployed.together(each) == whole

    def test_what_does_not_exist_is_gone(self) -> None:
        assert Deployed(False, False, "Deployment web does not exist any more", gone=True) == GONE


class TestWhatIsRolledOutInstead:
    @pytest.mark.parametrize(
        ("newest", "revisions", "stands"),
        [
            ("rs-2", ["rs-2"], True),
            ("rs-2", ["rs-1"], False),
            ("sts/web-2", ["sts/web-1", "sts/web-2", "sts"], True),
            ("sts/web-2", ["sts/web-1", "sts"], False),
            ("sts/web-2", ["sts"], True),  # Keptn's versions list no revisions
            ("", ["rs-1"], True),
        ],
    )
    def test_is_what_a_version_stands_for_that_lists_it(self, newest: str, revisions: list[str], stands: bool) -> None:
        assert deployed.stands_for(Deployed(False, False, "", newest=newest), revisions) is stands

    def test_is_still_known_where_several_are_looked_at(self) -> None:
        assert deployed.together([GONE, replace(OTHER, newest="rs-2")]).newest == "rs-2"
