"""The chart's admission policies: that they are bound, and whom they name. What they decide is tested end to end."""

from app.api import wellknown
from app.lifecycle.policies import Policy
from tests.helm.conftest import Rendered, rendered_with

WORDS = "lifecycle-check-policy.keptn.sh"


def test_every_policy_is_bound_and_all_that_protect_deny(chart: Rendered) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in chart.all("ValidatingAdmissionPolicy")}
    bindings = {item["spec"]["policyName"]: item["spec"] for item in chart.all("ValidatingAdmissionPolicyBinding")}
    assert bindings.keys() == policies.keys()
    assert len(policies) == 3
    assert all("matchResources" not in binding for binding in bindings.values())
    for name in policies.keys() - {WORDS}:
        assert bindings[name]["validationActions"] == ["Deny"]
        assert policies[name]["failurePolicy"] == "Fail"


def test_whoever_writes_a_check_policy_that_is_none_is_warned_and_not_refused(chart: Rendered) -> None:
    binding = chart.one("ValidatingAdmissionPolicyBinding", WORDS)["spec"]
    assert binding["validationActions"] == ["Warn"]
    spec = chart.one("ValidatingAdmissionPolicy", WORDS)["spec"]
    assert spec["failurePolicy"] == "Ignore"
    matched = {resource for rule in spec["matchConstraints"]["resourceRules"] for resource in rule["resources"]}
    assert matched == {"namespaces", "deployments", "statefulsets", "daemonsets", "rollouts", "keptnapps"}
    (words,) = [each["expression"] for each in spec["variables"] if each["name"] == "unknown"]
    assert str(["", *map(str, Policy)]) in words
    assert f"'{wellknown.CHECK_POLICY}'" in spec["matchConditions"][0]["expression"]


def test_our_gate_is_opened_by_the_worker_and_the_break_glass_group_alone() -> None:
    chart = rendered_with("--namespace", "elsewhere", "--set", "breakGlassGroup=ops:emergency")
    spec = chart.one("ValidatingAdmissionPolicy", "lifecycle-gate-removal.keptn.sh")["spec"]
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["pods"], ["UPDATE"])
    before, after = (condition["expression"] for condition in spec["matchConditions"])
    assert f"'{wellknown.GATE}'" in before
    assert f"'{wellknown.GATE}'" in after
    (validation,) = spec["validations"]
    assert validation["expression"] == (
        "request.userInfo.username == 'system:serviceaccount:elsewhere:lifecycle-operator'"
        " || 'ops:emergency' in request.userInfo.groups"
    )
    assert "--as-group=ops:emergency" in validation["messageExpression"]


def test_the_webhooks_account_creates_jobs_as_dry_runs_only(chart: Rendered) -> None:
    spec = chart.one("ValidatingAdmissionPolicy", "lifecycle-webhook-dry-run.keptn.sh")["spec"]
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert (rule["apiGroups"], rule["resources"], rule["operations"]) == (["batch"], ["jobs"], ["CREATE"])
    assert [condition["expression"] for condition in spec["matchConditions"]] == [
        "request.userInfo.username == 'system:serviceaccount:keptn-system:lifecycle-operator-webhook'"
    ]
    assert [validation["expression"] for validation in spec["validations"]] == ["request.dryRun == true"]
