"""ControllerRevisions: every template that a StatefulSet or DaemonSet has had, and which of them is the newest."""

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import Server
from tests.simulation.controllers import objects

_KEPT = 10


class History:
    """The revisions of one StatefulSet or DaemonSet. `label` is where the hash stands on a revision."""

    def __init__(self, server: Server, owner: Json, label: str, by: str) -> None:
        self._server = server
        self._owner = owner
        self._label = label
        self._by = by

    def all(self) -> list[Json]:
        """Oldest first."""
        found = objects.controlled(self._server, self._owner, "ControllerRevision")
        return sorted(found, key=lambda each: (each["revision"], each["metadata"]["name"]))

    async def newest(self) -> Json:
        """The revision of the owner's template, made if need be; the number of one that is rolled back to goes up."""
        template = {**self._owner["spec"]["template"], "$patch": "replace"}
        known = self.all()
        number = known[-1]["revision"] + 1 if known else 1
        same = next((each for each in reversed(known) if each["data"]["spec"]["template"] == template), None)
        meta = self._owner["metadata"]
        if same is None:
            return await self._server.create(
                resources.CONTROLLERREVISIONS, self._body(template, number), meta["namespace"], by=self._by
            )
        if same is known[-1]:
            return same
        return await self._server.patch(
            resources.CONTROLLERREVISIONS,
            same["metadata"]["name"],
            {"revision": number},
            meta["namespace"],
            by=self._by,
        )

    def _body(self, template: Json, number: int) -> Json:
        meta = self._owner["metadata"]
        hash_ = objects.hash_of(template)
        metadata: Json = {
            "name": f"{meta['name']}-{hash_}",
            "labels": {**(template["metadata"].get("labels") or {}), self._label: hash_},
            "ownerReferences": [objects.reference(self._owner)],
        }
        if meta.get("annotations"):
            metadata["annotations"] = meta["annotations"]
        return {"metadata": metadata, "data": {"spec": {"template": template}}, "revision": number}

    async def truncate(self, in_use: frozenset[str]) -> None:
        """Forgets all but the newest few of those whose names are not in use."""
        limit = self._owner["spec"].get("revisionHistoryLimit", _KEPT)
        unused = [each for each in self.all() if each["metadata"]["name"] not in in_use]
        for each in unused[: max(0, len(unused) - limit)]:
            meta = each["metadata"]
            await self._server.delete(resources.CONTROLLERREVISIONS, meta["name"], meta["namespace"], by=self._by)


def template_of(revision: Json) -> Json:
    """The pod template that a ControllerRevision stands for."""
    return {key: value for key, value in revision["data"]["spec"]["template"].items() if key != "$patch"}
