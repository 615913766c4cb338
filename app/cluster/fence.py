"""No writes by a leader that may have been replaced.

A process that was stopped for longer than its Lease (SIGSTOP, a machine that swapped) goes on where it was: its tasks
run for a moment before the elector's overdue timer ends them, and a decision made before the stop would be written.
That a write is asked for at the right time does not prove that it arrives then, so each one must be harmless when late
as well: by its name, its resourceVersion, its ``test``. The fence only makes the window small.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.cluster import errors
from app.cluster.api import Api, Json, PatchType, Resource


class Fenced:
    """An ``api.Api`` for led work: reads as ever, writes only while ``leading()``.

    A write at any other time raises ``Unavailable`` and is not sent. A dry run counts as a write.
    """

    def __init__(self, api: Api, leading: Callable[[], bool]) -> None:
        self.get = api.get
        self.list_page = api.list_page
        self.watch = api.watch
        self._api = api
        self._leading = leading
        self._under_way = 0
        self._ended = -math.inf

    def idle(self) -> float:
        """Seconds since the last write ended, infinite before the first; 0 while there is one under way."""
        return 0.0 if self._under_way else asyncio.get_running_loop().time() - self._ended

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        with self._writing():
            return await self._api.create(resource, body, namespace, dry_run=dry_run)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Json | list[Json],
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "holdfast",
        force: bool = False,
    ) -> Json:
        with self._writing():
            return await self._api.patch(
                resource,
                name,
                body,
                namespace,
                patch_type=patch_type,
                subresource=subresource,
                dry_run=dry_run,
                field_manager=field_manager,
                force=force,
            )

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, propagation: str = "Background", uid: str = ""
    ) -> Json:
        with self._writing():
            return await self._api.delete(resource, name, namespace, propagation=propagation, uid=uid)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if not self._leading():
            raise errors.Unavailable(0, "NotLeading", "this process does not lead any more, so nothing was sent")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended = asyncio.get_running_loop().time()
