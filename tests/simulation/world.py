"""A whole cluster with Holdfast in it, in memory and in simulated time, and what one seed makes of it."""

import asyncio
import bisect
import contextlib
import functools
import hashlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.admission.app import MUTATE_NAMESPACE, MUTATE_POD
from app.api import wellknown
from app.cluster import errors, resources
from app.cluster.api import Json
from app.lifecycle import keys
from tests.simulation import clock, loop, plan
from tests.simulation.acts.act import Act
from tests.simulation.acts.users import USER
from tests.simulation.apiserver.admission import Asked, Policy, Webhook
from tests.simulation.apiserver.client import FINE, REQUEST_SECONDS, Call, Client, Fate
from tests.simulation.apiserver.server import NODES, Server
from tests.simulation.apiserver.store import Change
from tests.simulation.appmanifests import Context, Goal, Written
from tests.simulation.behaviour import Behaviour
from tests.simulation.controllers.daemonsets import DaemonSetController
from tests.simulation.controllers.deployments import DeploymentController
from tests.simulation.controllers.garbage import GarbageCollector
from tests.simulation.controllers.jobs import JobController
from tests.simulation.controllers.kubelet import Kubelet
from tests.simulation.controllers.namespaces import NamespaceController
from tests.simulation.controllers.replicasets import ReplicaSetController
from tests.simulation.controllers.statefulsets import StatefulSetController
from tests.simulation.controllers.ttl import TtlController
from tests.simulation.holdfast.logs import ErrorLog
from tests.simulation.holdfast.processes import Process, WebhookProcess, WorkerProcess
from tests.simulation.holdfast.replicas import Replica
from tests.simulation.manifests import INSTALLATION, OFFICE, SHOP, Check, Template, Workload, namespace
from tests.simulation.others import ForeignGates, inject, only_we_open
from tests.simulation.plan import Plan
from tests.simulation.rules import reviews
from tests.simulation.rules.ending import Ending
from tests.simulation.rules.invariants import Invariants
from tests.simulation.rules.leadership import Leadership
from tests.simulation.rules.truth import Truth
from tests.simulation.rules.unattended import Unattended
from tests.simulation.telling import story
from tests.simulation.telling.result import Entry, Kind, Result

T = TypeVar("T")

# What an API server may say at any time; a controller that meets it says so in its log and tries again.
_REFUSALS = ("Forbidden", "Invalid", "NotFound", "ApiError", "GateRefused")
_OWNERS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Deployment", "Rollout")
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease", INSTALLATION)
# Seconds that everything has to come to its end when nothing goes wrong any more: a retry of a Job waits 10, 20, 40 s,
# a lost watch is noticed after some 5 minutes, and a controller whose pods were refused again and again waits up to
# 1000 s before it tries once more.
_PATIENCE = 1200.0
_GLANCE = 1.0
# For so many seconds a word of a person may be unheard: where news is late, and where it is not.
LATE, PROMPT = 120.0, 5.0
_SLOWEST_SECONDS = 40.0  # a request of ``faults.LateWrites``; one into a cut network is given up before
_UNASKED = (
    keys.PRE_TASKS,
    keys.PRE_EVALUATIONS,
    keys.POST_TASKS,
    keys.POST_EVALUATIONS,
    wellknown.CHECK_POLICY,
)
# A gate whose checks have passed opens within that many seconds of the verdict, once somebody leads and hears again.
_PROMPT_SECONDS = 12.0
# Then nothing is written for so long, apart from what slow checks have to say.
_QUIET_SECONDS = 12.0
_QUIET_WRITES = 6
_QUIET_READS = 12
# The webhook hears again once its last request from the time of a fault has timed out and it has asked once more.
_HEARS_SECONDS = REQUEST_SECONDS + 10.0
# So long after a pod was deleted there is another one in its place.
_REPLACED_SECONDS = 4.0


def run(seed: int, *, keep_log: bool = False, calm: bool = False) -> Result:
    """Everything that `seed` decides, from the first object to the last. The same seed gives the same result."""
    return play(plan.calm(seed) if calm else plan.draw(seed), keep_log=keep_log)


def play(drawn: Plan, *, keep_log: bool = False, tell: Callable[[str], None] | None = None) -> Result:
    """As ``run``, of a plan that somebody has written. `tell` hears of each finding as soon as it is made."""
    began = time.process_time()
    with ErrorLog() as log:
        world = loop.run(_life(drawn, keep_log, tell))
    for (message, error), count in log.findings.items():
        if error in _REFUSALS:
            continue
        world.finding("bug", f"{message}: {error}, {count} times; the first: {(log.first or [''])[0]}")
    return world.result(time.process_time() - began)


async def _life(drawn: Plan, keep_log: bool, tell: Callable[[str], None] | None) -> "World":
    world = World(drawn, keep_log, tell)
    await world.live()
    return world


class World:
    def __init__(self, drawn: Plan, keep_log: bool, tell: Callable[[str], None] | None = None) -> None:
        self.plan = drawn
        self._tell = tell
        self.server = Server(self.rng("server"))
        self.truth = Truth(self.server)
        self.invariants = Invariants(self.server, self.truth, self.finding)
        self._leadership = None if drawn.two_leaders else Leadership(self.server, self.finding)
        self.behaviour = Behaviour(self.server)
        self.workloads: dict[str, Workload] = {}
        self.history: dict[str, list[Template]] = {}
        self.checks: dict[str, Check] = {check.name: check for check in drawn.checks}
        self.goals: dict[str, Goal] = {goal.name: goal for goal in drawn.goals}
        self.contexts: dict[str, Context] = {context.app: context for context in drawn.contexts}
        self.written: dict[str, Written] = {written.app: written for written in drawn.written}
        self.forgotten: dict[str, None] = dict.fromkeys(drawn.late)  # definitions that are not there now
        self.outage_until = 0.0
        self.counts: Counter[str] = Counter()
        self.end = 0.0
        self.truth.policies.late = LATE if drawn.news_is_late else PROMPT
        self._ending = Ending(self.server, self.truth)
        self._findings: dict[str, None] = {}
        self._entries: list[Entry] | None = [] if keep_log else None
        self._digest = hashlib.sha256()
        self._changes = 0
        self._ours = 0
        self._number = 1
        self._luck = self.rng("luck")
        self._nodes: list[str] = []
        self.server.subscribe(self._seen)
        self.kubelet = Kubelet(self.server, self.rng("kubelet"), self.behaviour)
        self._controllers = [make(self.server, self.rng(make.__name__)) for make in _CONTROLLERS]
        self.workers = [self._replica(f"worker-{n + 1}", WorkerProcess) for n in range(drawn.workers)]
        self.webhooks = [self._replica(f"webhook-{n + 1}", WebhookProcess) for n in range(drawn.webhooks)]
        self.server.policies.append(only_we_open)
        self._hooks()

    def rng(self, name: str) -> random.Random:
        """Chance of its own for each part, so that one part drawing more does not change the others."""
        return random.Random(f"{self.plan.seed}-{name}")

    # From the beginning to the end

    async def live(self) -> None:
        cluster = [asyncio.create_task(part.run()) for part in (self.kubelet, *self._controllers)]
        if self.plan.injects or any(workload.gates for workload in self.plan.workloads):
            cluster.append(asyncio.create_task(ForeignGates(self.server, self.rng("others")).run()))
        holdfast = [asyncio.create_task(replica.run()) for replica in (*self.workers, *self.webhooks)]
        acts = [asyncio.create_task(self._act(at, act)) for at, act in self.plan.acts]
        await self._begin()
        await self.sleep(max(0.0, self.plan.length - self.seconds()))
        await asyncio.gather(*acts)
        await self._mend()
        await self._wait_for_the_end()
        self._were_left_in_peace()
        for task in holdfast[: len(self.workers)]:
            task.cancel()
        await self._do_without_workers()
        self.end = self.seconds()
        for replica in (*self.workers, *self.webhooks):
            replica.crash()
        for task in cluster:
            if task.done():
                self.finding("simulation", f"a part of the cluster has stopped by itself: {task.exception()!r}")
        for task in (*holdfast, *cluster):
            task.cancel()
        await asyncio.wait((*holdfast, *cluster))

    async def _begin(self) -> None:
        for _ in range(self.plan.nodes):
            await self.add_node()
        for body in (namespace(INSTALLATION, opted_in=False), namespace(SHOP, opted_in=True)):
            await self.must(functools.partial(self.server.create, resources.NAMESPACES, body, by=USER))
        if self.plan.bystander:
            await self._leave_in_peace()
        rng = self.rng("begin")
        for check in self.plan.checks:
            if check.name not in self.plan.late:
                await self.define(check, secrets=rng.random() < 0.5)
        await self._begin_apps()
        for workload in self.plan.workloads:
            with contextlib.suppress(errors.Forbidden):  # the namespace may be deleted by now
                await self.apply(workload)
            if not self.plan.together:
                await self.sleep(rng.choice((0.0, 0.0, 0.1, 1.0)))
        for context in self.plan.contexts:
            if context.seconds >= 0:
                await self.sleep(context.seconds)
                with contextlib.suppress(errors.Forbidden):
                    await self.put(context.body())

    async def _begin_apps(self) -> None:
        """What people write of apps before they deploy them."""
        if self.plan.policy:
            marks = {wellknown.CHECK_POLICY: self.plan.policy}
            change = {"metadata": {"annotations": marks}}
            await self.must(functools.partial(self.server.patch, resources.NAMESPACES, SHOP, change, by=USER))
        for body in self.plan.configs:
            await self.put(body)
        for goal in self.plan.goals:
            await self.aim(goal)
        for context in self.plan.contexts:
            if context.seconds < 0:
                await self.put(context.body())

    async def _leave_in_peace(self) -> None:
        """Elsewhere somebody uses our keys and never asked for us: nothing of ours may be in the way."""
        await self.server.create(resources.NAMESPACES, namespace(OFFICE, opted_in=False), by=USER)
        await self._apply(Workload("bystander", replicas=2, namespace=OFFICE).body())

    async def _act(self, at: float, act: Act) -> None:
        await self.sleep(at)
        began = self.seconds()
        try:
            said = await act.do(self)
        except (errors.NotFound, errors.Conflict, errors.Forbidden, errors.Unavailable) as error:
            said = f"{type(act).__name__}: in vain ({error.reason})"  # others were faster; that happens to people too
        if said:
            self.counts[type(act).__name__] += 1
            kind: Kind = "fault" if type(act).__module__.endswith("faults") else "user"
            self.say(kind, said, began)
            if kind == "fault" and self.seconds() > began:
                self.say(kind, f"over: {said}")

    async def _mend(self) -> None:
        """People put right what they forgot, once nothing goes wrong any more."""
        self.say("cluster", "from here on nothing goes wrong any more")
        for replica in (*self.workers, *self.webhooks):
            replica.client.network.fate = self._fate
        ending = self.server.find(resources.NAMESPACES, SHOP)
        if ending is None or "deletionTimestamp" in ending["metadata"]:
            return
        await self._hear_what_is_missing()
        for check in self.checks.values():
            await self.define(check)
        for goal in self.goals.values():
            await self.aim(goal)
        for written in self.written.values():
            await self.write(written)

    async def _hear_what_is_missing(self) -> None:
        """Whatever waits for what people forgot says so by itself, or they would never know what to mend."""
        deadline = self.seconds() + _PATIENCE
        while (silent := self._ending.silent()) and self.seconds() < deadline:
            await self.sleep(_GLANCE)
        for text in silent:
            self.finding("I3", text)

    async def _wait_for_the_end(self) -> None:
        """Until all is done and nothing is written any more. What still is not then, is a finding."""
        deadline = self.seconds() + _PATIENCE
        while self.seconds() < deadline:
            await self._wait_until_all_is_done(deadline)
            before, asked = self._ours, self._reads()
            await self.sleep(_QUIET_SECONDS)
            written, read = self._ours - before, self._reads() - asked
            if written <= _QUIET_WRITES and read <= _QUIET_READS and not self._ending.unfinished():
                return
        for text in self._ending.unfinished():
            self.counts["stuck_gates"] += text.startswith("pod ")
            self.finding("I3", f"{text}, {_PATIENCE:.0f} s after the last fault")
        if written > _QUIET_WRITES:
            self.finding("quiet", f"{written} writes in {_QUIET_SECONDS:.0f} s, and all was done before")
        if read > _QUIET_READS:
            self.finding("quiet", f"{read} reads in {_QUIET_SECONDS:.0f} s, and all was done before")

    def _reads(self) -> int:
        """How often the workers that run have read an object."""
        return sum(
            number
            for worker in self.workers
            for call, number in worker.client.counts.items()
            if call.startswith("get ") and not call.endswith("leases")
        )

    def _were_left_in_peace(self) -> None:
        for hook in self.server.webhooks:
            for text in hook.denials:
                if f" {OFFICE}/" in text:
                    self.finding("I6", f"a pod of a namespace that did not opt in was denied: {text}")

    async def _do_without_workers(self) -> None:
        """What has passed needs nobody any more. Where nobody does anything, the end is not made longer."""
        if not self.plan.acts:
            return
        for worker in self.workers:
            worker.crash()
        await self.sleep(_HEARS_SECONDS)
        if any(watch.silent for webhook in self.webhooks for watch in webhook.client.watches):
            return  # it has not heard of the pass
        unattended = Unattended(self.server, self.truth, self.finding)
        await unattended.replace()
        await self.sleep(_REPLACED_SECONDS)
        unattended.check()

    async def _wait_until_all_is_done(self, deadline: float) -> None:
        since: dict[str, float] = {}
        # What was sent into a network that was cut off, or is slow, may still be on its way, and its sender waits.
        on_its_way = self.counts["Partition"] or self.counts["LateWrites"]
        waits_until = self.seconds() + _SLOWEST_SECONDS if on_its_way else 0.0
        while self._ending.unfinished() and self.seconds() < deadline:
            await self.sleep(_GLANCE)
            leader = self.leader()
            waits = self.seconds() < waits_until
            if waits or leader is None or any(watch.silent for watch in leader.client.watches):
                since.clear()
            for uid, name in self._ending.overdue().items():
                if self.seconds() - since.setdefault(uid, self.seconds()) > _PROMPT_SECONDS:
                    self.finding("I3", f"the gate of pod {name} stays for {_PROMPT_SECONDS:.0f} s after the verdict")

    # What people and faults do

    async def apply(self, workload: Workload) -> None:
        """kubectl apply."""
        self.workloads[workload.name] = workload
        known = self.history.setdefault(workload.name, [])
        if not known or known[-1] != workload.template:
            known.append(workload.template)
            self.counts["rollouts"] += 1
        await self._apply(workload.body(), _UNASKED)
        written = self.written.get(workload.app)
        if written is not None and written.follows == "at once":
            await self.write(written)

    async def apply_when_gone(self, workload: Workload) -> None:
        """As ``apply``, after waiting for one of that name that is being deleted."""
        for _ in range(100):
            if self.server.find(workload.resource, workload.name, SHOP) is None:
                await self.apply(workload)
                return
            await self.sleep(0.3)

    async def define(self, check: Check, *, secrets: bool = True) -> None:
        """Makes a definition, or changes it, and what it refers to."""
        self.checks[check.name] = check
        self.forgotten.pop(check.name, None)
        for body in check.bodies():
            await self._apply(body)
        if check.runs == "configmap":
            await self._apply(check.code())
        if check.secret and secrets:
            metadata = {"name": check.secret, "namespace": check.namespace}
            for namespace_ in dict.fromkeys((check.namespace, SHOP)):
                secret = {"metadata": metadata | {"namespace": namespace_}, "data": {"SECURE_DATA": "c2VjcmV0"}}
                await self._apply({"apiVersion": "v1", "kind": "Secret", **secret})

    async def aim(self, goal: Goal) -> None:
        """Makes a KeptnEvaluationDefinition, or changes it, and the metrics that are not there yet."""
        self.goals[goal.name] = goal
        await self.put(goal.body())
        for body, status in goal.metric_bodies():
            if self.server.find(resources.METRICS, body["metadata"]["name"], SHOP) is None:
                await self.measure(body, status)

    async def measure(self, body: Json, status: Json) -> None:
        """Makes a KeptnMetric, or has it say something else."""
        name = body["metadata"]["name"]
        if self.server.find(resources.METRICS, name, SHOP) is None:
            await self.server.create(resources.METRICS, body, SHOP, by=USER)
        await self.server.patch(resources.METRICS, name, {"status": status}, SHOP, by=USER, subresource="status")

    async def write(self, written: Written) -> None:
        """Applies a KeptnApp that a person writes, with all workloads of that name as they are now."""
        self.written[written.app] = written
        mine = [each for each in self.workloads.values() if each.app == written.app and each.managed]
        if mine:
            await self.put(written.body(each.reference for each in mine))

    async def put(self, body: Json) -> None:
        """kubectl replace, or create."""
        resource = next(each for each in _PUT if each.kind == body["kind"])
        name, home = body["metadata"]["name"], body["metadata"]["namespace"]
        if self.server.find(resource, name, home) is None:
            await self.server.create(resource, body, home, by=USER)
        else:
            spec = body["spec"]
            await self.server.update(resource, name, home, lambda there: there.update(spec=spec), by=USER)

    async def must(self, call: Callable[[], Awaitable[T]]) -> T:
        """A request that its sender repeats until somebody is there to admit it."""
        while True:
            try:
                return await call()
            except errors.Unavailable:
                await self.sleep(0.3)

    async def add_node(self) -> str:
        self._nodes.append(f"node-{len(self._nodes) + 1}")
        body = {"metadata": {"name": self._nodes[-1], "labels": {"kubernetes.io/hostname": self._nodes[-1]}}}
        await self.server.create(NODES, body, by="kubelet")
        return self._nodes[-1]

    async def lose_node(self, rng: random.Random) -> str:
        nodes = self.server.list(NODES)
        if not nodes:
            return ""
        name = rng.choice(nodes)["metadata"]["name"]
        new = await self.add_node()
        await self.kubelet.lose(name)
        return f"{name} is lost, {new} has joined"

    @contextmanager
    def policy(self, policy: Policy) -> Iterator[None]:
        """While entered, the API server asks this one too."""
        self.server.policies.append(policy)
        try:
            yield
        finally:
            self.server.policies.remove(policy)

    def leader(self) -> Replica | None:
        return next((worker for worker in self.workers if worker.leading), None)

    def clients(self) -> list[Client]:
        return [replica.client for replica in (*self.workers, *self.webhooks)]

    def any_client(self, rng: random.Random) -> Client | None:
        """One of a process that runs; a worker's most often."""
        alive = [replica for replica in (*self.workers, *self.workers, *self.webhooks) if replica.alive]
        return rng.choice(alive).client if alive else None

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def seconds(self) -> float:
        return clock.seconds()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # What is seen of it

    def say(self, kind: Kind, text: str, at: float | None = None) -> None:
        """Puts it into the log, where it belongs by its time if that is not now."""
        if self._entries is not None:
            entry = Entry(clock.seconds() if at is None else at, kind, text, kind)
            bisect.insort(self._entries, entry, key=lambda each: each.time)

    def finding(self, rule: str, text: str) -> None:
        """Something that must not be."""
        said = f"{rule}: {text}"
        if said not in self._findings:
            self._findings[said] = None
            if self._tell is not None:
                self._tell(said)
            if self._entries is not None:
                at = self._entries[-1].time if self._entries else 0.0
                self._entries.append(Entry(at, "finding", said, "finding"))

    def result(self, cpu: float) -> Result:
        counts = self.counts | {
            "jobs": sum(len(task.jobs) for task in self.truth.tasks.values()),
            "gates_opened": self.invariants.opened,
            "bypasses": len(self.invariants.bypassed),
            "duplicate_jobs": self.invariants.duplicates,
            "false_openings": self.invariants.false_openings,
            "crashes": self.counts["crashes"],
            "stuck_gates": self.counts["stuck_gates"],
        }
        log = tuple(self._entries or ())
        digest = self._digest.hexdigest()
        return Result(self.plan.seed, tuple(self._findings), self.end, cpu, self._changes, digest, dict(counts), log)

    def _seen(self, change: Change) -> None:
        meta = change.body["metadata"]
        line = f"{change.version} {change.time:.6f} {change.by} {change.verb} {change.resource.plural} {meta['name']}\n"
        self._digest.update(line.encode())
        self._changes += 1
        if self._entries is not None and (entry := story.describe(change)) is not None:
            self._entries.append(entry)
        self._ours += change.by.startswith("worker") and change.resource not in (resources.LEASES, resources.EVENTS)
        self.truth.see(change)
        self.invariants.check(change)

    def _ended(self, name: str, error: BaseException | None) -> None:
        self.counts["crashes"] += 1
        self.say("fault", f"{name} has ended{f': {error}' if error else ''}")

    # How the parts are put together

    def _replica(self, name: str, kind: type[WorkerProcess] | type[WebhookProcess]) -> Replica:
        def make(name: str, client: Client, rng: random.Random) -> Process:
            if kind is WorkerProcess and self.plan.two_leaders:
                return WorkerProcess(name, client, rng, LEASE_NAME=f"lease-of-{name}")
            return kind(name, client, rng)

        latency, fate, rng = self.plan.latency, self._fate, self.rng(name)
        return Replica(name, make, self.server, rng, latency=latency, fate=fate, ended=self._ended)

    def _fate(self, call: Call) -> Fate:
        if self._leadership is not None:
            self._leadership.sent(call)
        if clock.seconds() < self.outage_until:
            return Fate(refuse=errors.Unavailable(0, "ConnectionFailed", "connection refused"))
        return FINE

    def _hooks(self) -> None:
        pods = Webhook("mpod.keptn.sh", _holds, lambda body: self._ask(MUTATE_POD, body))
        namespaces = Webhook("mnamespace.keptn.sh", _mirrors, lambda body: self._ask(MUTATE_NAMESPACE, body))
        self.server.webhooks = [pods, namespaces]
        if self.plan.injects:
            self.server.webhooks += [Webhook("other.example.com", _holds, inject), pods]

    async def _ask(self, path: str, body: bytes) -> bytes:
        ready = [replica for replica in self.webhooks if replica.ready]
        if not ready:
            raise ConnectionError("no endpoints available for service lifecycle-webhook-service")
        answer = await self._luck.choice(ready).review(path, body)
        for rule, text in reviews.faults(path, body, answer, self.truth.opted_in):
            self.finding(rule, text)
        return answer

    async def _apply(self, body: Json, unless: tuple[str, ...] = ()) -> None:
        """kubectl apply. The annotations `unless` go where they are not wanted any more."""
        resource = next(each for each in _APPLIED if each.kind == body["kind"])
        name, home = body["metadata"]["name"], body["metadata"].get("namespace", "")
        if self.server.find(resource, name, home) is None:
            await self.server.create(resource, body, home, by=USER)
        else:
            marks = [body["metadata"], body["spec"]["template"]["metadata"]] if unless else []
            for metadata in marks:
                metadata["annotations"] = dict.fromkeys(unless) | metadata["annotations"]
            await self.server.patch(resource, name, body, home, by=USER)


_CONTROLLERS = (
    DeploymentController,
    ReplicaSetController,
    StatefulSetController,
    DaemonSetController,
    JobController,
    TtlController,
    GarbageCollector,
    NamespaceController,
)

_PUT = (
    resources.APPS,
    resources.APP_CONTEXTS,
    resources.EVALUATION_DEFINITIONS,
    resources.CONFIGS,
)

_APPLIED = (
    resources.DEPLOYMENTS,
    resources.STATEFULSETS,
    resources.DAEMONSETS,
    resources.REPLICASETS,
    resources.TASK_DEFINITIONS,
    resources.CONFIGMAPS,
    resources.SECRETS,
)


def _holds(asked: Asked, home: Json | None) -> bool:
    """The pod webhook's rules, namespace selector and match conditions, as the chart has them."""
    if asked.resource != resources.PODS or asked.operation != "CREATE" or home is None:
        return False
    labels = home["metadata"].get("labels") or {}
    owners = asked.new["metadata"].get("ownerReferences") or ()
    return (
        labels.get(wellknown.LABEL) == wellknown.LABEL_NAMESPACE
        and asked.namespace not in _SYSTEM
        and any(owner["kind"] in _OWNERS for owner in owners)
        and not asked.new["spec"].get("nodeName")
    )


def _mirrors(asked: Asked, home: Json | None) -> bool:
    """The namespace webhook's: only where the opt-in is said or its mirror stands."""
    if asked.resource != resources.NAMESPACES or asked.name in _SYSTEM:
        return False
    meta = asked.new["metadata"]
    return wellknown.NAMESPACE_OPT_IN in (meta.get("annotations") or {}) or wellknown.LABEL in (
        meta.get("labels") or {}
    )
