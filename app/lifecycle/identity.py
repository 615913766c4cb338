"""Which workload a pod belongs to, and which checks its author asked for (keptn-behaviour 2.1, 2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.api import wellknown
from app.api.core import Parent, Pod
from app.api.meta import Object, OwnerReference
from app.lifecycle import keys, names, versions

SUPPORTED_OWNERS: Final = frozenset({"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Rollout"})


@dataclass(frozen=True, slots=True)
class Identity:
    """`app` is the KeptnApp's name (sanitised), `workload` what its author wrote, `version` is lower case."""

    app: str
    workload: str
    single_service: bool
    version: str
    pre_deployment_tasks: tuple[str, ...]
    post_deployment_tasks: tuple[str, ...]
    pre_deployment_evaluations: tuple[str, ...]
    post_deployment_evaluations: tuple[str, ...]
    metadata: Mapping[str, str]
    check_policy: str = ""
    policy_of_pods: bool = False  # it stands beside the pods' own keys

    @property
    def workload_name(self) -> str:
        """Name of the KeptnWorkload."""
        return names.workload_name(self.app, self.workload)

    @property
    def version_name(self) -> str:
        """Name of the KeptnWorkloadVersion, as long as no other content and no failure has taken it."""
        return names.workload_version_name(self.workload_name, self.version)


def owner_of(thing: Object) -> OwnerReference | None:
    """The last owner of a kind that deploys pods, None for an object of nobody or of, say, a Job."""
    return next((o for o in reversed(thing.metadata.owner_references) if o.kind in SUPPORTED_OWNERS), None)


def has_own_keys(pod: Pod) -> bool:
    """Whether the pod itself names its workload. Then nothing is read from its parent."""
    return bool(keys.value(pod, keys.WORKLOAD))


def identify(pod: Pod, parent: Parent | None) -> Identity | None:
    """Who the pod is, or None if nobody asked for checks.

    `parent` is what the keys are read from if the pod has none of its own: the Deployment (or Rollout) of its
    ReplicaSet, or its StatefulSet or DaemonSet. The two are never merged.
    """
    source: Object | None = pod if has_own_keys(pod) else parent
    workload = keys.value(source, keys.WORKLOAD) if source else ""
    if source is None or not workload:
        return None
    app, policy = keys.value(source, keys.APP), keys.value(source, wellknown.CHECK_POLICY)
    version = keys.value(source, keys.VERSION).lower() or versions.computed(pod, keys.value(source, keys.CONTAINER))
    return Identity(
        app=names.app_name(app or workload),
        workload=workload,
        single_service=not app,
        version=version,
        pre_deployment_tasks=keys.names(source, keys.PRE_TASKS),
        post_deployment_tasks=keys.names(source, keys.POST_TASKS),
        pre_deployment_evaluations=keys.names(source, keys.PRE_EVALUATIONS),
        post_deployment_evaluations=keys.names(source, keys.POST_EVALUATIONS),
        metadata=keys.metadata(source),
        check_policy=policy,
        policy_of_pods=bool(policy) and source is pod,
    )
