"""Whole rollouts: a worker with real caches and queues, in a cluster in memory."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.app.worker.world import INSTALLATION, ONCE, World, settled
from tests.builders import SHOP

pytestmark = pytest.mark.looptime

RETRY = {"metadata": {"annotations": {wellknown.RETRY: "1"}}}


def written(world: World) -> Counter[str]:
    return Counter(str(call) for call in world.api.writes())


async def test_a_rollout_is_held_until_its_check_has_passed_and_costs_thirteen_writes() -> None:
    async with World() as world:
        world.kubelet.seconds = 2.0
        world.define()
        world.deploy()
        took = await world.until(world.is_open)
        assert world.versions() == {"web-web-1.0": "Succeeded"}
        assert written(world) == {
            "create keptnapps": 1,
            "patch keptnapps/status": 1,
            "create keptnappversions": 1,
            "create keptnworkloads": 1,
            "patch keptnworkloads/status": 1,
            "create keptnworkloadversions": 1,
            "patch keptnworkloadversions/status": 2,
            "create keptntasks": 1,
            "patch keptntasks/status": 2,
            "create jobs": 1,
            "patch pods": 1,
        }
        assert took < 2.05  # of which the check itself takes 2.02
        assert await settled(world, 200.0) == 1  # its app, which had nothing to say before
        assert await settled(world, 3600.0) == 2  # no pod gets up here, which version and app say after 5 minutes


async def test_all_checks_of_a_rollout_run_at_once_and_all_its_pods_go_together() -> None:
    async with World() as world:
        for name in ("a", "b", "c"):
            world.define(name)
        world.deploy(checks="a,b,c", replicas=30)
        took = await world.until(world.is_open)
        assert took < 1.1  # its app may still get a context until then
        assert world.kubelet.started == {"a": 1, "b": 1, "c": 1}


async def test_a_pod_without_checks_to_wait_for_goes_at_once() -> None:
    async with World() as world:
        world.deploy(checks="")
        assert await world.until(world.is_open) < 1.1  # its app may still get a context until then
        assert world.kubelet.started == {}


async def test_gates_labels_and_annotations_of_others_stay() -> None:
    async with World() as world:
        world.define()
        world.deploy(gates=["kueue.x-k8s.io/admission", "other"])
        await world.until(world.is_open)
        pod = world.api.one(resources.PODS, "web-1-0")
        assert [gate["name"] for gate in pod["spec"]["schedulingGates"]] == ["kueue.x-k8s.io/admission", "other"]
        assert pod["metadata"]["labels"] == {"app": "web"}
        assert pod["metadata"]["annotations"]["keptn.sh/workload"] == "web"
        assert pod["metadata"]["annotations"][wellknown.GATE_REMOVED] == "true"


async def test_a_failed_check_keeps_the_gate_and_fails_the_rollout_within_a_second() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1]
        world.deploy(replicas=2)
        took = await world.until(lambda: world.progressing()["status"] == "False")
        assert took < 1.0
        condition = world.progressing()
        assert condition["reason"] == "ProgressDeadlineExceeded"
        assert 'It printed: "ends 1"' in condition["message"]
        assert await settled(world, 3600.0) == 4  # its app, which fails with it
        assert len(world.held()) == 2
        assert {event["involvedObject"]["name"] for event in world.events("Pod")} == {"web-1-0", "web-1-1"}
        assert len(world.events("Deployment")) == 1


async def test_a_check_is_tried_as_often_as_its_definition_says() -> None:
    async with World() as world:
        world.define(retries=2, container={"name": "check", "image": "check:1"})
        world.kubelet.exit_codes["check"] = [1, 1, 0]
        world.deploy()
        await world.until(world.is_open)
        attempts = world.task()["status"]["attempts"]
        assert [(a["number"], a["status"]) for a in attempts] == [(1, "Failed"), (2, "Failed"), (3, "Succeeded")]
        assert len(world.api.all(resources.JOBS)) == 1


async def test_a_retry_asked_for_on_the_workload_gets_one_more_try() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1, 1]
        world.deploy()
        await world.until(lambda: world.progressing()["status"] == "False")
        world.api.edit(resources.DEPLOYMENTS, "web", RETRY)
        await world.until(lambda: list(world.versions().values()) == ["Failed", "Failed"])
        assert await settled(world) <= 6  # the rollout's condition, again, and the app
        assert world.kubelet.started["check"] == 2
        world.api.edit(resources.DEPLOYMENTS, "web", {"metadata": {"annotations": {wellknown.RETRY: "2"}}})
        await world.until(world.is_open)
        assert world.kubelet.started["check"] == 3


async def test_while_another_try_runs_the_rollout_is_not_failed() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1]
        world.deploy()
        await world.until(lambda: world.progressing()["status"] == "False")
        world.api.edit(resources.DEPLOYMENTS, "web", RETRY)
        await world.until(lambda: world.progressing()["status"] == "True", within=0.2)


async def test_a_restart_after_a_failure_gets_one_more_try() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1]
        world.deploy()
        await world.until(lambda: world.progressing()["status"] == "False")
        world.deploy(revision=2)
        await world.until(lambda: world.is_open("web-2-0"))
        assert world.kubelet.started["check"] == 2


async def test_the_same_content_in_a_new_replica_set_is_not_checked_again_and_goes_on_record() -> None:
    async with World() as world:
        world.define()
        world.deploy()
        await world.until(world.is_open)
        new = world.deploy(revision=2)
        assert await world.until(world.is_open) < 0.1
        await settled(world)
        (version,) = world.api.all(resources.WORKLOAD_VERSIONS)
        assert new["metadata"]["uid"] in version["status"]["revisions"]
        assert world.kubelet.started["check"] == 1


async def test_the_same_version_with_another_image_is_checked() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.deploy()
        await world.until(world.is_open)
        world.kubelet.exit_codes["check"] = [1]
        world.deploy(revision=2, image="web:2")
        await world.until(lambda: world.progressing()["status"] == "False")
        assert world.held() == ["web-2-0"]
        assert sorted(world.versions().values()) == ["Failed", "Succeeded"]


async def test_a_pod_of_a_passed_revision_is_let_go_while_the_new_one_is_held() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.deploy()
        await world.until(world.is_open)
        world.kubelet.exit_codes["check"] = [1]
        world.deploy(revision=2, version="2.0", image="web:2")
        await world.until(lambda: world.progressing()["status"] == "False")
        world.scale_up("web-1", "web-1-again")
        await world.until(lambda: world.is_open("web-1-again"), within=0.1)
        assert world.held() == ["web-2-0"]
        assert world.kubelet.started["check"] == 2


async def test_a_definition_that_appears_later_starts_the_check_at_once() -> None:
    async with World() as world:
        world.deploy()
        await settled(world, 60.0)
        assert "there is no KeptnTaskDefinition check" in world.progressing()["message"]
        assert world.progressing()["status"] == "True"
        assert await settled(world, 3600.0) == 0
        world.define()
        assert await world.until(world.is_open) < 1.0


async def test_definitions_of_the_installation_serve_every_namespace() -> None:
    async with World() as world:
        world.define(namespace=INSTALLATION, deno={"inline": {"code": "1"}})
        world.deploy()
        await world.until(world.is_open)
        (job,) = world.api.all(resources.JOBS)
        (volume,) = job["spec"]["template"]["spec"]["volumes"]
        copy = world.api.one(resources.CONFIGMAPS, volume["configMap"]["name"], SHOP)
        assert copy["data"] == {"code": "1"}


async def test_a_config_map_that_appears_later_starts_the_check_at_once() -> None:
    async with World() as world:
        world.define(python={"configMapRef": {"name": "script"}})
        world.deploy()
        await settled(world)
        assert world.task()["status"]["reason"] == "ConfigMapNotFound"
        meta = {"name": "script", "namespace": SHOP}
        world.api.put({"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": {"code": "1"}})
        assert await world.until(world.is_open) < 1.0


async def test_a_job_deleted_while_it_runs_is_another_attempt() -> None:
    async with World() as world:
        world.define(retries=1, container={"name": "check", "image": "check:1"})
        world.deploy()
        await world.until(lambda: world.kubelet.started["check"] == 1)
        (job,) = world.api.all(resources.JOBS)
        world.api.remove(resources.JOBS, job["metadata"]["name"])
        await world.until(world.is_open)
        status = world.task()["status"]
        assert (status["runs"], status["jobName"]) == (2, f"{job['metadata']['name']}-2")
        assert [a["reason"] for a in status["attempts"]] == ["JobDeleted", "Completed"]


async def test_a_job_deleted_on_its_last_attempt_fails_the_check() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.deploy()
        await world.until(lambda: world.kubelet.started["check"] == 1)
        (job,) = world.api.all(resources.JOBS)
        world.api.remove(resources.JOBS, job["metadata"]["name"])
        await world.until(lambda: world.progressing()["status"] == "False")
        assert world.task()["status"]["reason"] == "JobDeleted"
        assert world.held()


async def test_a_task_made_by_hand_runs_and_gets_its_verdict() -> None:
    async with World() as world:
        world.define()
        meta = {"name": "by-hand", "namespace": SHOP}
        spec = {"taskDefinition": "check"}
        world.api.put({"kind": "KeptnTask", "apiVersion": wellknown.API_VERSION, "metadata": meta, "spec": spec})
        await world.until(lambda: world.task().get("status", {}).get("status") == "Succeeded")


async def test_a_version_deleted_while_pods_wait_for_it_is_made_again() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1]
        world.deploy()
        await world.until(lambda: world.progressing()["status"] == "False")
        world.api.remove(resources.WORKLOAD_VERSIONS, "web-web-1.0")
        await world.until(world.is_open)


async def test_a_check_that_is_slow_holds_the_progress_deadline_off() -> None:
    async with World() as world:
        world.kubelet.seconds = 3600.0
        world.define()
        world.deploy()
        before = len(world.api.writes())
        await asyncio.sleep(3500.0)
        condition = world.progressing()
        assert condition["status"] == "True"
        assert "is running" in condition["message"]
        assert condition["lastUpdateTime"] > "2026-01-01T00:50:00Z"
        assert len(world.api.writes()) - before <= 13 + 1 + 3500 / 300
        await world.until(world.is_open, within=200)


class TestKeysOnTheWorkload:
    """Which checks a pod needs may stand on its Deployment instead of its template."""

    async def test_hold_its_pods_all_the_same(self) -> None:
        async with World() as world:
            world.define()
            world.deploy(keys_on_workload=True)
            assert await world.until(world.is_open) < 1.1
            assert world.kubelet.started["check"] == 1

    async def test_can_be_corrected_while_pods_are_held(self) -> None:
        async with World() as world:
            world.define()
            world.deploy(checks="chekc", keys_on_workload=True)
            await settled(world)
            mended = {"metadata": {"annotations": {"keptn.sh/pre-deployment-tasks": "check"}}}
            world.api.edit(resources.DEPLOYMENTS, "web", mended)
            assert await world.until(world.is_open) < 1.0

    async def test_of_a_new_version_are_not_taken_for_those_of_pods_of_the_old_one(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.deploy(keys_on_workload=True)
            await world.until(lambda: world.progressing()["status"] == "False")
            # As `kubectl apply` leaves it, before the Deployment's controller has made the new ReplicaSet.
            applied: dict[str, Any] = {
                "metadata": {"annotations": {wellknown.VERSION: "2.0"}},
                "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:2"}]}}},
            }
            world.api.edit(resources.DEPLOYMENTS, "web", applied)
            await asyncio.sleep(1.0)
            assert set(world.versions()) == {"web-web-1.0"}
            world.api.edit(resources.DEPLOYMENTS, "web", {"status": {"observedGeneration": 2}})
            world.deploy(version="2.0", image="web:2", revision=2, keys_on_workload=True)
            world.api.edit(resources.DEPLOYMENTS, "web", {"status": {"observedGeneration": 2}})
            await world.until(lambda: world.is_open("web-2-0"))
            assert world.versions() == {"web-web-1.0": "Failed", "web-web-2.0": "Succeeded"}
            assert world.held() == ["web-1-0"]
            assert world.kubelet.started["check"] == 2

    async def test_of_a_new_version_are_not_taken_for_those_of_a_check_that_has_not_said_a_word_yet(self) -> None:
        async with World() as world:
            world.define()
            world.define("bad", **ONCE)
            world.kubelet.exit_codes["bad"] = [1]
            world.deploy(keys_on_workload=True)
            await world.until(lambda: bool(world.tasks()))
            assert not world.api.one(resources.WORKLOAD_VERSIONS, "web-web-1.0").get("status")
            world.deploy("web", "bad", version="2.0", image="web:2", revision=2, keys_on_workload=True)
            await world.until(lambda: world.progressing()["status"] == "False")
            await settled(world)
            assert world.versions() == {"web-web-1.0": "Succeeded", "web-web-2.0": "Failed"}
            assert world.held() == ["web-2-0"]


async def test_nothing_is_said_before_the_job_is_made() -> None:
    async with World() as world:
        world.define()
        world.deploy()
        await world.until(world.is_open)
        await settled(world)
        calls = [str(call) for call in world.api.writes()]
        made = calls.index("create jobs")
        assert calls[:made] == ["create keptnworkloads", "create keptnworkloadversions", "create keptntasks"]
        assert "patch keptnworkloads/status" in calls[made:]


async def test_a_task_that_is_seen_before_the_answer_to_its_create_costs_no_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with World() as world:
        create = world.api.create

        async def answered_late(resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
            made = await create(resource, body, namespace, dry_run=dry_run)
            if resource == resources.TASKS:
                await asyncio.sleep(0.2)
            return made

        monkeypatch.setattr(world.api, "create", answered_late)
        world.define()
        world.deploy()
        await world.until(world.is_open)
        assert "get keptntasks" not in map(str, world.api.calls)


async def test_a_check_that_is_quick_says_less_of_its_beginning() -> None:
    async with World() as world:
        world.kubelet.seconds = 0.1
        world.define()
        world.deploy()
        await world.until(world.is_open)
        await settled(world)
        assert len(world.api.writes()) == 12
        assert world.api.one(resources.WORKLOADS, "web-web")["status"] == {"currentVersion": "1.0"}
        status = world.task()["status"]
        assert (status["runs"], status["status"]) == (1, "Succeeded")
        assert status["jobName"] == world.api.all(resources.JOBS)[0]["metadata"]["name"]


async def test_a_job_deleted_before_its_task_spoke_of_it_is_an_attempt_all_the_same() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.deploy()
        await world.until(lambda: world.kubelet.started["check"] == 1)
        (job,) = world.api.all(resources.JOBS)
        assert not world.task().get("status")
        world.api.remove(resources.JOBS, job["metadata"]["name"])
        await world.until(lambda: world.progressing()["status"] == "False")
        assert world.task()["status"]["reason"] == "JobDeleted"
        assert world.kubelet.started["check"] == 1
