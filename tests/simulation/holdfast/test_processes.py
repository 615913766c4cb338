"""Whole processes on the simulation's API server: how they start, lead, follow each other, die and answer."""

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from app.admission.app import MUTATE_POD
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.cluster.leader import LeadershipLost
from tests.builders import SHOP, Builder, definition, deployment, pod, replica_set
from tests.simulation import loop
from tests.simulation.apiserver.client import FINE, Call, Client, Fate, Network
from tests.simulation.apiserver.server import Server
from tests.simulation.holdfast.logs import ErrorLog
from tests.simulation.holdfast.processes import INSTALLATION, WebhookProcess, WorkerProcess

LEASE = "6b866dd9.keptn.sh"


class Cluster:
    def __init__(self, log: ErrorLog) -> None:
        self.log = log
        self.server = Server(random.Random(1))
        self.networks: dict[str, Network] = {}

    async def prepare(self) -> None:
        for name in (INSTALLATION, SHOP):
            await self.server.create(resources.NAMESPACES, {"metadata": {"name": name}}, by="user")

    def client(self, name: str) -> Client:
        network = self.networks.setdefault(name, Network())
        return Client(self.server, name, random.Random(name), network)

    def worker(self, name: str) -> WorkerProcess:
        process = WorkerProcess(name, self.client(name), random.Random(name))
        process.start()
        return process

    def webhook(self, name: str) -> WebhookProcess:
        process = WebhookProcess(name, self.client(name), random.Random(name))
        process.start()
        return process

    def holder(self) -> str:
        lease = self.server.find(resources.LEASES, LEASE, INSTALLATION)
        return str(lease["spec"].get("holderIdentity") or "") if lease else ""

    async def deploy(self, name: str = "web") -> None:
        """A held pod whose check needs a KeptnTask."""
        body = definition("check").spec(container={"name": "check", "image": "check:1"})
        if self.server.find(resources.TASK_DEFINITIONS, "check", SHOP) is None:
            await self._create(resources.TASK_DEFINITIONS, body)
        above = await self._create(resources.DEPLOYMENTS, deployment(name))
        owner = deployment(name).with_uid(above["metadata"]["uid"])
        template = {"spec": {"containers": [{"name": "main", "image": "web:1"}]}}
        asked = replica_set(f"{name}-1").owned_by(owner).changed({"spec": {"template": template}})
        own = await self._create(resources.REPLICASETS, asked)
        held = pod(f"{name}-1-0").held().owned_by(replica_set(f"{name}-1").with_uid(own["metadata"]["uid"]))
        keys = {"keptn.sh/workload": name, "keptn.sh/version": "1", "keptn.sh/pre-deployment-tasks": "check"}
        await self._create(resources.PODS, held.changed({"metadata": {"annotations": keys}}))

    async def _create(self, resource: Resource, body: Builder[Any]) -> Json:
        raw = body.raw
        del raw["metadata"]["resourceVersion"]  # a version is the server's to give
        return await self.server.create(resource, raw, by="user")


def simulated(test: Callable[[Cluster], Awaitable[None]]) -> Callable[[], None]:
    """Runs `test` in simulated time; nothing may have been logged that is a finding."""

    async def main(log: ErrorLog) -> None:
        cluster = Cluster(log)
        await cluster.prepare()
        await test(cluster)

    def runs() -> None:
        with ErrorLog() as log:
            loop.run(main(log))
        assert not log.findings, "\n\n".join(log.first)

    runs.__name__ = test.__name__
    return runs


async def until(holds: Callable[[], object], within: float) -> float:
    """How many seconds it took."""
    for number in range(round(within / 0.01) + 1):
        if holds():
            return number * 0.01
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {within:g} s")


@simulated
async def test_the_first_leads_and_the_second_stands_by(cluster: Cluster) -> None:
    first = cluster.worker("worker-1")
    assert first.alive
    await until(lambda: first.leading, within=1)
    second = cluster.worker("worker-2")
    await asyncio.sleep(120)
    assert (first.leading, second.leading, second.alive, cluster.holder()) == (True, False, True, "worker-1")
    assert (second.not_ready, second.not_live, first.not_live) == ("", "", "")
    assert first.not_ready == "the certificates are not in place yet"


@simulated
async def test_after_a_crash_the_other_leads_once_the_lease_has_run_out(cluster: Cluster) -> None:
    first = cluster.worker("worker-1")
    await until(lambda: first.leading, within=1)
    second = cluster.worker("worker-2")
    await asyncio.sleep(60)
    first.crash()
    assert (first.alive, first.leading, first.exited.is_set(), first.error) == (False, False, True, None)
    assert 13 < await until(lambda: second.leading, within=30) < 18


@simulated
async def test_one_that_is_terminated_hands_over_at_once(cluster: Cluster) -> None:
    first = cluster.worker("worker-1")
    await until(lambda: first.leading, within=1)
    second = cluster.worker("worker-2")
    await asyncio.sleep(60)
    first.terminate()
    assert await until(lambda: second.leading, within=30) < 3
    assert (first.alive, first.exited.is_set(), first.error) == (False, True, None)


@simulated
async def test_what_dies_writes_nothing_more(cluster: Cluster) -> None:
    """Neither the lease given back nor events."""
    first = cluster.worker("worker-1")
    await until(lambda: first.leading, within=1)
    await cluster.deploy()
    tasks = lambda: cluster.server.list(resources.TASKS)  # noqa: E731
    await until(tasks, within=1)
    first.crash()
    await asyncio.sleep(0.02)  # what was on its way arrives
    version = cluster.server.store.version
    await asyncio.sleep(60)
    assert (cluster.server.store.version, cluster.holder()) == (version, "worker-1")


@simulated
async def test_one_that_is_cut_off_ends_and_says_why(cluster: Cluster) -> None:
    first = cluster.worker("worker-1")
    await until(lambda: first.leading, within=1)
    cluster.networks["worker-1"].cut_off = True
    await until(first.exited.is_set, within=15)
    assert isinstance(first.error, LeadershipLost)
    assert "6b866dd9.keptn.sh" in str(first.error)
    assert not first.alive


@simulated
async def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes(cluster: Cluster) -> None:
    first = cluster.worker("worker-1")
    await until(lambda: first.leading, within=1)
    second = cluster.worker("worker-2")
    await asyncio.sleep(5)
    network = cluster.networks["worker-1"]
    network.latency = (0.002, 0.002)

    def stop_before_the_answer(call: Call) -> Fate:
        if str(call) != "create keptnworkloads":
            return FINE
        # It sleeps with the answer on its way, on which it would go on at once.
        return Fate(then=lambda: void(asyncio.get_running_loop().call_later(0.001, first.freeze)))

    network.fate = stop_before_the_answer
    await cluster.deploy()
    await until(lambda: first.frozen, within=1)
    assert first.leading
    await until(lambda: second.leading, within=30)
    await asyncio.sleep(10)
    assert (first.alive, first.leading, cluster.holder()) == (True, False, "worker-2")
    sent: list[Call] = []

    def note(call: Call) -> Fate:
        sent.append(call)
        return FINE

    network.fate = note
    first.thaw()
    await until(first.exited.is_set, within=5)
    assert isinstance(first.error, LeadershipLost)
    assert [str(call) for call in sent if call.is_write] == []


@simulated
async def test_an_error_that_nobody_expected_is_told(cluster: Cluster) -> None:
    def fail(call: Call) -> Fate:
        if call.resource == "leases":
            raise RuntimeError("broken")
        return FINE

    cluster.networks["worker-1"] = Network(fate=fail)
    first = cluster.worker("worker-1")
    await until(first.exited.is_set, within=5)
    assert isinstance(first.error, BaseExceptionGroup)
    assert first.error.subgroup(RuntimeError)
    assert cluster.log.findings == {("a process ended by an error of its own", "ExceptionGroup"): 1}
    assert "RuntimeError: broken" in cluster.log.first[0]
    cluster.log.findings.clear()


REPLICA_SET = {"kind": "ReplicaSet", "name": "web-1", "uid": "u", "apiVersion": "apps/v1", "controller": True}


def review(annotations: Json, kind: str = "Pod") -> bytes:
    metadata = {"generateName": "web-1-", "namespace": SHOP, "annotations": annotations}
    asked = {
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": kind},
        "operation": "CREATE",
        "namespace": SHOP,
        "object": {
            "kind": kind,
            "metadata": metadata | {"ownerReferences": [REPLICA_SET]},
            "spec": {"containers": [{"name": "main", "image": "web:1"}]},
        },
    }
    return orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked})


MANAGED = review({"keptn.sh/workload": "web", "keptn.sh/version": "1"})
# Its ReplicaSet is asked for, which is a call.
UNKNOWN = review({})


@simulated
async def test_a_webhook_answers_once_it_knows_the_cluster(cluster: Cluster) -> None:
    webhook = cluster.webhook("webhook-1")
    assert (webhook.alive, webhook.ready) == (True, False)
    with pytest.raises(ConnectionError):
        await webhook.review(MUTATE_POD, MANAGED)
    await until(lambda: webhook.ready, within=1)
    answer = orjson.loads(await webhook.review(MUTATE_POD, MANAGED))["response"]
    assert answer["allowed"]
    assert b"keptn-prechecks-gate" in base64.b64decode(answer["patch"])


@simulated
async def test_a_webhook_that_is_terminated_answers_for_a_while(cluster: Cluster) -> None:
    webhook = cluster.webhook("webhook-1")
    await until(lambda: webhook.ready, within=1)
    webhook.terminate()
    assert not webhook.ready
    await asyncio.sleep(9)
    assert orjson.loads(await webhook.review(MUTATE_POD, MANAGED))["response"]["allowed"]
    await until(webhook.exited.is_set, within=5)
    assert webhook.error is None
    with pytest.raises(ConnectionError):
        await webhook.review(MUTATE_POD, MANAGED)


@simulated
async def test_a_webhook_that_dies_leaves_a_review_unanswered(cluster: Cluster) -> None:
    webhook = cluster.webhook("webhook-1")
    await until(lambda: webhook.ready, within=1)
    cluster.networks["webhook-1"].latency = (0.1, 0.1)
    asked = asyncio.create_task(webhook.review(MUTATE_POD, UNKNOWN))
    await asyncio.sleep(0.05)
    webhook.crash()
    with pytest.raises(ConnectionError, match="died"):
        await asked


@simulated
async def test_a_frozen_webhook_answers_when_it_goes_on(cluster: Cluster) -> None:
    webhook = cluster.webhook("webhook-1")
    await until(lambda: webhook.ready, within=1)
    webhook.freeze()
    asked = asyncio.create_task(webhook.review(MUTATE_POD, MANAGED))
    await asyncio.sleep(30)
    assert not asked.done()
    webhook.thaw()
    assert orjson.loads(await asked)["response"]["allowed"]


@simulated
async def test_what_the_webhook_cannot_read_is_an_answer_of_no_use(cluster: Cluster) -> None:
    webhook = cluster.webhook("webhook-1")
    await until(lambda: webhook.ready, within=1)
    with pytest.raises(ConnectionError, match="answered 400"):
        await webhook.review(MUTATE_POD, b"{}")


def void(_: object) -> None:
    """For a callback whose result nobody wants."""
