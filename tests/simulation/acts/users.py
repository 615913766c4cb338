"""What people do while rollouts are under way."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.api import wellknown
from app.cluster import errors, resources
from app.cluster.api import Json, Resource
from tests.simulation.acts.act import Act, pick
from tests.simulation.manifests import SHOP, Script, controller_of, held_by_us

if TYPE_CHECKING:
    from tests.simulation.world import World

USER = "user"
BREAK_GLASS = "user:break-glass"

_LONGEST_SECONDS = 20.0  # that people wait for something before they do what they want to do


@dataclass(frozen=True, slots=True)
class Release:
    """Rolls out new content of a workload: another image, and perhaps the same version label or other checks."""

    luck: int
    same_version: bool = False

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, [each for each in world.workloads.values() if each.kind != "ReplicaSet"])
        if workload is None:
            return ""
        number = world.next_number()
        old = workload.template
        checks = old.checks
        if rng.random() < 0.3:
            names = [check.name for check in world.checks.values()]
            checks = tuple(sorted(rng.sample(names, rng.randint(1, len(names)))))
        version = old.version if self.same_version else f"{number}.0"
        template = replace(old, image=f"shop/{workload.name}:{number}", version=version, checks=checks)
        await world.apply(workload.with_template(template))
        return f"releases {workload.name} {version} ({template.image}, checks {', '.join(checks) or 'none'})"


@dataclass(frozen=True, slots=True)
class ManyReleases:
    """Ten revisions in as many seconds; only the newest counts in the end."""

    luck: int

    async def do(self, world: "World") -> str:
        said = ""
        rng = random.Random(self.luck)
        for number in range(10):
            said = await Release(self.luck * 16 + number).do(world) or said
            await world.sleep(rng.uniform(0.1, 1.5))
        return f"and nine more before: {said}"


@dataclass(frozen=True, slots=True)
class RollBack:
    """Goes back to an earlier content of a workload."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        able = [name for name, known in world.history.items() if len(known) > 1 and name in world.workloads]
        name = pick(rng, able)
        if name is None:
            return ""
        template = rng.choice(world.history[name][:-1])
        await world.apply(world.workloads[name].with_template(template))
        return f"rolls {name} back to {template.version} ({template.image})"


@dataclass(frozen=True, slots=True)
class Restart:
    """kubectl rollout restart, at any moment or once it runs."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, [each for each in world.workloads.values() if each.kind != "ReplicaSet"])
        if workload is None:
            return ""
        if rng.random() < 0.5:
            await _until(world, lambda: _runs(world, workload.name))
        marks = {wellknown.RESTARTED_AT: f"{world.next_number()}"}
        change = {"spec": {"template": {"metadata": {"annotations": marks}}}}
        await world.server.patch(workload.resource, workload.name, change, SHOP, by=USER)
        return f"restarts {workload.name}"


@dataclass(frozen=True, slots=True)
class Retry:
    """Asks for another try of a failed check, or of one that has not failed yet."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, list(world.workloads.values()))
        if workload is None:
            return ""
        if rng.random() < 0.5:
            await _until(world, lambda: _has_failed(world, workload.name))
        marks = {wellknown.RETRY: f"{world.next_number()}"}
        await world.server.patch(workload.resource, workload.name, {"metadata": {"annotations": marks}}, SHOP, by=USER)
        return f"asks for another try of {workload.name}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Changes the number of replicas; for a DaemonSet, a node joins."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, list(world.workloads.values()))
        if workload is None:
            return ""
        if workload.kind == "DaemonSet":
            return f"adds {await world.add_node()}"
        replicas = rng.randint(0, 4)
        world.workloads[workload.name] = replace(workload, replicas=replicas)
        await world.server.patch(workload.resource, workload.name, {"spec": {"replicas": replicas}}, SHOP, by=USER)
        return f"scales {workload.name} to {replicas}"


@dataclass(frozen=True, slots=True)
class DeleteOne:
    """Deletes an object of a kind, any one."""

    luck: int
    resource: Resource

    async def do(self, world: "World") -> str:
        body = pick(random.Random(self.luck), world.server.list(self.resource, SHOP))
        if body is None:
            return ""
        await world.server.delete(self.resource, body["metadata"]["name"], SHOP, by=USER)
        return f"deletes {body['kind']} {body['metadata']['name']}"


@dataclass(frozen=True, slots=True)
class DeleteWorkload:
    """Deletes a workload, and perhaps applies it again later."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, list(world.workloads.values()))
        if workload is None:
            return ""
        del world.workloads[workload.name]
        await world.server.delete(
            workload.resource, workload.name, SHOP, by=USER, propagation=rng.choice(("Background", "Foreground"))
        )
        if rng.random() < 0.7:
            await world.sleep(rng.uniform(0.0, 6.0))
            await world.apply_when_gone(workload)
            return f"deletes {workload.kind} {workload.name}, and has applied it again"
        return f"deletes {workload.kind} {workload.name}"


@dataclass(frozen=True, slots=True)
class EditCheck:
    """Mends or breaks a check."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        check = pick(rng, list(world.checks.values()))
        if check is None:
            return ""
        script = Script(round(rng.uniform(0.05, 2.0), 2), rng.choice((0, 0, 9)))
        changed = replace(check, script=script, timeout=60)
        await world.define(changed)
        return f"edits {check.name}: {script}"


@dataclass(frozen=True, slots=True)
class DeleteCheck:
    """Deletes a definition, and makes it again a little later."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        check = pick(rng, list(world.checks.values()))
        if check is None:
            return ""
        try:
            await world.server.delete(resources.TASK_DEFINITIONS, check.name, check.namespace, by=USER)
        except errors.NotFound:
            return ""
        world.forgotten[check.name] = None
        await world.sleep(rng.uniform(0.01, 5.0))
        await world.define(check)
        return f"had deleted {check.name} for a while"


@dataclass(frozen=True, slots=True)
class DeleteScript:
    """Deletes the ConfigMap in which a check's script lies, and makes it again a little later, or much later (F41)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        check = pick(rng, [each for each in world.checks.values() if each.runs == "configmap"])
        if check is None:
            return ""
        body = check.code()
        name = body["metadata"]["name"]
        await world.server.delete(resources.CONFIGMAPS, name, check.namespace, by=USER)
        if rng.random() < 0.5:
            return f"deletes ConfigMap {name}"
        await world.sleep(rng.uniform(0.5, 10.0))
        if world.server.find(resources.CONFIGMAPS, name, check.namespace) is None:
            await world.server.create(resources.CONFIGMAPS, body, check.namespace, by=USER)
        return f"had deleted ConfigMap {name} for a while"


@dataclass(frozen=True, slots=True)
class ReplaceHeld:
    """Releases new content of a StatefulSet and deletes its held pods, which would stay as they are: others by the same
    names take their places (F51)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, [each for each in world.workloads.values() if each.kind == "StatefulSet"])
        if workload is None:
            return ""
        number = world.next_number()
        template = replace(workload.template, image=f"shop/{workload.name}:{number}", version=f"{number}.0")
        await world.apply(workload.with_template(template))
        await world.sleep(rng.uniform(0.0, 0.3))
        for pod in world.server.list(resources.PODS, SHOP):
            if controller_of(pod).get("name") == workload.name and held_by_us(pod):
                await world.server.delete(resources.PODS, pod["metadata"]["name"], SHOP, by=USER)
        return f"releases {workload.name} {template.version} and deletes its held pods"


@dataclass(frozen=True, slots=True)
class Evict:
    """A node under pressure ends a pod, or somebody drains the node; it is a check's most often."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        pods = [pod for pod in world.server.list(resources.PODS, SHOP) if pod["spec"].get("nodeName")]
        checks = [pod for pod in pods if controller_of(pod).get("kind") == "Job"]
        pod = pick(rng, checks or pods)
        if pod is None:
            return ""
        name = pod["metadata"]["name"]
        if rng.random() < 0.5:
            await world.kubelet.evict(SHOP, name)
            return f"pod {name} is evicted: its node is low on memory"
        await world.kubelet.drain(SHOP, name, by=USER)
        return f"pod {name} is drained off its node"


@dataclass(frozen=True, slots=True)
class LoseNode:
    """A node is gone, with all that ran on it; another joins."""

    luck: int

    async def do(self, world: "World") -> str:
        return await world.lose_node(random.Random(self.luck))


@dataclass(frozen=True, slots=True)
class JoinNodes:
    """Ten nodes join at once: a DaemonSet that has passed starts on them without another check (F52)."""

    async def do(self, world: "World") -> str:
        for _ in range(10):
            await world.add_node()
        return "ten nodes join"


@dataclass(frozen=True, slots=True)
class Strangers:
    """Pods that are none of our business: bare ones, and ones that have their node already (F53, F54)."""

    luck: int

    async def do(self, world: "World") -> str:
        number = world.next_number()
        spec: Json = {"containers": [{"name": "main", "image": "busybox"}], "restartPolicy": "Never"}
        keys = {wellknown.WORKLOAD: "stranger", wellknown.VERSION: "1"}
        bare = {"metadata": {"name": f"bare-{number}", "annotations": keys}, "spec": spec}
        placed = {"metadata": {"name": f"placed-{number}", "annotations": keys}, "spec": spec | {"nodeName": "node-1"}}
        for body in (bare, placed):
            await world.server.create(resources.PODS, body, SHOP, by=USER)
        return f"creates pods of nobody: bare-{number}, placed-{number}"


@dataclass(frozen=True, slots=True)
class Rehearse:
    """A dry run of a pod as a ReplicaSet would make it: the webhook is asked, and nothing is stored (F36)."""

    luck: int

    async def do(self, world: "World") -> str:
        replica_set = pick(random.Random(self.luck), world.server.list(resources.REPLICASETS, SHOP))
        if replica_set is None:
            return ""
        meta, template = replica_set["metadata"], replica_set["spec"]["template"]
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": meta["name"], "uid": meta["uid"]}
        body = {**template, "metadata": {**template["metadata"], "name": "rehearsal", "ownerReferences": [owner]}}
        try:
            await world.server.create(resources.PODS, body, SHOP, by=USER, dry_run=True)
        except errors.Unavailable:
            return ""
        if world.server.find(resources.PODS, "rehearsal", SHOP) is not None:
            world.finding("I5", "a dry run was stored")
        return f"rehearses a pod of {meta['name']}"


@dataclass(frozen=True, slots=True)
class WipeGates:
    """Somebody who may takes every gate off every pod, as some tools do."""

    luck: int

    async def do(self, world: "World") -> str:
        wiped = 0
        for pod in world.server.list(resources.PODS, SHOP):
            if pod["spec"].get("schedulingGates"):
                change = {"spec": {"schedulingGates": None}}
                await world.server.patch(resources.PODS, pod["metadata"]["name"], change, SHOP, by=BREAK_GLASS)
                wiped += 1
        return f"breaks the glass: takes all gates off {wiped} pods" if wiped else ""


@dataclass(frozen=True, slots=True)
class Scribble:
    """Others write on our objects all the time: each of our writes may meet a conflict."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        for number in range(20):
            for resource in (resources.TASKS, resources.WORKLOAD_VERSIONS, resources.DEPLOYMENTS, resources.PODS):
                body = pick(rng, world.server.list(resource, SHOP))
                if body is not None:
                    change = {"metadata": {"annotations": {"example.com/note": str(number)}}}
                    await world.server.patch(resource, body["metadata"]["name"], change, SHOP, by="scribbler")
            await world.sleep(rng.uniform(0.0, 0.05))
        return "another controller wrote notes on everything, eighty times"


@dataclass(frozen=True, slots=True)
class DeleteNamespace:
    """Deletes the namespace, with all that is in it, and does not come back."""

    luck: int

    async def do(self, world: "World") -> str:
        world.workloads.clear()
        await world.server.delete(resources.NAMESPACES, SHOP, by=USER)
        return f"deletes namespace {SHOP}"


async def _until(world: "World", there: Callable[[], bool]) -> None:
    """Waits for it, but not for ever."""
    deadline = world.seconds() + _LONGEST_SECONDS
    while not there() and world.seconds() < deadline:
        await world.sleep(0.5)


def _runs(world: "World", workload: str) -> bool:
    pods = [pod for pod in world.server.list(resources.PODS, SHOP) if _is_of(pod, workload)]
    return bool(pods) and not any(held_by_us(pod) for pod in pods)


def _has_failed(world: "World", workload: str) -> bool:
    return any(
        version["spec"]["workloadName"].endswith(f"-{workload}")
        and (version.get("status") or {}).get("status") == "Failed"
        for version in world.server.list(resources.WORKLOAD_VERSIONS, SHOP)
    )


def _is_of(pod: Json, workload: str) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get("app") == workload)


def _luck(make: Callable[[int], Act]) -> Callable[[random.Random], Act]:
    return lambda rng: make(rng.getrandbits(32))


def _deletes(resource: Resource) -> Callable[[random.Random], Act]:
    return lambda rng: DeleteOne(rng.getrandbits(32), resource)


# How often each is drawn, compared with the others.
DRAWS: tuple[tuple[int, Callable[[random.Random], Act]], ...] = (
    (8, _luck(Release)),
    (3, _luck(lambda luck: Release(luck, same_version=True))),
    (1, _luck(ManyReleases)),
    (4, _luck(RollBack)),
    (6, _luck(Restart)),
    (6, _luck(Retry)),
    (4, _luck(Scale)),
    (4, _deletes(resources.PODS)),
    (3, _deletes(resources.JOBS)),
    (3, _deletes(resources.TASKS)),
    (2, _deletes(resources.WORKLOAD_VERSIONS)),
    (1, _deletes(resources.WORKLOADS)),
    (1, _deletes(resources.CONFIGMAPS)),
    (3, _luck(DeleteWorkload)),
    (3, _luck(EditCheck)),
    (3, _luck(DeleteCheck)),
    (2, _luck(DeleteScript)),
    (4, _luck(ReplaceHeld)),
    (2, _luck(Evict)),
    (1, _luck(LoseNode)),
    (1, lambda rng: JoinNodes()),
    (2, _luck(Strangers)),
    (2, _luck(Rehearse)),
    (1, _luck(WipeGates)),
    (2, _luck(Scribble)),
    (1, _luck(DeleteNamespace)),
)
