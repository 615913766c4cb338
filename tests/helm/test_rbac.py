"""The chart's rights: who may do what, and that nobody may do more."""

from app.api import wellknown
from tests.helm.conftest import Json, Rendered, rendered_with

ROLES = ("ClusterRole", "Role")
TASKS_AND_WORKLOADS = ("keptntasks", "keptnworkloads", "keptnworkloadversions")
READ = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}


def rules(chart: Rendered) -> list[Json]:
    return [rule for kind in ROLES for role in chart.all(kind) for rule in role["rules"]]


def rights(role: Json, *, names: bool = True) -> set[tuple[str, str, str]]:
    """(group, resource, verb) of every rule; with `names` False only of rules that are not held to names."""
    return {
        (group, resource, verb)
        for rule in role["rules"]
        if names or "resourceNames" not in rule
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_no_rule_has_a_wildcard(chart: Rendered) -> None:
    for rule in rules(chart):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "nonResourceURLs" not in rule


def test_nobody_may_escalate_bind_or_impersonate(chart: Rendered) -> None:
    assert not {verb for rule in rules(chart) for verb in rule["verbs"]} & {"escalate", "bind", "impersonate"}


def test_no_secret_is_read_across_the_cluster(chart: Rendered) -> None:
    for role in chart.all("ClusterRole"):
        assert "secrets" not in {resource for rule in role["rules"] for resource in rule["resources"]}


def test_in_its_own_namespace_only_the_certificates_secret_is_read(chart: Rendered) -> None:
    for role in chart.all("Role"):
        for rule in role["rules"]:
            if "secrets" in rule["resources"] and rule["verbs"] != ["create"]:
                assert rule["resourceNames"] == ["keptn-certs"]


def test_the_webhook_writes_nothing_but_jobs(chart: Rendered) -> None:
    roles = [
        chart.one("ClusterRole", "lifecycle-operator-webhook-role"),
        chart.one("Role", "lifecycle-operator-webhook"),
    ]
    written = {right for role in roles for right in rights(role) if right[2] not in READ}
    assert written == {("batch", "jobs", "create")}


def test_the_worker_writes_what_its_work_needs(chart: Rendered) -> None:
    keptn = wellknown.GROUP
    written_kinds = ("keptnapps", "keptnappversions", "keptnevaluations", *TASKS_AND_WORKLOADS)
    owners = ("keptnapps", "keptnappversions", "keptntaskdefinitions", *TASKS_AND_WORKLOADS)
    role = chart.one("ClusterRole", "lifecycle-operator-role")
    written = {right for right in rights(role, names=False) if right[2] not in READ}
    assert written == {
        ("", "namespaces", "patch"),
        ("", "pods", "patch"),
        ("", "configmaps", "create"),
        ("", "configmaps", "patch"),
        ("", "events", "create"),
        ("", "events", "patch"),
        ("apps", "deployments/status", "patch"),
        ("batch", "jobs", "create"),
        ("batch", "jobs", "patch"),
        ("batch", "jobs", "delete"),
        (keptn, "keptnappcreationrequests", "delete"),
        *((keptn, kind, verb) for kind in written_kinds for verb in ("create", "patch")),
        *((keptn, f"{kind}/status", "patch") for kind in ("keptntaskdefinitions", *written_kinds)),
        *((keptn, f"{kind}/finalizers", "update") for kind in owners),
    }


def test_the_worker_reads_every_kind(chart: Rendered) -> None:
    role = chart.one("ClusterRole", "lifecycle-operator-role")
    for crd in chart.all("CustomResourceDefinition"):
        group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
        assert {(group, plural, verb) for verb in READ} <= rights(role)


def test_others_kinds_are_read_and_never_written(chart: Rendered) -> None:
    for name in ("lifecycle-operator-role", "lifecycle-operator-webhook-role"):
        for group, _, verb in rights(chart.one("ClusterRole", name)):
            if group in ("argoproj.io", "metrics.keptn.sh", "options.keptn.sh"):
                assert verb in READ


def test_a_token_is_read_where_it_was_named_and_nowhere_else() -> None:
    chart = rendered_with("--set", "evaluations.secrets[0].namespace=shop,evaluations.secrets[0].name=token")
    role = chart.one("Role", "lifecycle-operator-reads-token")
    assert role["metadata"]["namespace"] == "shop"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["token"], "verbs": ["get"]}
    ]
    binding = chart.one("RoleBinding", "lifecycle-operator-reads-token")
    assert binding["metadata"]["namespace"] == "shop"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "lifecycle-operator", "namespace": "keptn-system"}
    ]


def test_of_what_belongs_to_the_cluster_the_worker_changes_only_its_own(chart: Rendered) -> None:
    role = chart.one("ClusterRole", "lifecycle-operator-role")
    named = {
        (resource, name)
        for rule in role["rules"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", ())
    }
    converted = {
        ("customresourcedefinitions", crd["metadata"]["name"])
        for crd in chart.all("CustomResourceDefinition")
        if crd["spec"]["conversion"]["strategy"] == "Webhook"
    }
    assert converted
    left_by_keptn = {
        ("customresourcedefinitions", f"{kind}.lifecycle.keptn.sh") for kind in ("keptnapps", "keptnappversions")
    }
    assert named == converted | left_by_keptn | {
        ("mutatingwebhookconfigurations", chart.all("MutatingWebhookConfiguration")[0]["metadata"]["name"]),
        ("validatingwebhookconfigurations", chart.all("ValidatingWebhookConfiguration")[0]["metadata"]["name"]),
    }


def test_the_worker_leads_by_keptns_own_lease(chart: Rendered) -> None:
    found = [rule for rule in chart.one("Role", "lifecycle-operator")["rules"] if "leases" in rule["resources"]]
    assert [(rule.get("resourceNames"), set(rule["verbs"])) for rule in found] == [
        (None, {"create"}),
        (["6b866dd9.keptn.sh"], {"get", "patch", "update"}),
    ]


def test_every_binding_gives_one_role_to_the_account_it_is_meant_for(chart: Rendered) -> None:
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for binding in chart.all(kind):
            (subject,) = binding["subjects"]
            assert subject["namespace"] == "keptn-system"
            assert binding["roleRef"]["name"].removesuffix("-role") == subject["name"]
            assert chart.one(binding["roleRef"]["kind"], binding["roleRef"]["name"])


def test_people_with_edit_write_definitions_and_tasks_and_no_verdicts(chart: Rendered) -> None:
    edit = chart.one("ClusterRole", "lifecycle-operator-edit")
    assert {(resource, verb) for _, resource, verb in rights(edit)} == {
        (kind, verb)
        for kind in (
            "keptnappcontexts",
            "keptnapps",
            "keptnevaluationdefinitions",
            "keptntaskdefinitions",
            "keptntasks",
        )
        for verb in WRITE
    }
    labels = edit["metadata"]["labels"]
    assert labels["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert labels["rbac.authorization.k8s.io/aggregate-to-admin"] == "true"
    assert "rbac.authorization.k8s.io/aggregate-to-view" not in labels


def test_people_with_view_read_every_kind(chart: Rendered) -> None:
    view = chart.one("ClusterRole", "lifecycle-operator-view")
    kinds = {(crd["spec"]["group"], crd["spec"]["names"]["plural"]) for crd in chart.all("CustomResourceDefinition")}
    assert rights(view) == {(group, kind, verb) for group, kind in kinds for verb in READ}
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"


def test_who_brings_certificates_lets_nobody_change_them() -> None:
    chart = rendered_with("--set", "certificates.source=external,certificates.secretName=mine")
    cluster = rights(chart.one("ClusterRole", "lifecycle-operator-role"))
    assert not {right for right in cluster if right[1].endswith("webhookconfigurations") and right[2] == "patch"}
    assert ("apiextensions.k8s.io", "customresourcedefinitions", "patch") not in cluster
    for name in ("lifecycle-operator", "lifecycle-operator-webhook"):
        role = chart.one("Role", name)
        (rule,) = (rule for rule in role["rules"] if "secrets" in rule["resources"])
        assert (rule["resourceNames"], set(rule["verbs"])) == (["mine"], READ)
