"""Events that say what a controller could not do, as client-go's recorder writes them."""

from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import ApiError
from tests.simulation import clock
from tests.simulation.apiserver.server import Server

# From so many different messages about one object on, there is one event for all, which is counted up.
MANY = 10
_COMBINED = "(combined from similar events): "


class Complaints:
    """Warnings signed by `source`. Whatever the API server refuses of them is lost, as events are."""

    def __init__(self, server: Server, source: str) -> None:
        self._server = server
        self._source = source
        self._said: dict[tuple[str, str], dict[str, str]] = {}  # messages and events' names, by uid and reason

    async def write(self, about: Json, reason: str, message: str) -> None:
        said = self._said.setdefault((about["metadata"]["uid"], reason), {})
        slot = message if message in said or len(said) + 1 < MANY else _COMBINED
        text = _COMBINED + message if slot == _COMBINED else message
        try:
            if (known := said.get(slot)) is not None:
                await self._repeat(about["metadata"]["namespace"], known, text)
            else:
                event = await self._new(about, reason, text)
                said[slot] = event["metadata"]["name"]
        except ApiError:
            return

    async def _repeat(self, namespace: str, name: str, message: str) -> None:
        count = self._server.get(resources.EVENTS, name, namespace)["count"] + 1
        change = {"count": count, "message": message, "lastTimestamp": clock.stamp()}
        await self._server.patch(resources.EVENTS, name, change, namespace, by=self._source)

    async def _new(self, about: Json, reason: str, message: str) -> Json:
        meta, now = about["metadata"], clock.stamp()
        event = {
            "metadata": {"name": f"{meta['name']}.{self._server.store.version:016x}"},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            },
            "type": "Warning",
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self._source},
            "reportingComponent": self._source,
            "reportingInstance": "",
        }
        return await self._server.create(resources.EVENTS, event, meta["namespace"], by=self._source)
