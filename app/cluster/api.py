"""The Kubernetes API as the rest of Holdfast sees it.

Everything that reads or writes the cluster takes an :class:`Api`. In production that is ``kube.KubeApi``; the
simulation puts a server in memory behind the same few methods. Bodies are plain JSON: a client library's typed models
drop the fields they do not know, and cost half a second for each thousand pods.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object and where the API serves it. ``group`` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` of its objects: ``v1`` for core, ``apps/v1`` otherwise."""
        return f"{self.group}/{self.version}" if self.group else self.version


class PatchType(StrEnum):
    """How a patch body is to be read; the value is its media type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class Api(Protocol):
    """One cluster.

    Every method raises ``errors.ApiError`` or one of its subclasses when the server refuses or cannot be reached.
    """

    async def get(self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False) -> Json:
        """One object. ``metadata_only`` asks for a PartialObjectMetadata instead of the whole."""
        ...

    async def list_page(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        continue_token: str = "",
        metadata_only: bool = False,
        resource_version: str = "",
    ) -> Json:
        """One page of a list, as the server's List object. No namespace means all of them.

        Items of a list carry neither ``kind`` nor ``apiVersion``. ``Gone`` says that ``continue_token`` has expired.
        """
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int,
        metadata_only: bool = False,
    ) -> AsyncIterator[Json]:
        """Raw ``{"type", "object"}`` events after ``resource_version``, with BOOKMARK and ERROR among them.

        Ends when the server closes cleanly, which it does after ``timeout_seconds``. Raises ``Gone`` when the server
        answers 410 as a status; a 410 in an ERROR event is handed on as that event. A broken or silent connection is
        ``Unavailable``.
        """
        ...

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        """Creates ``body`` and returns it as stored. ``AlreadyExists`` when the name is taken."""
        ...

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
        """Patches and returns the object as stored. ``force`` is for server-side apply only.

        ``Conflict`` when a resourceVersion in the body is not the current one, ``Invalid`` when a ``test`` of a JSON
        patch fails.
        """
        ...

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, propagation: str = "Background", uid: str = ""
    ) -> Json:
        """Deletes, only if the object still has that ``uid`` when one is given (else ``Conflict``)."""
        ...
