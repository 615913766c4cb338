"""Who writes how much, by the API server's own counters.

The server counts requests by FlowSchema, and a FlowSchema can select one installation's service accounts, verbs,
resources and namespaces. So some of them, for the time of the measurement, count what Holdfast writes in the namespace
of the measured rollouts, one for each kind and events apart from all else, and its Lease renewals, which show that the
counting works. They send it all to the priority level that such requests have anyway, so nothing gets faster or slower.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.cluster import resources
from app.cluster.api import Api, Resource
from app.cluster.errors import NotFound
from bench import prometheus

FLOW_SCHEMAS = Resource("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", namespaced=False)
_LEVEL = "workload-low"
_WRITES = ["create", "update", "patch", "delete", "deletecollection"]
_COUNTER = "apiserver_flowcontrol_dispatched_requests_total"
_EVENTS, _LEASES, _WRITES_OF = "holdfast-bench-events", "holdfast-bench-leases", "holdfast-bench-writes-"
OTHER = "other"
_KINDS = (
    resources.WORKLOADS,
    resources.WORKLOAD_VERSIONS,
    resources.APPS,
    resources.APP_VERSIONS,
    resources.TASKS,
    resources.JOBS,
    resources.PODS,
    resources.DEPLOYMENTS,
)


@dataclass(frozen=True, slots=True)
class Written:
    """Write requests of the installation's service accounts so far; `kinds` are all but the events and the Leases."""

    events: float = 0
    leases: float = 0
    kinds: Mapping[str, float] = field(default_factory=dict)

    @property
    def others(self) -> float:
        """All that are neither events nor Leases."""
        return sum(self.kinds.values())

    def plus(self, more: "Written") -> "Written":
        kinds = {kind: self.kinds.get(kind, 0) + more.kinds.get(kind, 0) for kind in {**self.kinds, **more.kinds}}
        return Written(self.events + more.events, self.leases + more.leases, kinds)

    def since(self, before: "Written") -> "Written":
        kinds = {kind: count - before.kinds.get(kind, 0) for kind, count in self.kinds.items()}
        return Written(self.events - before.events, self.leases - before.leases, kinds)


def schemas(installation: str, rollouts: str) -> list[dict[str, Any]]:
    """The FlowSchemas for writes by service accounts of namespace `installation`, in namespace `rollouts`.

    Their precedences are ahead of all that ships with Kubernetes, but for `exempt` and `probes`.
    """
    found = [
        _schema(_EVENTS, 40, ["", "events.k8s.io"], ["events"], rollouts, installation),
        _schema(_LEASES, 41, ["coordination.k8s.io"], ["leases"], installation, installation),
    ]
    for kind in _KINDS:
        plurals = [kind.plural, f"{kind.plural}/status"]
        found.append(_schema(_of(kind.kind), 40 + len(found), [kind.group], plurals, rollouts, installation))
    return [*found, _schema(_of(OTHER), 40 + len(found), ["*"], ["*"], rollouts, installation)]


def _of(kind: str) -> str:
    return f"{_WRITES_OF}{kind.lower()}"


def _schema(
    name: str, precedence: int, groups: list[str], plurals: list[str], namespace: str, installation: str
) -> dict[str, Any]:
    return {
        "apiVersion": FLOW_SCHEMAS.api_version,
        "kind": "FlowSchema",
        "metadata": {"name": name},
        "spec": {
            "matchingPrecedence": precedence,
            "priorityLevelConfiguration": {"name": _LEVEL},
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [
                {
                    "subjects": [{"kind": "Group", "group": {"name": f"system:serviceaccounts:{installation}"}}],
                    "resourceRules": [
                        {"verbs": _WRITES, "apiGroups": groups, "resources": plurals, "namespaces": [namespace]}
                    ],
                }
            ],
        },
    }


def written(page: str) -> Written:
    """What the counters on the API server's metrics page say."""

    def count(name: str) -> float:
        return prometheus.total(page, _COUNTER, flow_schema=name)

    kinds = {kind: count(_of(kind)) for kind in (*(each.kind for each in _KINDS), OTHER)}
    return Written(count(_EVENTS), count(_LEASES), kinds)


async def begin(
    api: Api, installation: str, rollouts: str, metrics: Callable[[], Awaitable[str]], seconds: float = 30.0
) -> bool:
    """Starts the accounting. Whether it works: the leader renews its Lease every few seconds, which must show."""
    await end(api)  # of a run that was killed
    for body in schemas(installation, rollouts):
        await api.create(FLOW_SCHEMAS, body)
    before = written(await metrics())
    for _ in range(int(seconds)):
        await asyncio.sleep(1)
        if written(await metrics()).leases > before.leases:
            return True
    return False


async def end(api: Api) -> None:
    """Takes the FlowSchemas away."""
    for name in (body["metadata"]["name"] for body in schemas("", "")):
        try:
            await api.delete(FLOW_SCHEMAS, name)
        except NotFound:
            continue
