"""Taking over from Keptn: its held pods and running Jobs get the label that the worker watches, its versions a content.

Once each time that a worker begins to lead, and for a held pod when its version is looked for. In a cluster that never
ran Keptn this costs one list of the pending pods.
"""

import contextlib
import logging

from app.api import wellknown
from app.api.core import Job
from app.api.meta import ObjectMeta, OwnerReference
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.cluster.controller import Done, Outcome
from app.cluster.errors import Conflict, Forbidden, Gone, NotFound
from app.lifecycle import takeover
from app.lifecycle.identity import Identity
from app.lifecycle.revisions import Wanted, content_digest, is_about, template_digest
from app.lifecycle.takeover import Origin
from app.worker.caches import BY_OWNER
from app.worker.context import Context, together

log = logging.getLogger(__name__)

# Both may be asked of the API server: a gated pod is Pending, and ours have the label.
_PENDING = "status.phase=Pending"
_UNLABELLED = f"!{wellknown.LABEL}"


class Takeover:
    """Its one key is "": all that Keptn left."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, key: str) -> Outcome:
        """Finds what Keptn's operator was busy with. Raises ApiError if not all of it could be taken over."""
        tasks = [task for task in self._context.caches.tasks.all() if takeover.has_foreign_job(task)]
        await together([self._job(task) for task in tasks])
        await self._pods()
        return Done()

    async def adopted(
        self, known: list[WorkloadVersion], asked: Identity, wanted: Wanted, owner: OwnerReference, hash_: str
    ) -> list[WorkloadVersion]:
        """`known` versions of a workload, with Keptn's verdict on the held pod's own content put down as about that.

        `hash_` is the pod's controller-revision-hash, "" without one. Where Keptn made none of the versions, or one is
        about that content already, nothing is read and nothing written.
        """
        if not any(map(takeover.is_keptns, known)) or any(is_about(version, wanted) for version in known):
            return known
        namespace = known[0].metadata.namespace
        found = await self._about(known, asked, wanted, owner, hash_)
        if found is None:
            return known
        meta = found.metadata
        marks = {wellknown.CONTENT: wanted.content, wellknown.REVISION: wanted.revision}
        body = {"metadata": {"annotations": marks, "uid": meta.uid, "resourceVersion": meta.resource_version}}
        stored = await self._context.api.patch(resources.WORKLOAD_VERSIONS, meta.name, body, namespace)
        self._context.caches.versions.observe(stored)
        log.info("Keptn's version is gone on with", extra={"namespace": namespace, "version": meta.name})
        return [WorkloadVersion.model_validate(stored) if each is found else each for each in known]

    async def _about(
        self, known: list[WorkloadVersion], asked: Identity, wanted: Wanted, owner: OwnerReference, hash_: str
    ) -> WorkloadVersion | None:
        """Keptn's version that is about what the pod wants, by its owner's age or by what it checked at first."""
        version = takeover.fitting(known, asked)
        if version is None:
            return None
        namespace = version.metadata.namespace
        made = await self._made(namespace, owner, hash_)
        if made is not None and takeover.adopt(known, asked, Origin(owner.uid, made)) is not None:
            return version
        cache = self._context.caches.replica_sets
        own = cache.get(namespace, owner.name) if owner.kind == "ReplicaSet" else None
        if own is None or own.metadata.uid != owner.uid or own.metadata.controller is None:
            return None
        siblings = cache.by_index(BY_OWNER, own.metadata.controller.uid)
        first = takeover.first_checked(version, [each.metadata for each in siblings])
        if first is None:
            return None
        with contextlib.suppress(NotFound):
            raw = await self._context.api.get(resources.REPLICASETS, first.name, namespace)
            content = content_digest(template_digest(raw["spec"]["template"]), asked)
            return version if content == wanted.content and raw["metadata"]["uid"] == first.uid else None
        return None

    async def _made(self, namespace: str, owner: OwnerReference, hash_: str) -> str | None:
        """When the revision of a pod was made, None if nobody knows."""
        name, resource = owner.name, resources.REPLICASETS
        if owner.kind == "StatefulSet":
            name, resource = hash_, resources.CONTROLLERREVISIONS
        elif owner.kind == "DaemonSet":
            name, resource = f"{owner.name}-{hash_}", resources.CONTROLLERREVISIONS
        elif owner.kind != "ReplicaSet":
            return None
        with contextlib.suppress(NotFound):
            raw = await self._context.api.get(resource, name, namespace, metadata_only=True)
            meta = ObjectMeta.model_validate(raw["metadata"])
            of_owner = owner.uid in (meta.uid, meta.controller.uid if meta.controller else "")
            return meta.creation_timestamp if of_owner else None
        return None

    async def _pods(self) -> None:
        """Puts our label on the pods that Keptn holds; the watch brings them, as it does those that we hold."""
        token = ""
        while True:
            try:
                page = await self._context.api.list_page(
                    resources.PODS, label_selector=_UNLABELLED, field_selector=_PENDING, continue_token=token
                )
            except Gone:
                token = ""
                continue
            held = [pod for pod in page["items"] if takeover.is_gated_by_keptn(pod)]
            await together([self._label(resources.PODS, pod, wellknown.LABEL_HELD) for pod in held])
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def _job(self, task: Task) -> None:
        meta, cache = task.metadata, self._context.caches.jobs
        if cache.get(meta.namespace, task.status.job_name) is not None:
            return
        with contextlib.suppress(NotFound):
            raw = await self._context.api.get(resources.JOBS, task.status.job_name, meta.namespace)
            owner = Job.model_validate(raw).metadata.controller
            if owner is not None and owner.uid == meta.uid:
                await self._label(resources.JOBS, raw, wellknown.LABEL_TASK)

    async def _label(self, resource: Resource, raw: Json, value: str) -> None:
        meta = raw["metadata"]
        change = {"metadata": {"labels": {wellknown.LABEL: value}, "uid": meta["uid"]}}
        about = {"kind": resource.kind, "namespace": meta["namespace"], "target": meta["name"]}
        try:
            await self._context.api.patch(resource, meta["name"], change, meta["namespace"])
        except (NotFound, Conflict):
            return  # gone, or another has its name by now
        except Forbidden as error:
            log.warning("what Keptn left cannot be taken over", extra={**about, "reason": error.message})
            return
        log.info("taken over from Keptn", extra=about)
