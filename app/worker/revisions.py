"""Held pods → KeptnWorkload → the KeptnWorkloadVersion that they wait for; and once that has passed, the gate opens."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import OwnerReference, controlled_by
from app.api.workload import Workload, WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import AlreadyExists, Conflict, NotFound
from app.lifecycle import identity, names, revisions
from app.lifecycle.explain import PREFIX, REFUSED_ADVICE, Refusal
from app.lifecycle.identity import Identity
from app.worker.caches import BY_REVISION, BY_WORKLOAD, HELD_OF_REVISION, scoped
from app.worker.checkpolicies import CheckPolicies
from app.worker.context import Context
from app.worker.gates import Gates
from app.worker.links import Link, Links, RevisionKey, VersionKey
from app.worker.parents import Age, Parents, Source, Template
from app.worker.takeover import Takeover

log = logging.getLogger(__name__)

# A workload that its controller has not seen tells us when it has; this is for one that does not.
_UNSETTLED_SECONDS = 5.0
_UNTOLD_SECONDS = 1.0  # of an Argo Rollout nobody tells


class RevisionReconciler:
    """Level-based: all it is told is which revision; what holds is read from the caches each time."""

    def __init__(self, context: Context, links: Links, judged: Callable[[VersionKey], None]) -> None:
        self._context = context
        self._links = links
        self._judged = judged  # asks for the version to be looked at, since a revision now waits for it
        self._parents = Parents(context)
        self._gates = Gates(context)
        self._takeover = Takeover(context)
        self._policies = CheckPolicies(context)

    async def __call__(self, key: RevisionKey) -> Outcome:
        pods = self._held(key)
        if not pods:
            link = self._links.get(key)
            if link is not None:
                await self._note_late(link, key)
            self._links.drop(key)
            self._links.refusals.pop(key, None)
            if link is not None:
                self._judged(link.version)
            return Done()
        owner = identity.owner_of(pods[0])
        source = await self._parents.source(pods[0], owner, key.hash) if owner else None
        if owner is None or source is None:
            return Done()  # the owner is gone, and the garbage collector takes its pods
        if source.age is Age.UNSETTLED:
            return After(_UNTOLD_SECONDS if source.kind == "Rollout" else _UNSETTLED_SECONDS)
        if not source.managed_replica_set and owner.kind == "ReplicaSet":
            pods = self._made_from(source.template, pods)
            if not pods:
                return Done()
        revision = _revision(pods[0], owner, source)
        # What stands on the workload is about its newest revision; an older one keeps what it was checked as.
        version = self._checked_before(key.namespace, revision) if source.age is Age.OLD else None
        if version is None:
            found = asked_for(pods[0], source)
            if found is None:
                log.info("pods held although nobody asked for checks", extra={"namespace": key.namespace})
                await self._open(key, pods)
                return Done()
            asked, wanted = found
            workload = await self._workload(asked, _owner(owner), source, key, pods)
            version = await self._version(workload, asked, owner, key.hash, wanted)
            await self._policies.note(version, asked, source)
        meta = version.metadata
        link = Link((key.namespace, meta.name), meta.uid, revision, source.kind, source.parent)
        self._links.assign(key, link)
        if revisions.has_passed(version.status):
            await self._cover(version, revision)
            await self._open(key, pods)
            self._policies.tell(link, version)
        elif self._policies.lets_go(version):
            # On record first: once no pod is held, nothing else says for whom it is to be checked.
            await self._cover(version, revision)
            await self._open(key, pods)
            self._policies.tell(link, version)
        self._judged(link.version)
        if version.status.current_phase:
            # Not before the version says that it has begun, which comes after the Jobs of its checks: nobody waits for
            # this word, and where many roll out at once the API server has better things to do. That news wakes us.
            await self._note(version, key, pods)
        return Done()

    async def _open(self, key: RevisionKey, pods: list[Pod]) -> None:
        """Opens the gates. Where somebody does not let us, raises GateRefused, and says so once to each pod."""
        refused = await self._gates.open(pods)
        known = self._links.refusals.pop(key, None)
        if not refused:
            return
        first = refused[0]
        since = known.since if known else self._context.stamp()
        self._links.refusals[key] = Refusal(first.pod.metadata.name, first.reason, since)
        for each in refused:
            if known is None or known.reason != first.reason:
                words = f"all checks have passed, but the gate cannot be removed: {each.reason}. {REFUSED_ADVICE}"
                self._context.event("Pod", each.pod, "SchedulingGateNotRemoved", f"{PREFIX}{words}", warning=True)
        if (link := self._links.get(key)) is not None:
            self._judged(link.version)  # the workload says so as well
        raise first

    def _made_from(self, template: Template, pods: list[Pod]) -> list[Pod]:
        """The pods of a ReplicaSet of nobody that are as its template is now: it can be edited, and its pods stay."""
        fitting = []
        for pod in pods:
            images = {container.name: container.image for container in pod.spec.containers}
            if all(images.get(container.name) == container.image for container in template.containers):
                fitting.append(pod)
            else:
                message = f"{PREFIX}the ReplicaSet has another image by now. Delete this pod, and a new one is made."
                self._context.event("Pod", pod, "PodOutdated", message, warning=True)
        return fitting

    def _checked_before(self, namespace: str, revision: str) -> WorkloadVersion | None:
        listed = self._context.caches.versions.by_index(BY_REVISION, revision)
        mine = [version for version in listed if version.metadata.namespace == namespace]
        return max(mine, key=lambda v: (v.metadata.creation_timestamp or "", v.metadata.name), default=None)

    async def _cover(self, version: WorkloadVersion, revision: str) -> None:
        """Puts a revision on the record of a pass before its pods go: then admission holds no more of them."""
        listed = revisions.covering(version.status, revision)
        if listed is not None:
            await self._context.write_status(
                resources.WORKLOAD_VERSIONS, version, {"revisions": listed}, self._context.caches.versions
            )

    async def _note_late(self, link: Link, key: RevisionKey) -> None:
        """The same once its pods have gone: they do not wait for that word, and it may have failed."""
        version = self._context.caches.versions.get(*link.version)
        if version is not None and version.metadata.uid == link.uid and version.status.current_phase:
            await self._note(version, key, [])

    async def _note(self, version: WorkloadVersion, key: RevisionKey, pods: list[Pod]) -> None:
        """Says on the KeptnWorkload which version is its newest."""
        cache = self._context.caches.workloads
        workload = cache.get(key.namespace, version.spec.workload_name)
        newest = version.spec.version
        if workload is None or workload.status.current_version == newest or not self._newest(key, workload, pods):
            return
        with contextlib.suppress(NotFound):
            cache.observe(
                await self._context.api.patch(
                    resources.WORKLOADS,
                    workload.metadata.name,
                    {"status": {"currentVersion": newest}},
                    key.namespace,
                    subresource="status",
                )
            )

    def _held(self, key: RevisionKey) -> list[Pod]:
        return self._context.caches.pods.by_index(HELD_OF_REVISION, key.value)

    async def _workload(
        self, asked: Identity, reference: Json, source: Source, key: RevisionKey, pods: list[Pod]
    ) -> Workload:
        cache = self._context.caches.workloads
        existing = cache.get(key.namespace, asked.workload_name)
        spec = _spec(asked, reference)
        owners = [_reference(source)]
        app_type = wellknown.SINGLE_SERVICE if asked.single_service else None
        if existing is None:
            body = {
                "apiVersion": wellknown.API_VERSION,
                "kind": "KeptnWorkload",
                "metadata": {
                    "name": asked.workload_name,
                    "namespace": key.namespace,
                    "annotations": {wellknown.APP_TYPE: app_type} if app_type else {},
                    "ownerReferences": owners,
                },
                "spec": spec,
            }
            try:
                await self._context.create(resources.WORKLOADS, body, cache)
            except AlreadyExists:
                cache.observe(await self._context.api.get(resources.WORKLOADS, asked.workload_name, key.namespace))
                return await self._workload(asked, reference, source, key, pods)
            created = cache.get(key.namespace, asked.workload_name)
            if created is None:
                raise NotFound(404, "NotFound", f"KeptnWorkload {asked.workload_name} was deleted as it was made")
            return created
        if existing.metadata.deletion_timestamp:
            # Its workload was deleted in the foreground and is back already. What is made under it now is deleted with
            # it, and would be made again, and run its checks, for as long as that keeps it from ending.
            where = f"{key.namespace}/{existing.metadata.name}"
            raise Conflict(409, "Ending", f"KeptnWorkload {where} is being deleted; a new one is made once it is gone")
        have = {field: value for field, value in existing.spec.dump().items() if value}
        change = {field: spec.get(field) for field in have.keys() | spec.keys() if have.get(field) != spec.get(field)}
        mine = [owner.uid for owner in existing.metadata.owner_references] == [source.parent.metadata.uid]
        metadata: Json = {} if mine else {"ownerReferences": owners}
        if existing.metadata.annotations.get(wellknown.APP_TYPE) != app_type:
            metadata["annotations"] = {wellknown.APP_TYPE: app_type}
        if (not change and not metadata) or not self._newest(key, existing, pods):
            return existing
        patch: Json = {"spec": change, "metadata": metadata}
        cache.observe(await self._context.api.patch(resources.WORKLOADS, existing.metadata.name, patch, key.namespace))
        return cache.get(key.namespace, asked.workload_name) or existing

    def _newest(self, key: RevisionKey, workload: Workload, pods: list[Pod]) -> bool:
        """Whether no other held revision of this workload is younger: an old one must not take its place back."""
        versions = self._context.caches.versions.by_index(BY_WORKLOAD, scoped(key.namespace, workload.metadata.name))
        others = {
            other
            for version in versions
            for other in self._links.waiting_for((key.namespace, version.metadata.name))
            if other != key
        }
        own = (max((pod.metadata.creation_timestamp or "" for pod in pods), default=""), str(key))
        return all(
            (pod.metadata.creation_timestamp or "", str(other)) <= own for other in others for pod in self._held(other)
        )

    async def _version(
        self, workload: Workload, asked: Identity, owner: OwnerReference, hash_: str, wanted: revisions.Wanted
    ) -> WorkloadVersion:
        cache = self._context.caches.versions
        meta = workload.metadata
        known = [
            version
            for version in cache.by_index(BY_WORKLOAD, scoped(meta.namespace, meta.name))
            if not version.metadata.deletion_timestamp
        ]
        known = await self._takeover.adopted(known, asked, wanted, owner, hash_)
        choice = revisions.choose(known, wanted)
        if not isinstance(choice, revisions.New):
            return choice
        marks = {wellknown.CONTENT: wanted.content, wellknown.REVISION: wanted.revision}
        marks |= {wellknown.RETRY: wanted.retry} if wanted.retry else {}
        marks |= {wellknown.CHECK_POLICY: asked.check_policy} if asked.check_policy else {}
        previous = workload.status.current_version
        body: Json = {
            "apiVersion": wellknown.API_VERSION,
            "kind": "KeptnWorkloadVersion",
            "metadata": {
                "name": choice.name,
                "namespace": meta.namespace,
                "annotations": marks,
                "ownerReferences": [controlled_by("KeptnWorkload", meta)],
            },
            "spec": _spec(asked, _owner(owner))
            | {"workloadName": meta.name}
            | ({"previousVersion": previous} if previous and previous != asked.version else {}),
        }
        try:
            await self._context.create(resources.WORKLOAD_VERSIONS, body, cache)
        except AlreadyExists:
            # The cache was behind: look at what is there, then choose again.
            there = await self._context.api.get(resources.WORKLOAD_VERSIONS, choice.name, meta.namespace)
            cache.observe(there)
            found = cache.get(meta.namespace, choice.name)
            if (
                found is None
                or found.metadata.deletion_timestamp
                or choice == revisions.choose([*known, found], wanted)
            ):
                raise Conflict(
                    409,
                    "NameTaken",
                    f"KeptnWorkloadVersion {meta.namespace}/{choice.name} is in the way; delete it",
                ) from None
            return await self._version(workload, asked, owner, hash_, wanted)
        created = cache.get(meta.namespace, choice.name)
        if created is None:
            raise NotFound(404, "NotFound", f"KeptnWorkloadVersion {choice.name} was deleted as it was made")
        return created


def asked_for(pod: Pod, source: Source) -> tuple[Identity, revisions.Wanted] | None:
    """Who a pod is and what it needs a verdict on, None if nobody asked for checks."""
    owner = identity.owner_of(pod)
    # By the containers of its template: a pod's own may have been changed at admission.
    seen = pod.model_copy(update={"spec": pod.spec.model_copy(update={"containers": source.template.containers})})
    asked = identity.identify(seen, source.keys)
    if owner is None or asked is None:
        return None
    marks = source.parent.metadata.annotations
    if not asked.check_policy:
        # Wherever the keys stand, this one may be changed on the workload itself, without another rollout.
        asked = replace(asked, check_policy=marks.get(wellknown.CHECK_POLICY, "").strip())
    return asked, revisions.Wanted(
        base_name=asked.version_name,
        content=revisions.content_digest(source.template.digest, asked),
        revision=_revision(pod, owner, source),
        retry=marks.get(wellknown.RETRY, ""),
    )


def _revision(pod: Pod, owner: OwnerReference, source: Source) -> str:
    return revisions.revision_key(
        pod, owner, managed_replica_set=source.managed_replica_set, template=source.template.digest
    )


def _spec(asked: Identity, reference: Json) -> Json:
    lists = {
        "preDeploymentTasks": list(asked.pre_deployment_tasks),
        "postDeploymentTasks": list(asked.post_deployment_tasks),
        "preDeploymentEvaluations": list(asked.pre_deployment_evaluations),
        "postDeploymentEvaluations": list(asked.post_deployment_evaluations),
        "metadata": dict(asked.metadata),
    }
    return {
        "app": names.app_name(asked.app),
        "version": asked.version,
        "resourceReference": reference,
        **{field: value for field, value in lists.items() if value},
    }


def _owner(owner: OwnerReference) -> Json:
    """What deploys the pods, as a KeptnWorkload refers to it."""
    return {"uid": owner.uid, "kind": owner.kind, "name": owner.name}


def _reference(source: Source) -> Json:
    meta = source.parent.metadata
    return {"apiVersion": source.api_version, "kind": source.kind, "name": meta.name, "uid": meta.uid}
