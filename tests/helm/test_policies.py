"""The chart's admission policies: that they are bound, and whom they name. What they decide is tested end to end."""

from app.api import wellknown
from tests.helm.conftest import Rendered, rendered_with


def test_every_policy_is_bound_and_denies(chart: Rendered) -> None:
    policies = {item["metadata"]["name"] for item in chart.all("ValidatingAdmissionPolicy")}
    bindings = chart.all("ValidatingAdmissionPolicyBinding")
    assert {item["spec"]["policyName"] for item in bindings} == policies
    assert len(bindings) == len(policies) == 2
    assert all(item["spec"]["validationActions"] == ["Deny"] for item in bindings)
    assert all("matchResources" not in item["spec"] for item in bindings)
    assert all(item["spec"]["failurePolicy"] == "Fail" for item in chart.all("ValidatingAdmissionPolicy"))


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
