"""For the tests of the rules: a cluster without controllers, in which each test does by hand what is to be judged."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, PatchType, Resource
from app.worker.main import COMPONENT
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import SHOP, Check, Script, Template, Workload, namespace
from tests.simulation.rules.ending import Ending
from tests.simulation.rules.invariants import Invariants
from tests.simulation.rules.truth import Truth

WORKER = "worker-1"
PASSED = {
    "preDeploymentStatus": "Succeeded",
    "preDeploymentEvaluationStatus": "Succeeded",
    "deploymentStatus": "Progressing",
    "deploymentStartTime": "2026-01-01T00:00:09Z",
}
WEB = Workload("web", template=Template("shop/web:1", "1.0", ("check",)))


def owned_by(owner: Json) -> list[Json]:
    meta = owner["metadata"]
    kind, version = owner["kind"], owner["apiVersion"]
    return [{"apiVersion": version, "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": True}]


def reference(body: Json) -> Json:
    return {"uid": body["metadata"]["uid"], "kind": body["kind"], "name": body["metadata"]["name"]}


class Stage:
    """`found` holds what the rules have said, as "I2: ...", in order."""

    def __init__(self) -> None:
        self.server = Server(random.Random(1))
        self.truth = Truth(self.server)
        self.invariants = Invariants(self.server, self.truth, lambda rule, text: self.found.append(f"{rule}: {text}"))
        self.ending = Ending(self.server, self.truth)
        self.found: list[str] = []
        self.server.subscribe(self._seen)

    def _seen(self, change: Change) -> None:
        self.truth.see(change)
        self.invariants.check(change)

    @contextmanager
    def a_breach(self, of: str, text: str = "") -> Iterator[None]:
        """What is done within must make the rule speak, and no other."""
        assert self.found == []
        yield
        assert self.found, "no rule has said anything"
        assert {each.partition(":")[0] for each in self.found} == {of}, self.found
        assert any(text in each for each in self.found), self.found
        self.found.clear()

    async def open_shop(self) -> None:
        body = namespace(SHOP, opted_in=True)
        body["metadata"]["labels"] = {wellknown.LABEL: wellknown.LABEL_NAMESPACE}
        await self.server.create(resources.NAMESPACES, body, by="user")
        for each in Check("check", Script()).bodies():
            await self.make(resources.TASK_DEFINITIONS, each["metadata"]["name"], spec=each["spec"])

    async def make(
        self, resource: Resource, name: str, *, by: str = "user", of: Json | None = None, **rest: Any
    ) -> Json:
        meta = {"name": name, **rest.pop("metadata", {})} | ({"ownerReferences": owned_by(of)} if of else {})
        home = SHOP if resource.namespaced else ""
        return await self.server.create(resource, {"metadata": meta, **rest}, home, by=by)

    async def patch(self, body: Json, change: Json, *, by: str = WORKER, subresource: str = "") -> Json:
        meta = body["metadata"]
        resource = next(each for each in vars(resources).values() if getattr(each, "kind", "") == body["kind"])
        kind = PatchType.STRATEGIC if body["kind"] == "Deployment" and by == WORKER else PatchType.MERGE
        return await self.server.patch(
            resource, meta["name"], change, meta.get("namespace", ""), by=by, patch_type=kind, subresource=subresource
        )

    async def say(self, body: Json, *, by: str = WORKER, **status: Any) -> Json:
        return await self.patch(body, {"status": status}, by=by, subresource="status")

    # The usual story, piece by piece

    async def deploy(self, workload: Workload = WEB) -> tuple[Json, Json]:
        """A Deployment and its ReplicaSet."""
        body = workload.body()
        deployment = await self.server.create(resources.DEPLOYMENTS, body, SHOP, by="user")
        template = body["spec"]["template"]
        replica_set = await self.make(
            resources.REPLICASETS, f"{workload.name}-1", of=deployment, spec={**body["spec"], "template": template}
        )
        return deployment, replica_set

    async def pod(self, replica_set: Json, name: str = "web-1-a", *, held: bool = True) -> Json:
        template = replica_set["spec"]["template"]
        labels, spec = dict(template["metadata"]["labels"]), dict(template["spec"])
        if held:
            labels[wellknown.LABEL] = wellknown.LABEL_HELD
            spec["schedulingGates"] = [*spec.get("schedulingGates", ()), {"name": wellknown.GATE}]
        meta = {"labels": labels, "annotations": template["metadata"].get("annotations") or {}}
        return await self.make(
            resources.PODS, name, by="replicaset-controller", of=replica_set, metadata=meta, spec=spec
        )

    async def open(self, pod: Json, *, by: str = WORKER) -> Json:
        gates = [gate for gate in pod["spec"]["schedulingGates"] if gate["name"] != wellknown.GATE]
        marks = {"labels": {wellknown.LABEL: None}, "annotations": {wellknown.GATE_REMOVED: "true"}}
        return await self.patch(pod, {"metadata": marks, "spec": {"schedulingGates": gates or None}}, by=by)

    async def version(self, deployment: Json, replica_set: Json, name: str = "web-web-1.0") -> Json:
        """A KeptnWorkload, unless it is there, and a KeptnWorkloadVersion that covers the ReplicaSet."""
        workload = self.server.find(resources.WORKLOADS, "web-web", SHOP) or await self.make(
            resources.WORKLOADS,
            "web-web",
            by=WORKER,
            of=deployment,
            spec={"app": "web", "version": "1.0", "resourceReference": reference(deployment)},
        )
        if self.server.find(resources.APPS, "web", SHOP) is None:
            await self.app_version(await self.app())
        meta = replica_set["metadata"]
        version = await self.make(
            resources.WORKLOAD_VERSIONS,
            name,
            by=WORKER,
            of=workload,
            metadata={"annotations": {wellknown.CONTENT: "content-1"}},
            spec={
                "app": "web",
                "workloadName": "web-web",
                "version": "1.0",
                "preDeploymentTasks": ["check"],
                "resourceReference": reference(replica_set),
            },
        )
        return await self.say(version, revisions=[meta["uid"]], preDeploymentStatus="Progressing", status="Progressing")

    async def app(self, name: str = "web", **metadata: Any) -> Json:
        """A KeptnApp that nobody wrote."""
        marks = {"labels": {wellknown.MANAGED_BY: wellknown.MANAGED_BY_VALUE}, **metadata}
        spec = {"version": "1.0", "workloads": [{"name": "web", "version": "1.0"}]}
        return await self.make(resources.APPS, name, by=WORKER, metadata=marks, spec=spec)

    async def app_version(self, app: Json, name: str = "web-1.0-6b86b273", **asked: Any) -> Json:
        """A KeptnAppVersion of it as it is now."""
        meta = app["metadata"]
        marks = {"annotations": {wellknown.APP_GENERATION: str(meta["generation"])}}
        spec = {**app["spec"], "appName": meta["name"], **asked}
        return await self.make(resources.APP_VERSIONS, name, by=WORKER, of=app, metadata=marks, spec=spec)

    async def task(self, version: Json, name: str = "pre-check-1", retries: int = 1) -> Json:
        spec = {"taskDefinition": "check", "checkType": "pre", "retries": retries}
        return await self.make(resources.TASKS, name, by=WORKER, of=version, spec=spec)

    async def job(self, task: Json, name: str = "job-1") -> Json:
        pod = {"containers": [{"name": "check", "image": "check:1"}], "restartPolicy": "Never"}
        return await self.make(resources.JOBS, name, by=WORKER, of=task, spec={"template": {"spec": pod}})

    async def attempt(self, job: Json, name: str = "job-1-a", phase: str = "") -> Json:
        labels = {wellknown.LABEL: wellknown.LABEL_TASK}
        spec = {"containers": [{"name": "check", "image": "check:1"}], "restartPolicy": "Never"}
        pod = await self.make(resources.PODS, name, by="job-controller", of=job, metadata={"labels": labels}, spec=spec)
        return await self.say(pod, by="kubelet", phase=phase) if phase else pod

    async def event(self, about: Json, name: str = "event-1", component: str = COMPONENT) -> Json:
        target = {"kind": about["kind"], "name": about["metadata"]["name"], "uid": about["metadata"]["uid"]}
        said: Json = {"type": "Normal", "reason": "Started", "message": "has started", "involvedObject": target}
        source = {"component": component}
        return await self.make(resources.EVENTS, name, by=WORKER, source=source, **said)

    async def passed(self) -> tuple[Json, Json, Json, Json]:
        """Deployment, ReplicaSet, version and held pod of a rollout whose check has passed, and that is on record."""
        deployment, replica_set = await self.deploy()
        pod = await self.pod(replica_set)
        version = await self.version(deployment, replica_set)
        task = await self.task(version)
        await self.attempt(await self.job(task), phase="Succeeded")
        await self.say(task, status="Succeeded", endTime="2026-01-01T00:00:09Z")
        version = await self.say(version, **PASSED)
        return deployment, replica_set, version, pod
