"""Held pods → KeptnWorkload → the KeptnWorkloadVersion that they wait for; and once that has passed, the gate opens."""

import logging
from collections.abc import Callable

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import OwnerReference, controlled_by
from app.api.workload import Workload, WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import AlreadyExists, Conflict, NotFound
from app.lifecycle import identity, revisions
from app.lifecycle.explain import PREFIX, REFUSED_ADVICE, Refusal
from app.lifecycle.identity import Identity
from app.worker import checkpolicies
from app.worker.asking import asked_for, revision_of
from app.worker.caches import BY_REVISION, BY_WORKLOAD, HELD_OF_REVISION, scoped
from app.worker.checkpolicies import CheckPolicies
from app.worker.context import Context
from app.worker.gates import Gates
from app.worker.links import Link, Links, RevisionKey, VersionKey
from app.worker.parents import Age, Parents, Template
from app.worker.takeover import Takeover
from app.worker.workloads import Workloads, owner_of, spec_of

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
        self._workloads = Workloads(context, links)
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
        revision = revision_of(pods[0], owner, source)
        # What stands on the workload is about its newest revision; an older one keeps what it was checked as.
        version = self._checked_before(key.namespace, revision) if source.age is Age.OLD else None
        if version is None:
            found = asked_for(pods[0], source)
            if found is None:
                log.info("pods held although nobody asked for checks", extra={"namespace": key.namespace})
                await self._open(key, pods)
                return Done()
            asked, wanted = found
            workload = await self._workloads.ensure(asked, owner_of(owner), source, key, pods)
            made = await self._version(workload, asked, owner, key.hash, wanted)
            if isinstance(made, After):
                return made
            version = await self._policies.note(made, asked, source)
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
            await self._workloads.note(version, key, pods)
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
        return max(mine, key=lambda v: v.metadata.order, default=None)

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
            await self._workloads.note(version, key, [])

    def _held(self, key: RevisionKey) -> list[Pod]:
        return self._context.caches.pods.by_index(HELD_OF_REVISION, key.value)

    async def _version(
        self, workload: Workload, asked: Identity, owner: OwnerReference, hash_: str, wanted: revisions.Wanted
    ) -> WorkloadVersion | After:
        """The version that the pods wait for, made if there is none; or when to come back, if it is too soon."""
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
        if (left := revisions.too_soon(known, wanted, self._context.now())) > 0:
            return After(left)
        marks = {wellknown.CONTENT: wanted.content, wellknown.REVISION: wanted.revision}
        marks |= {wellknown.RETRY: wanted.retry} if wanted.retry else {}
        marks |= {name: value for name, value in checkpolicies.marks(asked).items() if value}
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
            "spec": spec_of(asked, owner_of(owner))
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
