"""What a held pod asks for, by its own words or those on its workload."""

from dataclasses import replace

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import OwnerReference
from app.lifecycle import identity, revisions
from app.lifecycle.identity import Identity
from app.worker.parents import Source


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
        revision=revision_of(pod, owner, source),
        retry=marks.get(wellknown.RETRY, ""),
    )


def revision_of(pod: Pod, owner: OwnerReference, source: Source) -> str:
    """The pod's revision, as a status lists it."""
    return revisions.revision_key(
        pod, owner, managed_replica_set=source.managed_replica_set, template=source.template.digest
    )
