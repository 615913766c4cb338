import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.api.core import Pod
from app.cluster import resources
from bench.following import follow, running

pytestmark = pytest.mark.looptime


class _Cluster:
    def __init__(self) -> None:
        self.namespaces: set[str] = set()
        self.watching = 0

    async def list_page(self, resource: object, namespace: str = "", **_: Any) -> dict[str, Any]:
        self.namespaces.add(namespace)
        item = {"metadata": {"name": "one", "uid": "1", "resourceVersion": "1"}}
        return {"metadata": {"resourceVersion": "1"}, "items": [item]}

    async def watch(self, resource: object, namespace: str = "", **_: Any) -> AsyncIterator[dict[str, Any]]:
        self.watching += 1
        try:
            await asyncio.sleep(1)
            yield {
                "type": "ADDED",
                "object": {"metadata": {"name": "two", "uid": "2", "resourceVersion": "2"}},
            }
            await asyncio.Event().wait()
        finally:
            self.watching -= 1


async def test_all_that_is_there_and_all_that_comes_is_told_until_the_end() -> None:
    cluster, told = _Cluster(), list[str]()

    def tell(old: Pod | None, new: Pod | None) -> None:
        told.append(new.metadata.name if new else "")

    informer = follow(cluster, "n", resources.PODS, Pod, tell)  # type: ignore[arg-type]
    async with running([informer]):
        assert told == ["one"]
        await asyncio.sleep(2)
    assert told == ["one", "two"]
    assert cluster.namespaces == {"n"}
    assert cluster.watching == 0
