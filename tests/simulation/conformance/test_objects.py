"""One object: how it is made, read and refused."""

import pytest

from app.cluster import errors
from app.cluster.resources import CONFIGMAPS
from tests.simulation.conformance.servers import Subject


def config_map(name: str, **metadata: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"a": "1"}}


async def test_what_is_not_there_is_not_found(server: Subject) -> None:
    with pytest.raises(errors.NotFound) as caught:
        await server.api.get(CONFIGMAPS, "none", server.namespace)
    assert (caught.value.status, caught.value.reason) == (404, "NotFound")
    assert caught.value.message == 'configmaps "none" not found'
