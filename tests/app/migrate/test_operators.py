import pytest

from app.migrate import operators
from app.migrate.cluster import Cluster, Unread
from app.migrate.finding import Finding, Level
from tests.app.migrate.objects import cluster, crd, crds, custom, operator, webhook
from tests.builders import Json

THERE = crds(crd("keptntaskdefinitions"))


def found(**parts: object) -> list[Finding]:
    return list(operators.findings(cluster(**({"crds": THERE} | parts))))


def only(findings: list[Finding]) -> Finding:
    (one,) = findings
    return one


@pytest.mark.parametrize("part", ["lifecycle-operator", "certificate-operator"])
def test_keptns_operators_have_to_go(part: str) -> None:
    one = only(found(operators=(operator(part, f"registry.example.com/keptn/{part}:v2.0.0"),)))
    assert (one.level, one.about) == (Level.ACTION, f"Deployment keptn-system/{part}")
    assert f"registry.example.com/keptn/{part}:v2.0.0" in one.what
    assert one.do.startswith("delete it")


def test_the_metrics_operator_may_stay() -> None:
    one = only(found(operators=(operator("metrics-operator", "registry.example.com/keptn/metrics-operator:v2"),)))
    assert (one.level, one.do) == (Level.NOTE, "")


def test_holdfasts_own_deployment_is_none_of_keptns() -> None:
    assert found(operators=(operator("lifecycle-operator", "holdfast/holdfast:1"),)) == []


def test_keptns_services_have_to_go_and_ours_not() -> None:
    def service(**selector: str) -> Json:
        return custom("Service", "lifecycle-webhook-service", "keptn-system", spec={"selector": selector})

    one = only(found(services=(service(**{"control-plane": "lifecycle-operator"}),)))
    assert (one.level, one.about) == (Level.ACTION, "Service keptn-system/lifecycle-webhook-service")
    assert found(services=(service(app="holdfast"),)) == []


def test_keptns_webhook_has_to_go_and_ours_not() -> None:
    one = only(found(webhooks=(webhook("mpod.keptn.sh"),)))
    assert one.level is Level.ACTION
    assert "no pod can be made" in one.what
    assert "no pod can be made" not in only(found(webhooks=(webhook("mpod.keptn.sh", policy="Ignore"),))).what
    assert found(webhooks=(webhook("mpod.keptn.sh", "mnamespace.keptn.sh"), webhook("other"))) == []


def test_which_namespaces_keptn_looked_at_goes_into_the_values() -> None:
    def selected(operator: str, *values: str) -> list[Finding]:
        expression = {"key": "kubernetes.io/metadata.name", "operator": operator, "values": list(values)}
        others: Json = {"key": "control-plane", "operator": "NotIn", "values": ["lifecycle-operator"]}
        return found(webhooks=(webhook("mpod.keptn.sh", namespaces=[others, expression]),))[1:]

    allowed = only(selected("In", "shop", "bank"))
    assert (allowed.level, allowed.do) == (Level.ACTION, "give the chart the same allowedNamespaces")
    assert "bank, shop" in allowed.what
    denied = only(selected("NotIn", "kube-system", "monitoring", "db"))
    assert denied.level is Level.NOTE
    assert "alone: db." in denied.what
    assert selected("NotIn", "kube-system", "keptn-system", "monitoring") == []


def test_a_cluster_without_keptns_kinds_has_nothing_to_take_over() -> None:
    assert "Keptn was never here" in only(list(operators.findings(cluster()))).what
    unread = Cluster(installation="keptn-system", unread=(Unread("CustomResourceDefinition x", "forbidden"),))
    assert list(operators.findings(unread)) == []


def test_crds_in_a_helm_release_would_go_with_it() -> None:
    owned = [crd(kind, release_name="keptn", release_namespace="keptn-system") for kind in ("keptnapps", "keptntasks")]
    one = only(found(crds=crds(*owned)))
    assert (one.level, one.about) == (Level.ACTION, "Helm release keptn-system/keptn")
    assert "2 of the CRDs" in one.what
    kept = owned[0] | {"metadata": owned[0]["metadata"] | {"annotations": {"helm.sh/resource-policy": "keep"}}}
    assert found(crds=crds(kept)) == []


def test_a_stored_version_that_nobody_serves_stands_in_the_way() -> None:
    one = only(found(crds=crds(crd("keptnapps", stored=("v1", "v1alpha3", "v1alpha0")))))
    assert one.level is Level.ACTION
    assert "stored in v1alpha0," in one.what


def test_kinds_of_an_older_keptn_stay() -> None:
    one = only(found(crds=crds(crd("keptntasks"), crd("keptnworkloadinstances"))))
    assert (one.level, one.about) == (
        Level.NOTE,
        "CustomResourceDefinition keptnworkloadinstances.lifecycle.keptn.sh",
    )


def test_who_is_opted_in_and_who_is_all_the_same_not_held() -> None:
    def namespace(name: str, value: str = "enabled") -> Json:
        return {"metadata": {"name": name, "annotations": {"keptn.sh/lifecycle-toolkit": value}}}

    names = ("shop", "bank", "monitoring", "keptn-system", "kube-system")
    findings = found(namespaces=(*map(namespace, names), namespace("off", "disabled")))
    assert {(each.about, each.level) for each in findings} == {
        ("Namespace monitoring", Level.NOTE),
        ("Namespace keptn-system", Level.NOTE),
        ("Namespace kube-system", Level.NOTE),
        ("Namespaces", Level.NOTE),
    }
    assert "2 opted in: bank, shop." in findings[-1].what
