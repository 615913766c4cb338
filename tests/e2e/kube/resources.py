"""The kinds that the tests use, and where the API keeps them."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    version: str
    plural: str
    namespaced: bool = True


KINDS = {
    "ConfigMap": Resource("v1", "configmaps"),
    "CustomResourceDefinition": Resource("apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False),
    "DaemonSet": Resource("apps/v1", "daemonsets"),
    "Deployment": Resource("apps/v1", "deployments"),
    "Event": Resource("v1", "events"),
    "Job": Resource("batch/v1", "jobs"),
    "KeptnApp": Resource("lifecycle.keptn.sh/v1", "keptnapps"),
    "KeptnAppContext": Resource("lifecycle.keptn.sh/v1", "keptnappcontexts"),
    "KeptnAppCreationRequest": Resource("lifecycle.keptn.sh/v1", "keptnappcreationrequests"),
    "KeptnAppVersion": Resource("lifecycle.keptn.sh/v1", "keptnappversions"),
    "KeptnConfig": Resource("options.keptn.sh/v1alpha1", "keptnconfigs"),
    "KeptnEvaluation": Resource("lifecycle.keptn.sh/v1", "keptnevaluations"),
    "KeptnEvaluationDefinition": Resource("lifecycle.keptn.sh/v1", "keptnevaluationdefinitions"),
    "KeptnMetric": Resource("metrics.keptn.sh/v1", "keptnmetrics"),
    "KeptnMetricsProvider": Resource("metrics.keptn.sh/v1", "keptnmetricsproviders"),
    "KeptnTask": Resource("lifecycle.keptn.sh/v1", "keptntasks"),
    "KeptnTaskDefinition": Resource("lifecycle.keptn.sh/v1", "keptntaskdefinitions"),
    "KeptnWorkload": Resource("lifecycle.keptn.sh/v1", "keptnworkloads"),
    "KeptnWorkloadVersion": Resource("lifecycle.keptn.sh/v1", "keptnworkloadversions"),
    "Lease": Resource("coordination.k8s.io/v1", "leases"),
    "Namespace": Resource("v1", "namespaces", namespaced=False),
    "Pod": Resource("v1", "pods"),
    "ReplicaSet": Resource("apps/v1", "replicasets"),
    "ResourceQuota": Resource("v1", "resourcequotas"),
    "Role": Resource("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Resource("rbac.authorization.k8s.io/v1", "rolebindings"),
    "Rollout": Resource("argoproj.io/v1alpha1", "rollouts"),
    "Secret": Resource("v1", "secrets"),
    "Service": Resource("v1", "services"),
    "ServiceAccount": Resource("v1", "serviceaccounts"),
    "StatefulSet": Resource("apps/v1", "statefulsets"),
    "ValidatingAdmissionPolicy": Resource(
        "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", namespaced=False
    ),
    "ValidatingAdmissionPolicyBinding": Resource(
        "admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", namespaced=False
    ),
}


def path(kind: str, namespace: str, name: str = "", *, version: str = "", subresource: str = "") -> str:
    """The URL path of a collection, of an object or of a part of one; `version` is an unusual apiVersion."""
    resource = KINDS[kind]
    version = version or resource.version
    parts = ["", "apis" if "/" in version else "api", version]
    if resource.namespaced and namespace:
        parts += ["namespaces", namespace]
    parts.append(resource.plural)
    return "/".join(parts + [part for part in (name, subresource) if part])
