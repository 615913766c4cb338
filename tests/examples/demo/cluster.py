"""A cluster that plays a part: it takes what is applied, and once all of it is there, tells what happened then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.api.app import AppVersion
from app.api.core import Deployment, Job, Pod
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.cluster import resources
from app.cluster.api import Resource
from app.cluster.errors import NotFound
from examples.demo import shop
from examples.demo.story import Event, Story

Json = dict[str, Any]
_KINDS: dict[type, Resource] = {
    Pod: resources.PODS,
    Job: resources.JOBS,
    Task: resources.TASKS,
    Deployment: resources.DEPLOYMENTS,
    Event: resources.EVENTS,
    AppVersion: resources.APP_VERSIONS,
    Evaluation: resources.EVALUATIONS,
}


class Recorder(Story):
    """Takes what a tale tells, for the cluster to tell it again as watch events."""

    def __init__(self, told: list[tuple[float, Resource, Json]]) -> None:
        super().__init__([], shop.expected_app(shop.documents()))
        self._told = told

    def _keep(self, at: float, old: object, new: Any) -> None:
        body = new.dump()
        body["metadata"]["uid"] = body["metadata"].get("uid") or body["metadata"]["name"]
        self._told.append((at, _KINDS[type(new)], body))

    pod = task = job = deployment = event = app_version = evaluation = _keep


class Cluster:
    """An `Api` as far as the demo uses one. `tells` plays the part; without it nothing ever happens."""

    def __init__(
        self, tells: Callable[[Story], None] | None = None, *, ready: bool = True, shop_is_there: bool = False
    ):
        self.applied: list[str] = []
        self.deleted: list[str] = []
        self.missing_crds = False
        self._ready = ready
        self._there = shop_is_there
        self._tells = tells
        self._version = 1
        self._watches: dict[str, asyncio.Queue[Json]] = {}

    async def get(self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False) -> Json:
        missing = self.missing_crds if resource == resources.CRDS else not self._there
        if missing:
            raise NotFound(404, "NotFound", name)
        return {"metadata": {"name": name}}

    async def list_page(self, resource: Resource, namespace: str = "", **selectors: Any) -> Json:
        items: list[Json] = []
        if selectors.get("field_selector", "").startswith("metadata.name=lifecycle-operator"):
            items = [{"metadata": {"name": "x"}, "status": {"readyReplicas": 2 if self._ready else 0}}]
        if resource == resources.NAMESPACES and self._there:
            items = [{"metadata": {"name": shop.NAMESPACE, "uid": "n", "resourceVersion": "1"}}]
        return {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    async def watch(self, resource: Resource, namespace: str = "", **options: Any) -> AsyncIterator[Json]:
        queue = self._watches.setdefault(resource.plural, asyncio.Queue())
        if resource.plural in self.deleted:
            self._there = False
            body = {"metadata": {"name": shop.NAMESPACE, "uid": "n", "resourceVersion": "2"}}
            yield {"type": "DELETED", "object": body}
        while True:
            yield await queue.get()

    async def patch(self, resource: Resource, name: str, body: Json, namespace: str = "", **options: Any) -> Json:
        self.applied.append(f"{resource.kind} {name}")
        if self._tells and len(self.applied) == len(shop.documents()):
            told: list[tuple[float, Resource, Json]] = []
            self._tells(Recorder(told))
            self._playing = asyncio.create_task(self._play(sorted(told, key=lambda one: one[0])))
        return body

    async def _play(self, told: list[tuple[float, Resource, Json]]) -> None:
        start = asyncio.get_running_loop().time()
        for at, kind, happened in told:
            await asyncio.sleep(start + at - asyncio.get_running_loop().time())
            self._version += 1
            happened["metadata"]["resourceVersion"] = str(self._version)
            self._watches[kind.plural].put_nowait({"type": "MODIFIED", "object": happened})

    async def delete(self, resource: Resource, name: str, namespace: str = "", **options: Any) -> Json:
        self.deleted += [resource.plural]
        return {}

    async def aclose(self) -> None:
        """Nothing to close."""
