"""What stands between a request and the store: mutating webhooks, policies that refuse, namespaces that end."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import jsonpatch
import orjson

from app.cluster import errors, resources
from app.cluster.api import Json, Resource
from tests.simulation.apiserver import refusals


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as admission sees it."""

    operation: str  # CREATE or UPDATE
    resource: Resource
    namespace: str
    name: str
    old: Json | None
    new: Json
    by: str
    dry_run: bool = False


# Raises Forbidden or Invalid. Called after all webhooks, with what would be stored.
Policy = Callable[[Asked], None]


@dataclass(slots=True)
class Webhook:
    """A mutating webhook: `call` takes an AdmissionReview and gives one back, or raises ConnectionError.

    `applies` stands for its rules, selectors and match conditions; `namespace` is the one of the object. With
    `ignore` (failurePolicy) an object goes on unchanged when nobody answers within `timeout` seconds.
    """

    name: str
    applies: Callable[[Asked, Json | None], bool]
    call: Callable[[bytes], Awaitable[bytes]]
    ignore: bool = False
    timeout: float = 3.0
    denials: list[str] = field(default_factory=list)  # what it refused, or failed to answer


async def mutated(webhooks: list[Webhook], asked: Asked, namespace: Json | None, uid: str) -> Json:
    """The object after all webhooks. Raises the ApiError of one that refuses, or that must answer and does not."""
    new = asked.new
    for webhook in webhooks:
        if not webhook.applies(asked, namespace):
            continue
        review = orjson.dumps(_review(asked, new, uid))
        try:
            async with asyncio.timeout(webhook.timeout):
                answer = orjson.loads(await webhook.call(review))["response"]
        except (TimeoutError, ConnectionError) as error:
            if webhook.ignore:
                continue
            webhook.denials.append(f"no answer for {asked.resource.kind} {asked.namespace}/{asked.name}")
            message = f'failed calling webhook "{webhook.name}": {error!r}'
            raise errors.Unavailable(500, "InternalError", message) from error
        if not answer["allowed"]:
            status: Mapping[str, object] = answer.get("status") or {}
            webhook.denials.append(
                f"refused {asked.resource.kind} {asked.namespace}/{asked.name}: {status.get('message')}"
            )
            message = f'admission webhook "{webhook.name}" denied the request: {status.get("message")}'
            raise errors.from_status(int(str(status.get("code") or 403)), {**status, "message": message})
        if answer.get("patch"):
            operations = orjson.loads(base64.b64decode(answer["patch"]))
            new = jsonpatch.apply_patch(new, operations)
    return new


def refuse_ending(asked: Asked, namespace: Json | None) -> None:
    """Nothing new in a namespace that is being deleted. Raises NotFound or Forbidden."""
    if not asked.resource.namespaced or asked.operation != "CREATE":
        return
    if namespace is None:
        raise refusals.not_found(resources.NAMESPACES, asked.namespace)
    if namespace["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {asked.namespace} because it is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {asked.namespace} is being terminated"}
        raise refusals.forbidden(asked.resource, asked.name, why, cause | {"field": "metadata.namespace"})


def _review(asked: Asked, new: Json, uid: str) -> Json:
    resource = asked.resource
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
            "resource": {"group": resource.group, "version": resource.version, "resource": resource.plural},
            "operation": asked.operation,
            "namespace": asked.namespace if resource.namespaced else asked.name,
            "name": "" if asked.operation == "CREATE" and new["metadata"].get("generateName") else asked.name,
            "userInfo": {"username": asked.by, "groups": ["system:authenticated"]},
            "dryRun": asked.dry_run,
            "object": new,
            "oldObject": asked.old,
        },
    }
