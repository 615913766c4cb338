"""The chart's webhook configurations: who is asked about what, and who is never asked."""

from app.api import wellknown
from tests.helm.conftest import Json, Rendered, rendered_with


def webhook(chart: Rendered, name: str) -> Json:
    kinds = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    configurations = [configuration for kind in kinds for configuration in chart.all(kind)]
    hooks: list[Json] = [hook for configuration in configurations for hook in configuration["webhooks"]]
    (found,) = (hook for hook in hooks if hook["name"] == name)
    return found


def excluded_namespaces(hook: Json) -> set[str]:
    return {value for listed in named_namespaces(hook, "NotIn") for value in listed}


def named_namespaces(hook: Json, operator: str) -> list[list[str]]:
    return [
        expression["values"]
        for expression in hook["namespaceSelector"]["matchExpressions"]
        if expression["key"] == "kubernetes.io/metadata.name" and expression["operator"] == operator
    ]


NEVER = {"kube-system", "kube-public", "kube-node-lease", "keptn-system"}
DENIED = {"cert-manager", "observability", "monitoring"}


def test_configurations_have_keptns_names_and_get_their_ca_from_the_worker(chart: Rendered) -> None:
    for kind, name in (
        ("MutatingWebhookConfiguration", "lifecycle-mutating-webhook-configuration"),
        ("ValidatingWebhookConfiguration", "lifecycle-validating-webhook-configuration"),
    ):
        configuration = chart.one(kind, name)
        assert configuration["metadata"]["labels"][wellknown.INJECT_CERTIFICATE] == "true"
        for hook in configuration["webhooks"]:
            assert "caBundle" not in hook["clientConfig"]  # or an upgrade would put an old one back
            service = hook["clientConfig"]["service"]
            assert (service["name"], service["namespace"], service["port"]) == (
                "lifecycle-webhook-service",
                "keptn-system",
                443,
            )
            assert hook["sideEffects"] == "None"
            assert hook["admissionReviewVersions"] == ["v1"]


def test_only_new_pods_of_opted_in_namespaces_are_sent(chart: Rendered) -> None:
    hook = webhook(chart, "mpod.keptn.sh")
    (rule,) = hook["rules"]
    assert (rule["operations"], rule["resources"], rule["apiGroups"]) == (["CREATE"], ["pods"], [""])
    assert {"key": wellknown.LABEL, "operator": "In", "values": [wellknown.LABEL_NAMESPACE]} in (
        hook["namespaceSelector"]["matchExpressions"]
    )
    assert excluded_namespaces(hook) == NEVER | DENIED
    assert named_namespaces(hook, "In") == []
    assert hook["clientConfig"]["service"]["path"] == "/mutate-v1-pod"
    assert hook["reinvocationPolicy"] == "IfNeeded"


def test_namespaces_can_be_denied_and_allowed() -> None:
    hook = webhook(rendered_with("--set", "deniedNamespaces={db,mq}"), "mpod.keptn.sh")
    assert excluded_namespaces(hook) == NEVER | {"db", "mq"}
    hook = webhook(rendered_with("--set-json", "deniedNamespaces=[]"), "mpod.keptn.sh")
    assert excluded_namespaces(hook) == NEVER
    hook = webhook(
        rendered_with("--set", "allowedNamespaces={shop}", "--set", "deniedNamespaces={db}"), "mpod.keptn.sh"
    )
    assert (named_namespaces(hook, "In"), excluded_namespaces(hook)) == ([["shop"]], NEVER)
    assert (
        excluded_namespaces(webhook(rendered_with("--set", "allowedNamespaces={shop}"), "mnamespace.keptn.sh")) == NEVER
    )


def test_no_label_of_a_pod_keeps_it_from_being_checked(chart: Rendered) -> None:
    hook = webhook(chart, "mpod.keptn.sh")
    assert "objectSelector" not in hook
    assert all("labels" not in condition["expression"] for condition in hook["matchConditions"])


def test_the_webhook_fails_closed_within_three_seconds_unless_told_otherwise(chart: Rendered) -> None:
    hook = webhook(chart, "mpod.keptn.sh")
    assert (hook["failurePolicy"], hook["timeoutSeconds"]) == ("Fail", 3)
    hook = webhook(rendered_with("--set", "failurePolicy=Ignore,timeoutSeconds=7"), "mpod.keptn.sh")
    assert (hook["failurePolicy"], hook["timeoutSeconds"]) == ("Ignore", 7)


def test_namespaces_are_sent_when_their_opt_in_changes_and_fail_closed(chart: Rendered) -> None:
    hook = webhook(chart, "mnamespace.keptn.sh")
    (rule,) = hook["rules"]
    assert (rule["operations"], rule["resources"], rule["scope"]) == (["CREATE", "UPDATE"], ["namespaces"], "Cluster")
    assert excluded_namespaces(hook) == NEVER
    (condition,) = hook["matchConditions"]
    for part in (
        wellknown.NAMESPACE_OPT_IN,
        wellknown.NAMESPACE_OPT_IN_VALUE,
        wellknown.LABEL,
        wellknown.LABEL_NAMESPACE,
    ):
        assert f"'{part}'" in condition["expression"]
    assert hook["failurePolicy"] == "Fail"
    assert webhook(rendered_with("--set", "failurePolicy=Ignore"), "mnamespace.keptn.sh")["failurePolicy"] == "Fail"


def test_definitions_are_judged_in_every_version_that_is_served(chart: Rendered) -> None:
    hook = webhook(chart, "vkeptntaskdefinition.kb.io")
    (rule,) = hook["rules"]
    crd = chart.one("CustomResourceDefinition", "keptntaskdefinitions.lifecycle.keptn.sh")
    assert rule["apiVersions"] == [version["name"] for version in crd["spec"]["versions"] if version["served"]]
    assert (rule["operations"], hook["failurePolicy"]) == (["CREATE", "UPDATE"], "Fail")
    assert hook["clientConfig"]["service"]["path"] == "/validate-lifecycle-keptn-sh-v1-keptntaskdefinition"


def test_authors_of_definitions_hear_us_before_the_schema_and_are_not_stopped_by_our_absence(chart: Rendered) -> None:
    early, last = webhook(chart, "mkeptntaskdefinition.keptn.sh"), webhook(chart, "vkeptntaskdefinition.kb.io")
    assert early["rules"] == last["rules"]
    assert early["clientConfig"] == last["clientConfig"]
    assert early["failurePolicy"] == "Ignore"  # the schema and the validating webhook stand behind it


def test_in_another_namespace_everything_follows() -> None:
    chart = rendered_with("--namespace", "elsewhere")
    assert excluded_namespaces(webhook(chart, "mpod.keptn.sh")) == DENIED | NEVER - {"keptn-system"} | {"elsewhere"}
    for hook in ("mpod.keptn.sh", "mnamespace.keptn.sh", "vkeptntaskdefinition.kb.io"):
        assert webhook(chart, hook)["clientConfig"]["service"]["namespace"] == "elsewhere"
    assert "keptn-system" not in repr([item for item in chart.objects if item["kind"] != "CustomResourceDefinition"])
    for crd in chart.all("CustomResourceDefinition"):
        if crd["spec"]["conversion"]["strategy"] == "Webhook":
            assert crd["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["namespace"] == "elsewhere"


def test_who_injects_the_ca_is_told_where() -> None:
    annotation = "cert-manager\\.io/inject-ca-from=keptn-system/keptn-certs"
    chart = rendered_with("--set", f"caInjectionAnnotations.{annotation}")
    told = {
        (item["kind"], item["metadata"]["name"])
        for item in chart.objects
        if item["metadata"].get("annotations", {}).get("cert-manager.io/inject-ca-from") == "keptn-system/keptn-certs"
    }
    converted = {
        ("CustomResourceDefinition", crd["metadata"]["name"])
        for crd in chart.all("CustomResourceDefinition")
        if crd["spec"]["conversion"]["strategy"] == "Webhook"
    }
    assert converted
    assert told == converted | {
        ("MutatingWebhookConfiguration", "lifecycle-mutating-webhook-configuration"),
        ("ValidatingWebhookConfiguration", "lifecycle-validating-webhook-configuration"),
    }


def test_the_worker_finds_every_crd_that_it_must_fill_the_ca_into(chart: Rendered) -> None:
    for crd in chart.all("CustomResourceDefinition"):
        converted = crd["spec"]["conversion"]["strategy"] == "Webhook"
        assert (crd["metadata"]["labels"].get(wellknown.INJECT_CERTIFICATE) == "true") >= converted
