"""Every async test in this folder runs twice: on a real API server in real time, and on ours in simulated time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import looptime
import pytest

from tests.e2e.kube import config
from tests.simulation.conformance import servers
from tests.simulation.conformance.servers import Subject

HERE = Path(__file__).resolve().parent
_LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "simulated": lambda: looptime.new_event_loop(start=0),
    "real": asyncio.new_event_loop,
}


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return _LOOPS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and _is_real(item):
            item.add_marker(pytest.mark.cluster)


def _is_real(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("_asyncio_loop_factory") is _LOOPS["real"]


@pytest.fixture
async def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Subject]:
    """The API server that this test is about, with a namespace of its own."""
    if not _is_real(request.node):
        async with servers.simulated() as subject:
            yield subject
        return
    kubeconfig = config.of_the_tests()
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    async with servers.real(kubeconfig, tmp_path) as subject:
        yield subject
