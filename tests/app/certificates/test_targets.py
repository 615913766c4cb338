import base64
from typing import Any

import jsonpatch
import pytest

from app.certificates import targets
from app.cluster.api import Json

OURS = ("keptn-system", "lifecycle-webhook-service")
SERVICE = {"namespace": OURS[0], "name": OURS[1], "path": "/x"}


def configuration(*clients: Json) -> Json:
    webhooks = [{"name": f"w{number}.keptn.sh", "clientConfig": client} for number, client in enumerate(clients)]
    return {"metadata": {"name": "c"}, "webhooks": webhooks}


def definition(**conversion: Any) -> Json:
    return {"metadata": {"name": "d"}, "spec": {"conversion": conversion}}


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


@pytest.mark.parametrize("present", [{}, {"caBundle": encoded(b"old")}, {"caBundle": ""}, {"caBundle": "Cg=="}])
def test_each_webhook_of_ours_gets_the_bundle_whatever_it_had(present: Json) -> None:
    body = configuration({"service": SERVICE, **present}, {"service": SERVICE, "caBundle": encoded(b"new")})
    patch = targets.patch(targets.decode_configuration(OURS, body), b"new")
    patched = jsonpatch.apply_patch(body, patch)
    assert [webhook["clientConfig"]["caBundle"] for webhook in patched["webhooks"]] == [encoded(b"new")] * 2
    assert {operation["path"].split("/")[2] for operation in patch} == {"0"}, "the other is right already"
    assert targets.patch(targets.decode_configuration(OURS, patched), b"new") == []


def test_a_converted_definition_gets_the_bundle() -> None:
    body = definition(strategy="Webhook", webhook={"clientConfig": {"service": SERVICE}})
    patched = jsonpatch.apply_patch(body, targets.patch(targets.decode_definition(OURS, body), b"new"))
    assert patched["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] == encoded(b"new")
    assert targets.patch(targets.decode_definition(OURS, patched), b"new") == []


def test_what_calls_somebody_else_is_left_alone() -> None:
    foreign = SERVICE | {"name": "metrics-webhook-service"}
    elsewhere = SERVICE | {"namespace": "other"}
    body = configuration({"service": foreign}, {"url": "https://x"}, {"service": elsewhere})
    assert targets.decode_configuration(OURS, body).slots == ()
    body = definition(strategy="Webhook", webhook={"clientConfig": {"service": foreign}})
    assert targets.decode_definition(OURS, body).slots == ()


def test_a_definition_that_converts_nothing_has_no_place_for_a_bundle() -> None:
    for body in (definition(strategy="None"), {"metadata": {"name": "d"}, "spec": {}}):
        assert targets.decode_definition(OURS, body).slots == ()


def test_a_configuration_without_webhooks_has_no_place_for_a_bundle() -> None:
    assert targets.decode_configuration(OURS, {"metadata": {"name": "c"}}).slots == ()


@pytest.mark.parametrize(
    "meanwhile",
    [
        configuration({"service": SERVICE, "caBundle": encoded(b"somebody's")}),
        {"metadata": {"name": "c"}, "webhooks": [{"name": "other", "clientConfig": {"caBundle": encoded(b"old")}}]},
    ],
)
def test_the_patch_does_not_apply_to_what_has_changed_since(meanwhile: Json) -> None:
    read = configuration({"service": SERVICE, "caBundle": encoded(b"old")})
    patch = targets.patch(targets.decode_configuration(OURS, read), b"new")
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(meanwhile, patch)
