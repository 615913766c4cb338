"""The two API servers that must behave alike: a real one, and the simulation's."""

import asyncio
import base64
import contextlib
import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

import aiohttp
import orjson

from app.cluster import errors, resources
from app.cluster.api import Api, Json, Resource
from app.cluster.kube import KubeApi
from localkube.settings import ETCD_URL
from tests.e2e.kube import config
from tests.e2e.kube.client import JSON_PATCH, Kube, Refused
from tests.e2e.kube.resources import path
from tests.simulation.apiserver import policies
from tests.simulation.apiserver.client import Client
from tests.simulation.apiserver.server import Server
from tests.simulation.conformance.shell import Shell
from tests.simulation.controllers import build

T = TypeVar("T")

SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
WORKER = "system:serviceaccount:keptn-system:lifecycle-operator"
BREAK_GLASS = "holdfast:break-glass"
SEED = 7


class Subject(ABC):
    """An API server under test: `api` is one client's way to it, `namespace` is the test's own."""

    is_real: ClassVar[bool]

    def __init__(self, api: Api) -> None:
        self.api = api
        self.namespace = f"conformance-{uuid.uuid4().hex[:8]}"

    async def until(self, condition: Callable[[], Awaitable[T]], seconds: float = 30.0) -> T:
        """What `condition` gives as soon as that is true. Fails the test after `seconds` of the loop's time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not (found := await condition()):
            assert loop.time() < end, f"not within {seconds:g} s"
            await asyncio.sleep(0.05)
        return found

    async def new_namespace(self) -> None:
        body: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        await self.api.create(resources.NAMESPACES, body)

    @abstractmethod
    async def forget(self) -> str:
        """Has the server forget the past of all kinds of ours; a resourceVersion that is too old from now on."""

    @abstractmethod
    def token_at(self, token: str, version: str) -> str:
        """The continue token `token` as if its list had begun at `version`."""

    @abstractmethod
    async def patch_pod_as(self, user: str, groups: Sequence[str], name: str, operations: list[Json]) -> Json:
        """A JSON patch of a pod by somebody else than `api`'s user."""

    @abstractmethod
    async def bind(self, pod: str, node: str) -> None:
        """Puts a pod on a node, as the scheduler does."""

    @abstractmethod
    async def evict(self, pod: str) -> None:
        """Asks a pod to go by the eviction API, as `kubectl drain` does."""


class Real(Subject):
    """The cluster of a kubeconfig."""

    is_real = True

    def __init__(self, api: Api, kubeconfig: Path, scratch: Path) -> None:
        super().__init__(api)
        self._kube = Kube(config.load(kubeconfig, scratch))

    async def new_namespace(self) -> None:
        await super().new_namespace()

        async def usable() -> bool:  # no pod can be made before its service account is there
            with contextlib.suppress(errors.NotFound):
                return bool(await self.api.get(SERVICE_ACCOUNTS, "default", self.namespace))
            return False

        await self.until(usable)

    async def forget(self) -> str:
        """The API server forgets what was before a CRD; etcd is told to forget, where it can be reached.

        Elsewhere it has long done so by itself, for it does every five minutes.
        """
        async with aiohttp.ClientSession() as session:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                await session.post(f"{ETCD_URL}/v3/kv/compaction", json={"revision": "2"})
        return "1"

    def token_at(self, token: str, version: str) -> str:
        content = orjson.loads(base64.urlsafe_b64decode(token + "=="))
        return base64.urlsafe_b64encode(orjson.dumps(content | {"rv": int(version)})).decode().rstrip("=")

    async def patch_pod_as(self, user: str, groups: Sequence[str], name: str, operations: list[Json]) -> Json:
        with self._kube.as_(user, groups) as other:
            try:
                return other.patch("Pod", self.namespace, name, operations, content=JSON_PATCH).body
            except Refused as error:
                raise errors.from_status(error.status, error.body) from error

    async def bind(self, pod: str, node: str) -> None:
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": {"name": node}}
        try:
            self._kube.send("POST", path("Pod", self.namespace, pod, subresource="binding"), body)
        except Refused as error:
            raise errors.from_status(error.status, error.body) from error

    async def evict(self, pod: str) -> None:
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        self._kube.send("POST", path("Pod", self.namespace, pod, subresource="eviction"), body)


class Simulated(Subject):
    """A server of the simulation, with all its controllers at work."""

    is_real = False

    def __init__(self) -> None:
        self.server = Server(random.Random(SEED))
        self.server.policies += [policies.gate_removal(_may_open), policies.quotas(self.server.store)]
        super().__init__(Client(self.server, "worker-1", random.Random(SEED)))
        self.kubelet, self.controllers = build(self.server, random.Random(SEED), Shell())

    async def forget(self) -> str:
        version = str(self.server.store.version - 1)
        self.server.compact()
        return version

    def token_at(self, token: str, version: str) -> str:
        return f"{token.partition('@')[0]}@{version}"

    async def patch_pod_as(self, user: str, groups: Sequence[str], name: str, operations: list[Json]) -> Json:
        by = " ".join((user, *groups))
        return await self.server.patch(resources.PODS, name, operations, self.namespace, by=by)

    async def bind(self, pod: str, node: str) -> None:
        change = {"spec": {"nodeName": node}}
        await self.server.patch(resources.PODS, pod, change, self.namespace, by="scheduler", subresource="binding")

    async def evict(self, pod: str) -> None:
        await self.kubelet.drain(self.namespace, pod, by="user")


def _may_open(user: str) -> bool:
    return WORKER in user or BREAK_GLASS in user


@contextlib.asynccontextmanager
async def real(kubeconfig: Path, scratch: Path) -> AsyncIterator[Subject]:
    """The cluster, with a namespace that is deleted in the end. $KUBECONFIG must name `kubeconfig`."""
    api = await KubeApi.connect()
    subject = Real(api, kubeconfig, scratch)
    try:
        await subject.new_namespace()
        yield subject
    finally:
        with contextlib.suppress(errors.NotFound):
            await api.delete(resources.NAMESPACES, subject.namespace)
        await api.aclose()
        await asyncio.sleep(0.05)  # connections with TLS take a moment to end, and complain if the loop goes first


@contextlib.asynccontextmanager
async def simulated() -> AsyncIterator[Subject]:
    subject = Simulated()
    running = [asyncio.ensure_future(controller.run()) for controller in subject.controllers]
    try:
        await subject.new_namespace()
        yield subject
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
