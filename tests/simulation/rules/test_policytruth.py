import asyncio
import random

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import Server
from tests.simulation.appmanifests import config
from tests.simulation.manifests import INSTALLATION, SHOP, namespace
from tests.simulation.rules.policytruth import ENFORCE, OBSERVE, WARN, PolicyTruth

pytestmark = pytest.mark.looptime
WEB = (SHOP, "Deployment", "web")


@pytest.fixture
async def server() -> Server:
    server = Server(random.Random(1))
    for name in (SHOP, INSTALLATION):
        await server.create(resources.NAMESPACES, namespace(name, opted_in=False), by="user")
    return server


@pytest.fixture
def truth(server: Server) -> PolicyTruth:
    truth = PolicyTruth()
    server.subscribe(truth.see)
    return truth


def says(word: str) -> Json:
    return {"metadata": {"annotations": {wellknown.CHECK_POLICY: word}}}


async def deploy(server: Server, word: str = "") -> None:
    body = says(word) if word else {"metadata": {}}
    await server.create(
        resources.DEPLOYMENTS, {"metadata": body["metadata"] | {"name": "web"}, "spec": {}}, SHOP, by="user"
    )


async def test_without_a_word_checks_are_enforced(truth: PolicyTruth) -> None:
    assert truth.now(*WEB) == ENFORCE
    assert truth.in_force(*WEB, 0.0) == {ENFORCE}
    assert truth.shortest_timeout(0.0) == 300.0


async def test_the_narrowest_word_counts_and_a_slip_of_the_pen_is_enforced(server: Server, truth: PolicyTruth) -> None:
    await server.create(resources.CONFIGS, config(blockDeployment=False), INSTALLATION, by="user")
    assert truth.now(*WEB) == WARN
    await server.patch(resources.NAMESPACES, SHOP, says("observe"), by="user")
    assert truth.now(*WEB) == OBSERVE
    await deploy(server, "obserf")
    assert truth.now(*WEB) == ENFORCE


async def test_a_config_of_elsewhere_says_nothing(server: Server, truth: PolicyTruth) -> None:
    await server.create(resources.CONFIGS, config(SHOP, blockDeployment=False), SHOP, by="user")
    assert truth.now(*WEB) == ENFORCE


async def test_the_oldest_config_counts_until_it_is_deleted(server: Server, truth: PolicyTruth) -> None:
    await server.create(resources.CONFIGS, config(name="a", observabilityTimeout="20s"), INSTALLATION, by="user")
    await server.create(resources.CONFIGS, config(name="b", blockDeployment=False), INSTALLATION, by="user")
    assert (truth.now(*WEB), truth.shortest_timeout(0.0)) == (ENFORCE, 20.0)
    await server.delete(resources.CONFIGS, "a", INSTALLATION, by="user")
    assert truth.now(*WEB) == WARN


async def test_a_word_that_was_taken_back_counts_for_a_while(server: Server, truth: PolicyTruth) -> None:
    await deploy(server, "warn")
    await asyncio.sleep(1.0)
    await server.patch(resources.DEPLOYMENTS, "web", says("enforce"), SHOP, by="user")
    assert truth.in_force(*WEB, 1.0) == {ENFORCE, WARN}
    assert truth.in_force(*WEB, truth.late + 1.5) == {ENFORCE}
