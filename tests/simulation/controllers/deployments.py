"""Rolls a Deployment's template out: one ReplicaSet for each template, the new one grown while the old ones shrink."""

from collections.abc import Iterable

from app.api.wellknown import DEPLOYMENT_REVISION, POD_TEMPLATE_HASH
from app.cluster import errors, resources
from app.cluster.api import Json
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import objects, progress
from tests.simulation.controllers.base import Controller, Key
from tests.simulation.controllers.rollout import DESIRED, MAXIMUM, Rollout, age, replicas

HISTORY = "deployment.kubernetes.io/revision-history"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOT_COPIED = frozenset({_LAST_APPLIED, DEPLOYMENT_REVISION, HISTORY, DESIRED, MAXIMUM})
_KEPT_REVISIONS = 10
_ALL_REVISIONS = 2**31 - 1


class DeploymentController(Controller):
    """One step of a rollout at a time: what it writes tells it to look again."""

    name = "deployment-controller"
    resource = resources.DEPLOYMENTS
    watches = (resources.DEPLOYMENTS, resources.REPLICASETS, resources.PODS)

    def keys(self, change: Change) -> Iterable[Key]:
        if change.resource != resources.PODS:
            yield from super().keys(change)
        elif change.new is None:
            # The last old pod's end is what Recreate waits for.
            namespace = change.body["metadata"]["namespace"]
            for owner in change.body["metadata"].get("ownerReferences") or ():
                replica_set = self.server.find(resources.REPLICASETS, owner["name"], namespace)
                for above in replica_set["metadata"].get("ownerReferences") or () if replica_set else ():
                    yield namespace, above["name"]

    async def reconcile(self, namespace: str, name: str) -> None:
        deployment = self.server.find(resources.DEPLOYMENTS, name, namespace)
        if deployment is None or objects.is_ending(deployment):
            return
        rollout = self._rollout(deployment)
        if await self._said_paused(deployment) or await self._numbered(rollout):
            return
        paused = deployment["spec"].get("paused", False)
        if paused or rollout.is_scaled():
            for which, size in rollout.scaled_sizes().items():
                await self._scale(rollout, which, size)
            if paused:
                await self._clean_up(rollout)
            await self._write(deployment, progress.counted(self._rollout(deployment)))
            return
        if rollout.is_rolling:
            await self._roll(rollout)
        else:
            await self._recreate(rollout)

    def _rollout(self, deployment: Json) -> Rollout:
        hash_ = objects.hash_of(deployment["spec"]["template"])
        everything = sorted(objects.controlled(self.server, deployment, "ReplicaSet"), key=age)
        new = next((each for each in everything if each["metadata"]["labels"].get(POD_TEMPLATE_HASH) == hash_), None)
        return Rollout(deployment, new, [each for each in everything if each is not new])

    # One step

    async def _roll(self, rollout: Rollout) -> None:
        if rollout.new is None:
            await self._create(rollout)
            return
        size = rollout.new_size()
        if size != replicas(rollout.new):
            await self._scale(rollout, rollout.new["metadata"]["name"], size)
        elif smaller := rollout.smaller_old():
            for which, fewer in smaller.items():
                await self._scale(rollout, which, fewer)
        elif progress.is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
            await self._clean_up(rollout)
        await self._report(rollout)

    async def _recreate(self, rollout: Rollout) -> None:
        active = [each for each in rollout.old if replicas(each)]
        if active:
            for each in active:
                await self._scale(rollout, each["metadata"]["name"], 0)
        elif self._has_old_pods(rollout):
            pass
        elif rollout.new is None:
            await self._create(rollout)
            return
        elif replicas(rollout.new) != rollout.wanted:
            await self._scale(rollout, rollout.new["metadata"]["name"], rollout.wanted)
        elif progress.is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
            await self._clean_up(rollout)
        await self._report(rollout)

    def _has_old_pods(self, rollout: Rollout) -> bool:
        pods = (pod for each in rollout.old for pod in objects.controlled(self.server, each, "Pod"))
        return any(objects.phase(pod) not in objects.ENDED for pod in pods)

    async def _report(self, rollout: Rollout) -> None:
        deployment = rollout.deployment
        status = progress.progressed(self._rollout(deployment))
        if status != deployment.get("status"):
            await self._write(deployment, status)
        elif (again := progress.look_again(deployment)) is not None:
            self.after(again, (deployment["metadata"]["namespace"], deployment["metadata"]["name"]))

    async def _write(self, deployment: Json, status: Json, annotations: dict[str, str] | None = None) -> None:
        await objects.write_status(
            self.server, resources.DEPLOYMENTS, deployment, status, by=self.name, annotations=annotations
        )

    # Its parts

    async def _said_paused(self, deployment: Json) -> bool:
        """Whether the condition had to be told that somebody has paused or resumed it: the deadline rests meanwhile."""
        current = objects.condition(deployment, progress.PROGRESSING)
        reason = current["reason"] if current else ""
        paused = deployment["spec"].get("paused", False)
        if progress.deadline(deployment) is None or reason == progress.TIMED_OUT:
            return False
        if paused == (reason == progress.PAUSED):
            return False
        said = (progress.PAUSED, "Deployment is paused") if paused else (progress.RESUMED, "Deployment is resumed")
        await self._write(deployment, _with_progressing(deployment, "Unknown", *said))
        return True

    async def _numbered(self, rollout: Rollout) -> bool:
        """Whether the new ReplicaSet had to be given its number and annotations, or the Deployment its number.

        A ReplicaSet that is rolled back to becomes the newest: its old number goes to its history.
        """
        deployment, new = rollout.deployment, rollout.new
        if new is None:
            return False
        known: dict[str, str] = new["metadata"].get("annotations") or {}
        marks = {key: value for key, value in _copied(deployment).items() if known.get(key) != value}
        number, next_number = int(known.get(DEPLOYMENT_REVISION, 0)), _next_number(rollout)
        if number < next_number:
            marks[DEPLOYMENT_REVISION] = str(next_number)
            if number:
                marks[HISTORY] = ",".join(filter(None, (known.get(HISTORY), str(number))))
        min_ready = deployment["spec"].get("minReadySeconds", 0)
        spec = {} if new["spec"].get("minReadySeconds", 0) == min_ready else {"minReadySeconds": min_ready}
        if marks or spec:
            await self._change(new, {"metadata": {"annotations": marks}, "spec": spec})
            return True
        revision = known[DEPLOYMENT_REVISION]
        status: Json = deployment.get("status") or {}
        if progress.deadline(deployment) is not None and objects.condition(deployment, progress.PROGRESSING) is None:
            said = f'Found new replica set "{new["metadata"]["name"]}"'
            status = _with_progressing(deployment, "True", progress.FOUND, said)
        elif (deployment["metadata"].get("annotations") or {}).get(DEPLOYMENT_REVISION) == revision:
            return False
        await self._write(deployment, status, {DEPLOYMENT_REVISION: revision})
        return True

    async def _create(self, rollout: Rollout) -> None:
        """The ReplicaSet of the newest template. The Deployment's next status says so, and bears its number."""
        deployment = rollout.deployment
        meta, spec = deployment["metadata"], deployment["spec"]
        template = spec["template"]
        hash_ = objects.hash_of(template)
        labels = {**(template["metadata"].get("labels") or {}), POD_TEMPLATE_HASH: hash_}
        number = str(_next_number(rollout))
        sizes = {DESIRED: str(rollout.wanted), MAXIMUM: str(rollout.maximum)}
        body: Json = {
            "metadata": {
                "name": f"{meta['name']}-{hash_}",
                "labels": labels,
                "annotations": {**_copied(deployment), DEPLOYMENT_REVISION: number, **sizes},
                "ownerReferences": [objects.reference(deployment)],
            },
            "spec": {
                "replicas": rollout.first_size(),
                "selector": {
                    **spec["selector"],
                    "matchLabels": {**(spec["selector"].get("matchLabels") or {}), POD_TEMPLATE_HASH: hash_},
                },
                "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
            },
        }
        if spec.get("minReadySeconds"):
            body["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        try:
            made = await self.server.create(resources.REPLICASETS, body, meta["namespace"], by=self.name)
        except errors.ApiError as error:
            ending = isinstance(error, errors.Forbidden) and error.namespace_terminating
            if not ending and progress.deadline(deployment) is not None:
                said = f'Failed to create new replica set "{body["metadata"]["name"]}": {error.message}'
                await self._write(deployment, _with_progressing(deployment, "False", progress.NOT_CREATED, said))
            raise
        status: Json = deployment.get("status") or {}
        if progress.deadline(deployment) is not None:
            said = f'Created new replica set "{made["metadata"]["name"]}"'
            status = _with_progressing(deployment, "True", progress.CREATED, said)
        await self._write(deployment, status, {DEPLOYMENT_REVISION: number})

    async def _scale(self, rollout: Rollout, name: str, size: int) -> None:
        replica_set = next(each for each in rollout.all if each["metadata"]["name"] == name)
        marks = {DESIRED: str(rollout.wanted), MAXIMUM: str(rollout.maximum)}
        await self._change(replica_set, {"metadata": {"annotations": marks}, "spec": {"replicas": size}})

    async def _change(self, replica_set: Json, change: Json) -> None:
        meta = replica_set["metadata"]
        same = {**change["metadata"], "resourceVersion": meta["resourceVersion"]}
        body = {**change, "metadata": same}
        await self.server.patch(resources.REPLICASETS, meta["name"], body, meta["namespace"], by=self.name)

    async def _clean_up(self, rollout: Rollout) -> None:
        """Deletes old ReplicaSets but the newest few."""
        limit = rollout.deployment["spec"].get("revisionHistoryLimit", _KEPT_REVISIONS)
        old = [each for each in rollout.old if not objects.is_ending(each)]
        if limit == _ALL_REVISIONS or len(old) <= limit:
            return
        for each in sorted(old, key=_revision)[: len(old) - limit]:
            meta, status = each["metadata"], each.get("status") or {}
            seen = status.get("observedGeneration", 0) >= meta["generation"]
            if seen and not replicas(each) and not status.get("replicas"):
                await self.server.delete(resources.REPLICASETS, meta["name"], meta["namespace"], by=self.name)


def _with_progressing(deployment: Json, status: str, reason: str, message: str) -> Json:
    known: Json = deployment.get("status") or {}
    conditions = progress.with_condition(known.get("conditions") or [], progress.PROGRESSING, status, reason, message)
    return {**known, "conditions": conditions}


def _copied(deployment: Json) -> dict[str, str]:
    """Annotations that its ReplicaSet gets too."""
    annotations: dict[str, str] = deployment["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if key not in _NOT_COPIED}


def _next_number(rollout: Rollout) -> int:
    return max(map(_revision, rollout.old), default=0) + 1


def _revision(replica_set: Json) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(DEPLOYMENT_REVISION, 0))
