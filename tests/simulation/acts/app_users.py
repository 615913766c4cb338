"""What people do with apps, evaluations, policies and KeptnConfigs while rollouts are under way."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation.acts.act import Act, pick
from tests.simulation.acts.users import USER, DeleteOne
from tests.simulation.appmanifests import CONFIG, Context, config, metric
from tests.simulation.manifests import BROKEN, INSTALLATION, SHOP

if TYPE_CHECKING:
    from tests.simulation.world import World

_POLICIES = ("enforce", "warn", "observe", "", "nonsense")


@dataclass(frozen=True, slots=True)
class EditContext:
    """Writes a KeptnAppContext, or another one in its place."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        apps = list(dict.fromkeys(each.app or each.name for each in world.workloads.values() if each.managed))
        app = pick(rng, apps)
        if app is None:
            return ""
        checks, goals = list(world.checks), list(world.goals)
        context = Context(
            app,
            checks=_some(rng, checks),
            goals=_some(rng, goals),
            after=_some(rng, checks),
            goals_after=_some(rng, goals),
            metadata=(("release", str(world.next_number())),) if rng.random() < 0.5 else (),
        )
        world.contexts[app] = context
        await world.put(context.body())
        return f"writes KeptnAppContext {app}: {', '.join(context.checks + context.goals) or 'nothing'} first"


@dataclass(frozen=True, slots=True)
class DeleteContext:
    """Deletes a KeptnAppContext, and perhaps applies it again."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        there = pick(rng, world.server.list(resources.APP_CONTEXTS, SHOP))
        if there is None:
            return ""
        name = there["metadata"]["name"]
        await world.server.delete(resources.APP_CONTEXTS, name, SHOP, by=USER)
        if rng.random() < 0.5 and name in world.contexts:
            await world.sleep(rng.uniform(0.1, 3.0))
            await world.put(world.contexts[name].body())
            return f"had deleted KeptnAppContext {name} for a while"
        return f"deletes KeptnAppContext {name}"


@dataclass(frozen=True, slots=True)
class ChangeMetric:
    """A metric says something else, or nothing that could be compared."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        goal = pick(rng, list(world.goals.values()))
        if goal is None:
            return ""
        name, value = rng.choice(goal.metrics), rng.choice(("5", "20", "20", "no number", ""))
        await world.measure(*metric(name, value))
        return f"metric {name} says {value or 'nothing'}"


@dataclass(frozen=True, slots=True)
class EditGoal:
    """Another target, or none for a while."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        goal = pick(rng, list(world.goals.values()))
        if goal is None:
            return ""
        if rng.random() < 0.5:
            changed = replace(goal, bounds=tuple(rng.choice((">10", "<10", ">=20")) for _ in goal.bounds))
            await world.aim(changed)
            return f"edits {goal.name}: {', '.join(changed.bounds)}"
        await world.server.delete(resources.EVALUATION_DEFINITIONS, goal.name, SHOP, by=USER)
        await world.sleep(rng.uniform(0.1, 5.0))
        await world.aim(goal)
        return f"had deleted {goal.name} for a while"


@dataclass(frozen=True, slots=True)
class UpdateApp:
    """Brings a KeptnApp that a person wrote to what is deployed, perhaps as another version of it."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        written = pick(rng, list(world.written.values()))
        if written is None:
            return ""
        changed = replace(written, version=written.version + rng.choice((0, 1)), follows=rng.choice(_FOLLOWS))
        await world.write(changed)
        return f"updates KeptnApp {changed.app} to app-{changed.version}; it follows {changed.follows}"


_FOLLOWS = ("at once", "later")


@dataclass(frozen=True, slots=True)
class BumpApp:
    """Another revision of a KeptnApp, whoever wrote it: its checks are made again."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        there = pick(rng, world.server.list(resources.APPS, SHOP))
        if there is None:
            return ""
        name, revision = there["metadata"]["name"], there["spec"].get("revision", 1) + 1
        if name in world.written:
            world.written[name] = replace(world.written[name], revision=revision)
        await world.server.patch(resources.APPS, name, {"spec": {"revision": revision}}, SHOP, by=USER)
        return f"asks for the checks of KeptnApp {name} again: revision {revision}"


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Says how much checks count: on a workload, an app, or for all in the namespace."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        word = rng.choice(_POLICIES)
        change: Json = {"metadata": {"annotations": {wellknown.CHECK_POLICY: word or None}}}
        workload = pick(rng, list(world.workloads.values()))
        where = rng.choice(("workload", "workload", "namespace", "app"))
        if where == "workload" and workload is not None:
            world.workloads[workload.name] = replace(workload, policy=word)
            await world.server.patch(workload.resource, workload.name, change, SHOP, by=USER)
            return f"sets the policy of {workload.name} to {word or 'nothing'}"
        app = pick(rng, world.server.list(resources.APPS, SHOP))
        if where == "app" and app is not None:
            await world.server.patch(resources.APPS, app["metadata"]["name"], change, SHOP, by=USER)
            return f"sets the policy of KeptnApp {app['metadata']['name']} to {word or 'nothing'}"
        await world.server.patch(resources.NAMESPACES, SHOP, change, by=USER)
        return f"sets the policy of namespace {SHOP} to {word or 'nothing'}"


@dataclass(frozen=True, slots=True)
class SetConfig:
    """Writes the KeptnConfig, where it counts or where it does not, or deletes it."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        home = rng.choice((INSTALLATION, INSTALLATION, SHOP))
        there = world.server.find(resources.CONFIGS, CONFIG, home)
        if there is not None and rng.random() < 0.4:
            await world.server.delete(resources.CONFIGS, CONFIG, home, by=USER)
            return f"deletes the KeptnConfig of {home}"
        blocks, timeout = rng.random() < 0.5, rng.choice(("15s", "40s", "5m"))
        await world.put(config(home, blockDeployment=blocks, observabilityTimeout=timeout))
        return f"writes a KeptnConfig in {home}: checks {'block' if blocks else 'do not block'}, timeout {timeout}"


@dataclass(frozen=True, slots=True)
class RunByHand:
    """A KeptnTask of nobody."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        check = pick(rng, list(world.checks.values()))
        if check is None:
            return ""
        name = f"by-hand-{world.next_number()}"
        spec: Json = {"taskDefinition": check.name, "retries": rng.choice((0, 1)), "timeout": "60s"}
        spec["context"] = {"appName": "shop", "appVersion": "1", "objectType": "", "taskType": "", "workloadName": ""}
        await world.server.create(resources.TASKS, {"metadata": {"name": name}, "spec": spec}, SHOP, by=USER)
        return f"runs {check.name} by hand, as KeptnTask {name}"


@dataclass(frozen=True, slots=True)
class Ask:
    """The same image asks for other checks, before and after."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, [each for each in world.workloads.values() if each.kind != "ReplicaSet"])
        if workload is None:
            return ""
        checks, goals = list(world.checks), list(world.goals)
        template = replace(
            workload.template,
            image=f"shop/{workload.name}:{world.next_number()}",
            checks=_some(rng, checks),
            goals=_some(rng, goals),
            after=_some(rng, checks),
            goals_after=_some(rng, goals),
        )
        await world.apply(workload.with_template(template))
        return f"releases {workload.name} ({template.image}), checks after it: {', '.join(template.after) or 'none'}"


@dataclass(frozen=True, slots=True)
class ReleaseBroken:
    """New content whose pods never get ready; perhaps it is mended later."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workload = pick(rng, [each for each in world.workloads.values() if each.kind in ("Deployment", "DaemonSet")])
        if workload is None:
            return ""
        number = world.next_number()
        old = workload.template
        broken = replace(old, image=f"shop/{workload.name}-{BROKEN}:{number}", version=f"{number}.0")
        await world.apply(workload.with_template(broken))
        if rng.random() < 0.5:
            await world.sleep(rng.uniform(1.0, 15.0))
            mended = replace(old, image=f"shop/{workload.name}:{number}a", version=f"{number}.1")
            if workload.name in world.workloads:
                await world.apply(world.workloads[workload.name].with_template(mended))
            return f"had released {broken.image}, whose pods never get ready, and has mended it"
        return f"releases {broken.image}, whose pods never get ready"


def _some(rng: random.Random, among: list[str]) -> tuple[str, ...]:
    return tuple(sorted(rng.sample(among, rng.randint(0, len(among)))))


def _luck(make: Callable[[int], Act]) -> Callable[[random.Random], Act]:
    return lambda rng: make(rng.getrandbits(32))


def _deletes(resource: Resource) -> Callable[[random.Random], Act]:
    return lambda rng: DeleteOne(rng.getrandbits(32), resource)


# How often each is drawn, compared with the others.
DRAWS: tuple[tuple[int, Callable[[random.Random], Act]], ...] = (
    (6, _luck(EditContext)),
    (2, _luck(DeleteContext)),
    (6, _luck(ChangeMetric)),
    (3, _luck(EditGoal)),
    (4, _luck(UpdateApp)),
    (4, _luck(BumpApp)),
    (5, _luck(SetPolicy)),
    (5, _luck(SetConfig)),
    (3, _luck(RunByHand)),
    (5, _luck(Ask)),
    (3, _luck(ReleaseBroken)),
    (1, _deletes(resources.APPS)),
    (2, _deletes(resources.APP_VERSIONS)),
    (1, _deletes(resources.EVALUATIONS)),
    (1, _deletes(resources.METRICS)),
)
