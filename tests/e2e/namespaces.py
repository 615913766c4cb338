"""Namespaces of the tests' own: made in a moment, and deleted without waiting for it."""

import uuid
from collections.abc import Mapping

from app.api.wellknown import NAMESPACE_OPT_IN, NAMESPACE_OPT_IN_VALUE
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json

PREFIX = "e2e-"
OPTED_IN = {NAMESPACE_OPT_IN: NAMESPACE_OPT_IN_VALUE}


def fresh_name(purpose: str) -> str:
    """A namespace's name that nobody has."""
    parts = purpose.lower().replace("_", "-").split("-")
    words = "-".join(part for part in parts if part not in ("", "a", "the", "test"))
    return f"{PREFIX}{words[:40].strip('-')}-{uuid.uuid4().hex[:6]}"


def manifest(name: str, annotations: Mapping[str, str], labels: Mapping[str, str]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "annotations": dict(annotations), "labels": dict(labels)},
    }


class Namespaces:
    """Makes namespaces and remembers them, so that all are deleted in the end."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._made: list[str] = []

    def new(
        self, purpose: str, *, annotations: Mapping[str, str] = OPTED_IN, labels: Mapping[str, str] | None = None
    ) -> str:
        """A namespace, opted in unless `annotations` say otherwise, in which pods can be made at once."""
        name = fresh_name(purpose)
        self.adopt(name)
        self._kube.create(manifest(name, annotations, labels or {}))
        self._kube.until_one("ServiceAccount", name, "default", lambda _: True, "it is there")
        return name

    def adopt(self, name: str) -> None:
        """Deletes this one too in the end, whoever makes it."""
        self._made.append(name)

    def delete(self, name: str) -> None:
        self._kube.delete("Namespace", "", name)
        self._made.remove(name)

    def delete_all(self) -> None:
        for name in list(self._made):
            self.delete(name)
