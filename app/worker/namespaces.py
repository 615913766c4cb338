"""Namespaces that were opted in before Holdfast came, or whose label was taken off: the mirror is put right.

A check policy there that is none is told of.
"""

from app.api import wellknown
from app.api.core import Namespace
from app.cluster import resources
from app.cluster.controller import Done, Outcome
from app.cluster.errors import NotFound
from app.lifecycle import policies
from app.lifecycle.explain import PREFIX
from app.worker.context import Context

REASON = "UnknownCheckPolicy"


class NamespaceReconciler:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: dict[str, str] = {}

    async def __call__(self, name: str) -> Outcome:
        cache = self._context.caches.namespaces
        namespace = cache.get("", name)
        if namespace is None or namespace.metadata.deletion_timestamp:
            self._told.pop(name, None)
            return Done()
        self._tell_policy(namespace)
        opted_in = namespace.metadata.annotations.get(wellknown.NAMESPACE_OPT_IN) == wellknown.NAMESPACE_OPT_IN_VALUE
        wanted = wellknown.LABEL_NAMESPACE if opted_in else None
        if namespace.metadata.labels.get(wellknown.LABEL) == wanted:
            return Done()
        try:
            body = await self._context.api.patch(
                resources.NAMESPACES, name, {"metadata": {"labels": {wellknown.LABEL: wanted}}}
            )
        except NotFound:
            return Done()
        cache.observe(body)
        return Done()

    def _tell_policy(self, namespace: Namespace) -> None:
        name = namespace.metadata.name
        policy = namespace.metadata.annotations.get(wellknown.CHECK_POLICY, "")
        if policies.is_unknown(policy) and self._told.get(name) != policy:
            self._context.event("Namespace", namespace, REASON, f"{PREFIX}{policies.unknown(policy)}.", warning=True)
        self._told[name] = policy
