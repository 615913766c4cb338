"""What every Kubernetes object has, as slim, frozen views: fields that we do not use are not kept."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from app.api import wellknown


class Model(BaseModel):
    """Base of all views: camelCase outside, snake_case inside, unknown fields ignored, immutable."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def dump(self) -> dict[str, Any]:
        """The object as the API server takes it: camelCase, unset fields left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


class OwnerReference(Model):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Model):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()

    @property
    def order(self) -> tuple[str, str]:
        """By which an older object comes before a newer one, and equally old ones always in the same order."""
        return self.creation_timestamp or "", self.name

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, None for an object of nobody."""
        return next((owner for owner in self.owner_references if owner.controller), None)


def controlled_by(kind: str, owner: ObjectMeta) -> dict[str, Any]:
    """The owner reference of an object that `owner`, one of our own kinds, manages and waits for when it is deleted."""
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


class Object(Model):
    """Any object of which only the metadata matters."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()

    @property
    def key(self) -> tuple[str, str]:
        return self.metadata.namespace, self.metadata.name
