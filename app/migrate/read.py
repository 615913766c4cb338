"""Reads the cluster. Nothing is written, and what may not be read is noted and left out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import Object, ObjectMeta, OwnerReference
from app.cluster import resources
from app.cluster.api import Api, Json, Resource
from app.cluster.errors import ApiError, Gone, NotFound, Unavailable
from app.lifecycle.identity import owner_of
from app.lifecycle.states import is_completed
from app.migrate.cluster import Cluster, Held, Unread

KINDS = (
    "keptnapps",
    "keptnappcontexts",
    "keptnappcreationrequests",
    "keptnappversions",
    "keptnevaluationdefinitions",
    "keptnevaluationproviders",
    "keptnevaluations",
    "keptntaskdefinitions",
    "keptntasks",
    "keptnworkloadinstances",
    "keptnworkloads",
    "keptnworkloadversions",
)
METRICS_CRD = "keptnmetrics.metrics.keptn.sh"
_CRDS = (*(f"{kind}.{wellknown.GROUP}" for kind in KINDS), "keptnconfigs.options.keptn.sh", METRICS_CRD)
_OPERATORS = "control-plane in (lifecycle-operator,certificate-operator,metrics-operator)"
_SERVICES = ("lifecycle-webhook-service", "lifecycle-operator-metrics-service")
_OLD_APPS = Resource(wellknown.GROUP, "v1alpha3", "keptnapps", "KeptnApp")
_OLD_DEFINITIONS = Resource(wellknown.GROUP, "v1beta1", "keptntaskdefinitions", "KeptnTaskDefinition")
_OWNERS = {
    "ReplicaSet": resources.REPLICASETS,
    "Deployment": resources.DEPLOYMENTS,
    "StatefulSet": resources.STATEFULSETS,
    "DaemonSet": resources.DAEMONSETS,
    "Rollout": resources.ROLLOUTS,
}


async def read(api: Api, installation: str) -> Cluster:
    """All that the findings need. Raises Unavailable if there is no cluster to talk to."""
    reader = _Reader(api)
    crds = {name: crd for name in _CRDS if (crd := await reader.one(resources.CRDS, name)) is not None}

    async def kinds(resource: Resource) -> tuple[Json, ...]:
        """All objects of a kind that is there; in a version that its CRD serves."""
        crd = crds.get(f"{resource.plural}.{resource.group}")
        served = [v["name"] for v in crd["spec"]["versions"] if v.get("served")] if crd else []
        return await reader.all(resource) if resource.version in served else ()

    tasks = await kinds(resources.TASKS)
    pods = await reader.all(resources.PODS, fields="status.phase=Pending", keep=_is_gated)
    return Cluster(
        installation=installation,
        operators=await reader.all(resources.DEPLOYMENTS, labels=_OPERATORS),
        services=tuple(
            [
                each
                for name in _SERVICES
                if (each := await reader.one(resources.SERVICES, name, installation)) is not None
            ]
        ),
        webhooks=await reader.all(resources.MUTATING_WEBHOOKS),
        crds=crds,
        namespaces=await reader.all(resources.NAMESPACES),
        definitions=await kinds(resources.TASK_DEFINITIONS),
        old_definitions=await kinds(_OLD_DEFINITIONS),
        evaluation_definitions=await kinds(resources.EVALUATION_DEFINITIONS),
        apps=await kinds(resources.APPS),
        old_apps=await kinds(_OLD_APPS),
        app_contexts=await kinds(resources.APP_CONTEXTS),
        app_versions=await kinds(resources.APP_VERSIONS),
        workloads=await kinds(resources.WORKLOADS),
        versions=await kinds(resources.WORKLOAD_VERSIONS),
        tasks=tasks,
        evaluations=await kinds(resources.EVALUATIONS),
        configs=await kinds(resources.CONFIGS),
        jobs=await reader.jobs(tasks),
        held=tuple([await reader.held(pod) for pod in pods]),
        unread=tuple(reader.unread),
    )


def _is_gated(pod: Json) -> bool:
    gates = (pod.get("spec") or {}).get("schedulingGates") or ()
    return any(gate.get("name") == wellknown.GATE for gate in gates)


@dataclass(slots=True)
class _Reader:
    _api: Api
    unread: list[Unread] = field(default_factory=list)

    async def one(
        self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False
    ) -> Json | None:
        """None if it is not there, or may not be read, which is noted."""
        try:
            return await self._api.get(resource, name, namespace, metadata_only=metadata_only)
        except NotFound:
            return None
        except Unavailable:
            raise
        except ApiError as error:
            self._note(f"{resource.kind} {namespace}/{name}" if namespace else f"{resource.kind} {name}", error)
            return None

    async def named(self, resource: Resource, names: Iterable[str], namespace: str) -> tuple[Json, ...]:
        """Those of them that are there."""
        return tuple([each for name in names if (each := await self.one(resource, name, namespace)) is not None])

    async def all(
        self,
        resource: Resource,
        *,
        labels: str = "",
        fields: str = "",
        keep: Callable[[Json], bool] = lambda thing: True,
    ) -> tuple[Json, ...]:
        """All objects of that kind, of all namespaces; none if they may not be read, which is noted."""
        found: list[Json] = []
        token = ""
        try:
            while True:
                try:
                    page = await self._api.list_page(
                        resource, label_selector=labels, field_selector=fields, continue_token=token
                    )
                except Gone:
                    found, token = [], ""  # the list has grown too old: once more
                    continue
                found += filter(keep, page["items"])
                token = page["metadata"].get("continue") or ""
                if not token:
                    return tuple(found)
        except NotFound:
            return ()
        except Unavailable as error:
            if error.status == 0:
                raise
            self._note(f"all objects of {resource.kind} in version {resource.version}", error)
        except ApiError as error:
            self._note(f"all objects of {resource.kind} in version {resource.version}", error)
        return ()

    async def jobs(self, tasks: Iterable[Json]) -> frozenset[tuple[str, str]]:
        """Which Jobs of unfinished tasks exist."""
        found = set()
        for task in tasks:
            status, namespace = task.get("status") or {}, task["metadata"]["namespace"]
            name = status.get("jobName")
            if not name or is_completed(status.get("status") or ""):
                continue
            if await self.one(resources.JOBS, name, namespace, metadata_only=True) is not None:
                found.add((namespace, name))
        return frozenset(found)

    async def held(self, raw: Json) -> Held:
        """A pod with what it comes from."""
        pod = Pod.model_validate(raw)
        namespace, above = pod.metadata.namespace, owner_of(pod)
        owner = await self._owner(namespace, above)
        if above is None or owner is None:
            return Held(raw, owner)
        meta = ObjectMeta.model_validate(owner["metadata"])
        if above.kind != "ReplicaSet":
            hash_ = pod.metadata.labels.get(wellknown.CONTROLLER_REVISION_HASH, "")
            name = hash_ if above.kind == "StatefulSet" else f"{above.name}-{hash_}"
            record = await self.one(resources.CONTROLLERREVISIONS, name, namespace, metadata_only=True)
            return Held(raw, owner, owner, record["metadata"].get("creationTimestamp") if record else None)
        parent = await self._owner(namespace, owner_of(Object(metadata=meta)))
        return Held(raw, owner, parent, meta.creation_timestamp)

    async def _owner(self, namespace: str, reference: OwnerReference | None) -> Json | None:
        resource = _OWNERS.get(reference.kind) if reference else None
        if reference is None or resource is None:
            return None
        found = await self.one(resource, reference.name, namespace)
        return found if found is not None and found["metadata"]["uid"] == reference.uid else None

    def _note(self, what: str, error: ApiError) -> None:
        note = Unread(what, error.message)
        if note not in self.unread:
            self.unread.append(note)
