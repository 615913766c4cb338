"""Who writes how much, by the API server's own counters.

The server counts requests by FlowSchema, and a FlowSchema can select one installation's service accounts, verbs and
resources. So three of them, for the time of the measurement, split what Holdfast writes into events, Lease renewals and
all else. They send it to the priority level that its requests have anyway, so nothing gets faster or slower.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.cluster.api import Api, Resource
from app.cluster.errors import AlreadyExists, NotFound
from bench import prometheus

FLOW_SCHEMAS = Resource("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", namespaced=False)
_LEVEL = "workload-low"
_WRITES = ["create", "update", "patch", "delete", "deletecollection"]
_COUNTER = "apiserver_flowcontrol_dispatched_requests_total"
# Name, precedence (ahead of everything that ships with Kubernetes but the exempt and probes), groups, resources.
_SCHEMAS = (
    ("holdfast-bench-events", 40, ["", "events.k8s.io"], ["events"]),
    ("holdfast-bench-leases", 41, ["coordination.k8s.io"], ["leases"]),
    ("holdfast-bench-writes", 42, ["*"], ["*"]),
)


@dataclass(frozen=True, slots=True)
class Written:
    """Write requests of the installation's service accounts so far."""

    events: float
    leases: float
    others: float

    def plus(self, more: "Written") -> "Written":
        return Written(self.events + more.events, self.leases + more.leases, self.others + more.others)

    def since(self, before: "Written") -> "Written":
        return Written(self.events - before.events, self.leases - before.leases, self.others - before.others)


def schema(name: str, precedence: int, groups: list[str], kinds: list[str], installation: str) -> dict[str, Any]:
    """A FlowSchema for writes to `kinds` by any service account of namespace `installation`."""
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
                        {
                            "verbs": _WRITES,
                            "apiGroups": groups,
                            "resources": kinds,
                            "namespaces": ["*"],
                            "clusterScope": True,
                        }
                    ],
                }
            ],
        },
    }


def written(page: str) -> Written:
    """What the counters on the API server's metrics page say."""
    events, leases, others = (prometheus.total(page, _COUNTER, flow_schema=name) for name, *_ in _SCHEMAS)
    return Written(events, leases, others)


async def begin(api: Api, installation: str, metrics: Callable[[], Awaitable[str]], seconds: float = 30.0) -> bool:
    """Starts the accounting. Whether it works: the leader renews its Lease every few seconds, which must show."""
    for name, precedence, groups, kinds in _SCHEMAS:
        try:
            await api.create(FLOW_SCHEMAS, schema(name, precedence, groups, kinds, installation))
        except AlreadyExists:
            continue  # left by a run that was killed; it says the same
    before = written(await metrics())
    for _ in range(int(seconds)):
        await asyncio.sleep(1)
        if written(await metrics()).leases > before.leases:
            return True
    return False


async def end(api: Api) -> None:
    for name, *_ in _SCHEMAS:
        try:
            await api.delete(FLOW_SCHEMAS, name)
        except NotFound:
            continue
