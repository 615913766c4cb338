"""Namespaces that were opted in before Holdfast came, or whose label was taken off: the mirror is put right."""

from app.api import wellknown
from app.cluster import resources
from app.cluster.controller import Done, Outcome
from app.cluster.errors import NotFound
from app.worker.context import Context


class NamespaceReconciler:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, name: str) -> Outcome:
        cache = self._context.caches.namespaces
        namespace = cache.get("", name)
        if namespace is None or namespace.metadata.deletion_timestamp:
            return Done()
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
