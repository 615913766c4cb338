"""Who writes how much, by the API server's own counters.

The server counts requests by FlowSchema, and a FlowSchema can select one installation's service accounts, verbs,
resources and namespaces. So three of them, for the time of the measurement, count what Holdfast writes in the namespace
of the measured rollouts, events apart from all else, and its Lease renewals, which show that the counting works. They
send it all to the priority level that such requests have anyway, so nothing gets faster or slower.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.cluster.api import Api, Resource
from app.cluster.errors import NotFound
from bench import prometheus

FLOW_SCHEMAS = Resource("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", namespaced=False)
_LEVEL = "workload-low"
_WRITES = ["create", "update", "patch", "delete", "deletecollection"]
_COUNTER = "apiserver_flowcontrol_dispatched_requests_total"
_EVENTS, _LEASES, _OTHERS = "holdfast-bench-events", "holdfast-bench-leases", "holdfast-bench-writes"


@dataclass(frozen=True, slots=True)
class Written:
    """Write requests of the installation's service accounts so far; `others` are those that are neither of the two."""

    events: float
    leases: float
    others: float

    def plus(self, more: "Written") -> "Written":
        return Written(self.events + more.events, self.leases + more.leases, self.others + more.others)

    def since(self, before: "Written") -> "Written":
        return Written(self.events - before.events, self.leases - before.leases, self.others - before.others)


def schemas(installation: str, rollouts: str) -> list[dict[str, Any]]:
    """The FlowSchemas for writes by service accounts of namespace `installation`, in namespace `rollouts`.

    Their precedences are ahead of all that ships with Kubernetes, but for `exempt` and `probes`.
    """
    return [
        _schema(_EVENTS, 40, ["", "events.k8s.io"], "events", rollouts, installation),
        _schema(_LEASES, 41, ["coordination.k8s.io"], "leases", installation, installation),
        _schema(_OTHERS, 42, ["*"], "*", rollouts, installation),
    ]


def _schema(
    name: str, precedence: int, groups: list[str], plural: str, namespace: str, installation: str
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
                        {"verbs": _WRITES, "apiGroups": groups, "resources": [plural], "namespaces": [namespace]}
                    ],
                }
            ],
        },
    }


def written(page: str) -> Written:
    """What the counters on the API server's metrics page say."""
    return Written(*(prometheus.total(page, _COUNTER, flow_schema=name) for name in (_EVENTS, _LEASES, _OTHERS)))


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
    for name in (_EVENTS, _LEASES, _OTHERS):
        try:
            await api.delete(FLOW_SCHEMAS, name)
        except NotFound:
            continue
