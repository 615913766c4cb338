"""What Kubernetes 1.34 does with a Deployment; the conformance test says the same of a real cluster."""

from typing import Any

import pytest

from app.cluster import errors, resources
from app.cluster.api import Json
from tests.simulation import clock
from tests.simulation.apiserver.admission import Asked
from tests.simulation.controllers import objects
from tests.simulation.controllers.shop import Shop

pytestmark = pytest.mark.looptime
REVISION = "deployment.kubernetes.io/revision"


def revisions(shop: Shop) -> list[str]:
    return [each["metadata"]["annotations"][REVISION] for each in shop.replica_sets()]


def sizes(shop: Shop) -> list[int]:
    return [each["spec"]["replicas"] for each in shop.replica_sets()]


async def test_a_template_becomes_a_replica_set_and_that_pods(shop: Shop) -> None:
    await shop.put("Deployment", replicas=3)
    (replica_set,) = shop.replica_sets()
    deployment = shop.get("Deployment")
    hash_ = replica_set["metadata"]["name"].removeprefix("web-")
    labels = {"app": "web", "pod-template-hash": hash_}
    assert replica_set["metadata"]["labels"] == labels
    assert replica_set["spec"]["selector"] == {"matchLabels": labels}
    assert replica_set["metadata"]["annotations"] == {
        REVISION: "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    assert replica_set["metadata"]["ownerReferences"] == [objects.reference(deployment)]
    for pod in shop.all(resources.PODS):
        assert pod["metadata"]["labels"] == labels
        assert pod["metadata"]["ownerReferences"] == [objects.reference(replica_set)]
        assert pod["metadata"]["name"].startswith(f"web-{hash_}-")
    assert deployment["metadata"]["annotations"] == {REVISION: "1"}
    status = deployment["status"]
    assert {key: value for key, value in status.items() if key != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    }
    assert [(each["type"], each["status"], each["reason"]) for each in status["conditions"]] == [
        ("Available", "True", "MinimumReplicasAvailable"),
        ("Progressing", "True", "NewReplicaSetAvailable"),
    ]


async def test_the_deployment_tells_of_its_new_replica_set_and_number_at_once(shop: Shop) -> None:
    seen: list[tuple[str, str, int]] = []

    def note(change: Any) -> None:
        if change.resource == resources.DEPLOYMENTS and change.new and change.new.get("status"):
            said = objects.condition(change.new, "Progressing") or {}
            number = change.new["metadata"].get("annotations", {}).get(REVISION, "")
            seen.append((number, said["reason"], change.new["status"].get("observedGeneration", 0)))

    shop.server.subscribe(note)
    await shop.put("Deployment")
    assert seen[0] == ("1", "NewReplicaSetCreated", 0)
    assert seen[-1] == ("1", "NewReplicaSetAvailable", 1)


@pytest.mark.parametrize(
    ("replicas", "rolling", "new", "old"),
    [(3, {}, 1, 3), (4, {}, 2, 3), (10, {}, 5, 8), (1, {}, 1, 1), (2, {"maxSurge": 0, "maxUnavailable": "1%"}, 1, 1)],
)
async def test_a_rolling_update_stops_at_its_limits(
    shop: Shop, replicas: int, rolling: Json, new: int, old: int
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    await shop.put("Deployment", replicas=replicas, strategy=strategy)
    await shop.settled()
    shop.at_work = False
    await shop.put("Deployment", "web:2")
    assert sizes(shop) == [old, new]
    shop.at_work = True
    await shop.make_ready()
    await shop.settled(10)
    assert sizes(shop) == [0, replicas]
    assert shop.images() == ["web:2"] * replicas


async def test_recreate_waits_until_the_last_old_pod_is_gone(shop: Shop) -> None:
    most: list[int] = []
    shop.server.subscribe(lambda change: most.append(len({pod["spec"]["containers"][0]["image"] for pod in pods()})))

    def pods() -> list[Json]:
        return shop.all(resources.PODS)

    await shop.put("Deployment", replicas=2, strategy={"type": "Recreate"})
    await shop.put("Deployment", "web:2")
    assert shop.images() == ["web:2", "web:2"]
    assert max(most) == 1


async def test_going_back_gives_the_old_replica_set_a_new_number(shop: Shop) -> None:
    for image in ("web:1", "web:2", "web:1", "web:2"):
        await shop.put("Deployment", image)
    assert revisions(shop) == ["3", "4"]
    histories = [each["metadata"]["annotations"].get(f"{REVISION}-history") for each in shop.replica_sets()]
    assert histories == ["1", "2"]
    assert shop.get("Deployment")["metadata"]["annotations"] == {REVISION: "4"}


async def test_going_back_changes_nothing_else_of_a_replica_set_that_has_its_size(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("Deployment", replicas=2)
    await shop.put("Deployment", "web:2")
    await shop.put("Deployment", "web:1")
    assert [each["metadata"]["generation"] for each in shop.replica_sets()] == [1, 1]


async def test_annotations_go_to_the_newest_replica_set(shop: Shop) -> None:
    await shop.put("Deployment")
    await shop.change("Deployment", {"metadata": {"annotations": {"note": "hello"}}})
    assert shop.replica_sets()[0]["metadata"]["annotations"]["note"] == "hello"


async def test_a_rollout_that_makes_no_progress_fails_at_its_deadline(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("Deployment", progressDeadlineSeconds=10)
    assert shop.progressing()["reason"] == "ReplicaSetUpdated"
    began = objects.seconds_of(shop.progressing()["lastUpdateTime"])
    await shop.settled(began + 9.5 - clock.seconds())
    assert shop.progressing()["status"] == "True"
    await shop.settled(2)
    assert (shop.progressing()["status"], shop.progressing()["reason"]) == ("False", "ProgressDeadlineExceeded")
    await shop.make_ready()
    assert (shop.progressing()["status"], shop.progressing()["reason"]) == ("True", "NewReplicaSetAvailable")


def written(shop: Shop, **fields: str) -> Json:
    now = clock.stamp()
    condition = {**shop.progressing(), "lastUpdateTime": now, **fields}
    conditions = [each for each in shop.get("Deployment")["status"]["conditions"] if each["type"] != "Progressing"]
    return {"status": {"conditions": [*conditions, condition]}}


async def test_words_of_others_are_kept_until_there_is_progress_and_hold_the_deadline_off(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("Deployment", replicas=2, progressDeadlineSeconds=10)
    for _ in range(5):
        await shop.change("Deployment", written(shop, message="checks are running"), subresource="status")
        await shop.settled(5)
        assert (shop.progressing()["status"], shop.progressing()["message"]) == ("True", "checks are running")
    first = next(iter(shop.pods()))
    await shop.make_ready(but=lambda pod: bool(pod["metadata"]["name"] != first))
    assert shop.progressing()["message"].endswith("is progressing.")


async def test_a_failure_told_by_others_is_kept_until_there_is_progress(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("Deployment", progressDeadlineSeconds=600)
    said = {"status": "False", "reason": "ProgressDeadlineExceeded", "message": "a check failed"}
    await shop.change("Deployment", written(shop, **said), subresource="status")
    await shop.change("Deployment", {"metadata": {"labels": {"touched": "yes"}}})
    await shop.settled(2000)
    assert shop.progressing()["message"] == "a check failed"
    await shop.make_ready()
    assert (shop.progressing()["status"], shop.progressing()["reason"]) == ("True", "NewReplicaSetAvailable")


async def test_a_newer_template_clears_a_failure(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("Deployment", progressDeadlineSeconds=600)
    said = {"status": "False", "reason": "ProgressDeadlineExceeded", "message": "a check failed"}
    await shop.change("Deployment", written(shop, **said), subresource="status")
    await shop.put("Deployment", "web:2")
    assert shop.progressing()["status"] == "True"


async def test_without_a_deadline_there_is_no_such_condition(shop: Shop) -> None:
    await shop.put("Deployment", progressDeadlineSeconds=2**31 - 1)
    assert shop.progressing() == {}


async def test_while_it_is_paused_a_template_is_not_rolled_out_but_its_size_is_changed(shop: Shop) -> None:
    await shop.put("Deployment", replicas=2)
    await shop.change("Deployment", {"spec": {"paused": True}})
    assert shop.progressing()["reason"] == "DeploymentPaused"
    await shop.put("Deployment", "web:2", replicas=3)
    assert shop.images() == ["web:1"] * 3
    await shop.change("Deployment", {"spec": {"paused": False}})
    await shop.settled()
    assert shop.images() == ["web:2"] * 3


async def test_scaling_in_the_middle_of_a_rollout_keeps_the_shares(shop: Shop) -> None:
    await shop.put("Deployment", replicas=8)
    shop.at_work = False
    await shop.put("Deployment", "web:2")
    assert sizes(shop) == [6, 4]
    await shop.change("Deployment", {"spec": {"replicas": 16}})
    assert sizes(shop) == [12, 8]
    await shop.change("Deployment", {"spec": {"replicas": 0}})
    assert sizes(shop) == [0, 0]


async def test_of_old_replica_sets_only_the_newest_few_are_kept(shop: Shop) -> None:
    for number in range(5):
        await shop.put("Deployment", f"web:{number}", revisionHistoryLimit=2)
    assert revisions(shop) == ["3", "4", "5"]


async def test_pods_that_cannot_be_made_are_told_of(shop: Shop) -> None:
    refused = True

    def refuse(asked: Asked) -> None:
        if refused and asked.resource == resources.PODS and asked.operation == "CREATE":
            raise errors.Forbidden(403, "Forbidden", "exceeded quota")

    shop.server.policies.append(refuse)
    await shop.put("Deployment")
    failure = objects.condition(shop.get("Deployment"), "ReplicaFailure")
    assert failure is not None
    assert (failure["status"], failure["reason"], failure["message"]) == ("True", "FailedCreate", "exceeded quota")
    refused = False
    await shop.settled(30)
    assert shop.images() == ["web:1"]
    assert objects.condition(shop.get("Deployment"), "ReplicaFailure") is None


async def test_what_is_being_deleted_is_left_alone(shop: Shop) -> None:
    await shop.put("Deployment", replicas=1)
    await shop.server.delete(resources.DEPLOYMENTS, "web", "shop", by="test", propagation="Foreground")
    await shop.change("Deployment", {"spec": {"replicas": 5}})
    assert sizes(shop) == [1]
