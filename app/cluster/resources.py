"""Every kind of object that Holdfast touches."""

from app.cluster.api import Resource

PODS = Resource("", "v1", "pods", "Pod")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap")
SERVICES = Resource("", "v1", "services", "Service")
SECRETS = Resource("", "v1", "secrets", "Secret")
RESOURCEQUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
# Core v1, not events.k8s.io/v1. Both groups are one store, so a reader of either sees our events; core v1 has `count`
# and `lastTimestamp`, which `kubectl describe` prints for a repeated event, and works back to the oldest servers.
EVENTS = Resource("", "v1", "events", "Event")
JOBS = Resource("batch", "v1", "jobs", "Job")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
REPLICASETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
STATEFULSETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
DAEMONSETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
CONTROLLERREVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
MUTATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
    namespaced=False,
)
VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
TASK_DEFINITIONS = Resource("lifecycle.keptn.sh", "v1", "keptntaskdefinitions", "KeptnTaskDefinition")
TASKS = Resource("lifecycle.keptn.sh", "v1", "keptntasks", "KeptnTask")
WORKLOADS = Resource("lifecycle.keptn.sh", "v1", "keptnworkloads", "KeptnWorkload")
WORKLOAD_VERSIONS = Resource("lifecycle.keptn.sh", "v1", "keptnworkloadversions", "KeptnWorkloadVersion")
APPS = Resource("lifecycle.keptn.sh", "v1", "keptnapps", "KeptnApp")
APP_CONTEXTS = Resource("lifecycle.keptn.sh", "v1", "keptnappcontexts", "KeptnAppContext")
APP_VERSIONS = Resource("lifecycle.keptn.sh", "v1", "keptnappversions", "KeptnAppVersion")
APP_CREATION_REQUESTS = Resource("lifecycle.keptn.sh", "v1", "keptnappcreationrequests", "KeptnAppCreationRequest")
EVALUATION_DEFINITIONS = Resource("lifecycle.keptn.sh", "v1", "keptnevaluationdefinitions", "KeptnEvaluationDefinition")
EVALUATIONS = Resource("lifecycle.keptn.sh", "v1", "keptnevaluations", "KeptnEvaluation")
CONFIGS = Resource("options.keptn.sh", "v1alpha1", "keptnconfigs", "KeptnConfig")
# Other projects' kinds, which a cluster may not have.
ROLLOUTS = Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout")
METRICS = Resource("metrics.keptn.sh", "v1", "keptnmetrics", "KeptnMetric")
METRICS_PROVIDERS = Resource("metrics.keptn.sh", "v1", "keptnmetricsproviders", "KeptnMetricsProvider")
