"""certs/: the manifests for cert-manager.io fit the chart."""

from typing import Any

import yaml

from helm import render
from tests.helm.conftest import Rendered

FOLDER = render.ROOT / "certs/cert-manager"


def certificate() -> dict[str, Any]:
    documents = yaml.safe_load_all((FOLDER / "certificates.yaml").read_text())
    (found,) = (
        item for item in documents if (item["kind"], item["metadata"]["name"]) == ("Certificate", "keptn-certs")
    )
    return dict(found)


def test_the_certificate_is_for_the_name_by_which_the_api_server_calls(chart: Rendered) -> None:
    service = chart.one("Service", "lifecycle-webhook-service")
    name = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert name in certificate()["spec"]["dnsNames"]


def test_it_lies_where_the_webhook_reads_it(chart: Rendered) -> None:
    assert certificate()["spec"]["secretName"] == chart.environment("lifecycle-operator-webhook")["CERTIFICATE_SECRET"]


def test_its_ca_is_injected_from_where_it_is() -> None:
    values = yaml.safe_load((FOLDER / "values.yaml").read_text())
    metadata = certificate()["metadata"]
    assert values["caInjectionAnnotations"] == {
        "cert-manager.io/inject-ca-from": f"{metadata['namespace']}/{metadata['name']}"
    }


def test_everything_that_is_signed_from_is_there() -> None:
    items = list(yaml.safe_load_all((FOLDER / "certificates.yaml").read_text()))
    issuers = {item["metadata"]["name"] for item in items if item["kind"] == "Issuer"}
    secrets = {item["spec"]["secretName"] for item in items if item["kind"] == "Certificate"}
    for item in items:
        if item["kind"] == "Certificate":
            assert item["spec"]["issuerRef"]["name"] in issuers
        elif "ca" in item["spec"]:
            assert item["spec"]["ca"]["secretName"] in secrets
