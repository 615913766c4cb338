"""The cluster, Holdfast in it, a namespace for each test. Whatever is missing fails the tests: nothing is skipped."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e import dump
from tests.e2e.keptnconfig import KeptnConfig
from tests.e2e.kube import config
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.letters import Letters
from tests.e2e.looks import Eyes
from tests.e2e.namespaces import PREFIX, Namespaces
from tests.e2e.scripts import Scripts

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    kube = getattr(item, "funcargs", {}).get("kube")
    if report.failed and isinstance(kube, Kube):
        for name in sorted(set(_namespaces_of(item))):
            report.sections.append((f"namespace {name}", dump.namespace(kube, name)))
    return report


def _namespaces_of(item: pytest.Item) -> Iterator[str]:
    for value in getattr(item, "funcargs", {}).values():
        name = getattr(value, "namespace", value)
        if isinstance(name, str) and name.startswith(PREFIX):
            yield name


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    return config.of_the_tests()


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """The cluster, whatever is installed in it."""
    client = Kube(config.load(kubeconfig, tmp_path_factory.mktemp("kube")))
    yield client
    client.close()


@pytest.fixture(scope="session")
def installed(cluster: Kube) -> None:
    """Holdfast, ready to work."""
    for name in ("lifecycle-operator", "lifecycle-operator-webhook"):
        found = cluster.find("Deployment", dump.INSTALLATION, name)
        if found is None:
            pytest.fail(f"there is no Deployment {name} in {dump.INSTALLATION}: run make install", pytrace=False)
        ready = found.get("status", {}).get("readyReplicas", 0)
        if ready < found["spec"]["replicas"]:
            words = "\n".join(dump.logs(cluster, "worker", 20)) + "\n".join(dump.logs(cluster, "webhook", 20))
            pytest.fail(f"{ready} of {found['spec']['replicas']} pods of {name} are ready\n{words}", pytrace=False)


@pytest.fixture(scope="session")
def kube(cluster: Kube, installed: None) -> Kube:
    """The cluster with Holdfast in it."""
    return cluster


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    return Kubectl(kubeconfig)


@pytest.fixture(scope="session")
def namespaces(cluster: Kube) -> Iterator[Namespaces]:
    made = Namespaces(cluster)
    yield made
    made.delete_all()


@pytest.fixture
def namespace(kube: Kube, namespaces: Namespaces, request: pytest.FixtureRequest) -> Iterator[str]:
    """An opted-in namespace of this test's own."""
    name = namespaces.new(request.node.name.partition("[")[0])
    yield name
    namespaces.delete(name)


@pytest.fixture(scope="module")
def shared(kube: Kube, namespaces: Namespaces, request: pytest.FixtureRequest) -> Iterator[Eyes]:
    """An opted-in namespace for all tests of a module that keep out of each other's way."""
    name = namespaces.new(request.node.name.rpartition("/")[2].removesuffix(".py"))
    yield Eyes(kube, name)
    namespaces.delete(name)


@pytest.fixture(scope="module")
def letters(kube: Kube, kubectl: Kubectl, namespaces: Namespaces) -> Iterator[Letters]:
    """Opted-in namespaces of a module, by what it applies to them."""
    made = Letters(kube, kubectl, namespaces)
    yield made
    made.delete()


@pytest.fixture
def eyes(kube: Kube, namespace: str) -> Eyes:
    return Eyes(kube, namespace)


@pytest.fixture(scope="session")
def python_image(kube: Kube) -> str:
    """The image that Holdfast was told to run Python checks with."""
    operator = kube.get("Deployment", dump.INSTALLATION, "lifecycle-operator")
    env = {entry["name"]: entry for entry in operator["spec"]["template"]["spec"]["containers"][0]["env"]}
    return str(env["PYTHON_RUNNER_IMAGE"]["value"])


@pytest.fixture(scope="session")
def scripts(kube: Kube, namespaces: Namespaces, python_image: str) -> Scripts:
    """A web server in the cluster, for what the checks fetch."""
    server = Scripts(kube, namespaces.new("scripts", annotations={}), python_image)
    server.start()
    return server


@pytest.fixture
def keptn_config(kube: Kube) -> Iterator[KeptnConfig]:
    """The installation's KeptnConfig, for this test to set; not there before and after it."""
    config = KeptnConfig(kube)
    yield config
    config.delete()
