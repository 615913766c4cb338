"""At every moment of many updates, what `app.lifecycle.deployed` calls up is up; and in the end it says so."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from app.api.core import DaemonSet, Deployment, Parent, StatefulSet
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import deployed
from app.lifecycle.deployed import Deployed
from app.lifecycle.revisions import template_digest
from tests.simulation.apiserver.server import NODES
from tests.simulation.controllers import objects
from tests.simulation.controllers.shop import KINDS, Shop, opened

pytestmark = pytest.mark.looptime
SEEDS = range(12)
IMAGES = ("web:1", "web:2", "web:3")


def image_of(template: Json) -> str:
    return str(template["spec"]["containers"][0]["image"])


def uids(shop: Shop, image: str) -> list[str]:
    """Of all ReplicaSets that make pods with that image: what a version of it stands for."""
    return [each["metadata"]["uid"] for each in shop.replica_sets() if image_of(each["spec"]["template"]) == image]


def hashes(shop: Shop, image: str) -> list[str]:
    """As `uids`, of a StatefulSet."""
    (found,) = shop.all(resources.STATEFULSETS)
    records = shop.all(resources.CONTROLLERREVISIONS)
    named = [each["metadata"]["name"] for each in records if image_of(each["data"]["spec"]["template"]) == image]
    return [f"{found['metadata']['uid']}/{name}" for name in named]


def of_deployment(shop: Shop, image: str) -> Deployed:
    owned = [Parent.model_validate(each) for each in shop.replica_sets()]
    return deployed.deployment(Deployment.model_validate(shop.get("Deployment")), owned, uids(shop, image))


def of_stateful_set(shop: Shop, image: str) -> Deployed:
    return deployed.stateful_set(StatefulSet.model_validate(shop.get("StatefulSet")), hashes(shop, image))


def of_daemon_set(shop: Shop, image: str) -> Deployed:
    body = shop.get("DaemonSet")
    records = [each["data"]["spec"]["template"] for each in shop.all(resources.CONTROLLERREVISIONS)]
    mine = [template_digest(template) for template in records if image_of(template) == image]
    newest = template_digest(body["spec"]["template"]) in mine
    return deployed.daemon_set(DaemonSet.model_validate(body), newest=newest)


LOOKS: dict[str, Callable[[Shop, str], Deployed]] = {
    "Deployment": of_deployment,
    "StatefulSet": of_stateful_set,
    "DaemonSet": of_daemon_set,
}


class Judge:
    """Looks at the workload after each change of anything, as if it was a version of each image in turn."""

    def __init__(self, shop: Shop, kind: str) -> None:
        self._shop = shop
        self._kind = kind
        self.found = dict.fromkeys(IMAGES, 0)
        shop.server.subscribe(lambda change: self.look())

    def look(self) -> None:
        if self._shop.server.find(KINDS[self._kind], "web", "shop") is None:
            return
        for image in IMAGES:
            looked = LOOKS[self._kind](self._shop, image)
            if looked.up:
                self.found[image] += 1
                self._must_be_up(image, looked)

    def _must_be_up(self, image: str, looked: Deployed) -> None:
        body = self._shop.get(self._kind)
        assert looked.current
        assert image_of(body["spec"]["template"]) == image
        pods = [pod for pod in self._shop.all(resources.PODS) if objects.is_active(pod)]
        # How many nodes are to have a pod is its controller's to say; a new one is not at fault for being news.
        wanted = body["status"]["desiredNumberScheduled"] if self._kind == "DaemonSet" else body["spec"]["replicas"]
        assert {pod["spec"]["containers"][0]["image"] for pod in pods} <= {image}
        assert len([pod for pod in pods if objects.is_ready(pod)]) >= wanted


async def slowly(shop: Shop, rng: random.Random) -> None:
    """A kubelet for which each pod is another matter."""
    while True:
        await asyncio.sleep(rng.uniform(0.05, 0.4))
        waiting = [
            pod["metadata"]["name"]
            for pod in shop.all(resources.PODS)
            if objects.is_active(pod) and not objects.is_ready(pod)
        ]
        if waiting:
            await shop.say(rng.choice(waiting), "Running", ready=True)


async def act(shop: Shop, kind: str, rng: random.Random) -> None:
    """A person updates, scales, pauses, resumes, and does not wait for the end of anything."""
    spec: Json = {}
    if kind == "DaemonSet":
        if rng.random() < 0.3:
            await shop.server.create(NODES, {"metadata": {"name": f"node-{rng.random()}"}}, by="test")
    elif rng.random() < 0.5:
        spec = {"replicas": rng.randint(1, 4)}
    if kind == "Deployment" and rng.random() < 0.3:
        spec |= {"paused": rng.random() < 0.5}
    template: Json = shop.get(kind)["spec"]["template"]
    if rng.random() < 0.7:
        container = template["spec"]["containers"][0] | {"image": rng.choice(IMAGES)}
        spec |= {"template": {"spec": {"containers": [container]}}}
    if spec:
        await shop.server.patch(KINDS[kind], "web", {"spec": spec}, "shop", by="test")


@pytest.mark.parametrize("kind", list(LOOKS))
@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_called_up_is_up(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    async with opened(Shop(seed)) as shop:
        shop.at_work = False
        judge = Judge(shop, kind)
        kubelet = asyncio.ensure_future(slowly(shop, rng))
        first: dict[str, Any] = {} if kind == "DaemonSet" else {"replicas": 3}
        await shop.put(kind, **first, **({"serviceName": "web"} if kind == "StatefulSet" else {}))
        for _ in range(10):
            await act(shop, kind, rng)
            await asyncio.sleep(rng.choice((0.0, 0.1, 1.0, 5.0)))
        if kind == "Deployment":
            await shop.server.patch(KINDS[kind], "web", {"spec": {"paused": False}}, "shop", by="test")
        await asyncio.sleep(30)
        kubelet.cancel()
        last = image_of(shop.get(kind)["spec"]["template"])
        states = {image: LOOKS[kind](shop, image) for image in IMAGES}
    assert [image for image, looked in states.items() if looked.up] == [last]
    assert [image for image, looked in states.items() if looked.current] == [last]
    assert judge.found[last]
