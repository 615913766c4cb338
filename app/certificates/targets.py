"""Where the API server looks for the CA of the webhook: what is in there, and the patch that sets it right.

Only what calls our own Service counts. Keptn's metrics operator, which may be there too, labels its own configurations
in the same way and fills them with a CA of its own.
"""

import base64
from typing import Any, Final

from app.api.meta import Model, Object
from app.api.wellknown import INJECT_CERTIFICATE
from app.cluster.api import Json

# Namespace and name.
Service = tuple[str, str]

SELECTOR: Final = f"{INJECT_CERTIFICATE}=true"


class Slot(Model):
    """One ``clientConfig``. ``guard`` is the path and value by which a patch makes sure that it meets the same one."""

    path: str
    guard: tuple[str, str]
    bundle: str | None


class Target(Object):
    """A webhook configuration, or a CRD with a conversion webhook."""

    slots: tuple[Slot, ...] = ()


def decode_configuration(service: Service, body: Json) -> Target:
    """A Mutating- or ValidatingWebhookConfiguration, with a slot for each webhook at ``service``."""
    slots = [
        _slot(f"/webhooks/{index}/clientConfig", (f"/webhooks/{index}/name", webhook["name"]), webhook["clientConfig"])
        for index, webhook in enumerate(body.get("webhooks") or ())
        if _calls(webhook["clientConfig"], service)
    ]
    return _target(body, slots)


def decode_definition(service: Service, body: Json) -> Target:
    """A CustomResourceDefinition, with a slot if ``service`` converts it."""
    conversion = body["spec"].get("conversion") or {}
    client = (conversion.get("webhook") or {}).get("clientConfig") or {}
    guard = ("/spec/conversion/strategy", "Webhook")
    slots = [_slot("/spec/conversion/webhook/clientConfig", guard, client)] if _calls(client, service) else []
    return _target(body, slots)


def patch(target: Target, bundle: bytes) -> list[Json]:
    """JSON patch that puts ``bundle`` into every slot that has something else; empty when there is none.

    It applies only to what was read: it tests which webhook stands there and what CA that had.
    """
    wanted = base64.b64encode(bundle).decode()
    operations: list[Json] = []
    for slot in target.slots:
        if slot.bundle == wanted:
            continue
        path, value = slot.guard
        operations.append({"op": "test", "path": path, "value": value})
        if slot.bundle is not None:
            operations.append({"op": "test", "path": f"{slot.path}/caBundle", "value": slot.bundle})
        operations.append({"op": "add", "path": f"{slot.path}/caBundle", "value": wanted})
    return operations


def _calls(client: dict[str, Any], service: Service) -> bool:
    called = client.get("service") or {}
    return (called.get("namespace"), called.get("name")) == service


def _slot(path: str, guard: tuple[str, str], client: dict[str, Any]) -> Slot:
    return Slot(path=path, guard=guard, bundle=client.get("caBundle"))


def _target(body: Json, slots: list[Slot]) -> Target:
    return Target.model_validate({"metadata": body["metadata"], "slots": slots})
