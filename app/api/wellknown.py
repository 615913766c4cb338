"""Names that Holdfast shares with Keptn, with Kubernetes and between its own parts."""

from typing import Final

GROUP: Final = "lifecycle.keptn.sh"
OPTIONS_GROUP: Final = "options.keptn.sh"
STORAGE_VERSION: Final = "v1"
API_VERSION: Final = f"{GROUP}/{STORAGE_VERSION}"

GATE: Final = "keptn-prechecks-gate"

# One label for all that the worker selects pods and Jobs by: gated pods, and the Jobs of tasks with their pods.
LABEL: Final = "keptn.sh/holdfast"
LABEL_HELD: Final = "held"
LABEL_TASK: Final = "task"
# The same label on a namespace mirrors the opt-in annotation, which a webhook's selectors cannot see.
LABEL_NAMESPACE: Final = "enabled"
# On the worker's pod that leads: the Service of the metrics selects it.
LEADS: Final = "keptn.sh/leads"
LEADS_VALUE: Final = "true"

NAMESPACE_OPT_IN: Final = "keptn.sh/lifecycle-toolkit"
NAMESPACE_OPT_IN_VALUE: Final = "enabled"

GATE_REMOVED: Final = "keptn.sh/scheduling-gate-removed"
GATE_BYPASSED: Final = "keptn.sh/scheduling-gate-bypassed"
RETRY: Final = "keptn.sh/retry"
# enforce, warn or observe: on a workload, a namespace or a KeptnApp.
CHECK_POLICY: Final = "keptn.sh/check-policy"
# On a version whose policy stands beside the keys of its pods, and so is its own for good.
CHECK_POLICY_FROM: Final = "keptn.sh/check-policy-from"
CHECK_POLICY_FROM_PODS: Final = "pods"
CONTENT: Final = "keptn.sh/content"
# The pod revision for which a version was made, before its status lists all that wait for it.
REVISION: Final = "keptn.sh/revision"
CODE_DIGEST: Final = "keptn.sh/code-digest"
TASK_NAME: Final = "keptn.sh/task-name"
APP: Final = "keptn.sh/app"
# Who wrote a KeptnApp: with this label it is made from the workloads that name it, and otherwise a person's.
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY_VALUE: Final = "keptn"
# On a KeptnWorkload and on a KeptnApp made from it: nobody named an app, so it stands for itself.
APP_TYPE: Final = "keptn.sh/app-type"
SINGLE_SERVICE: Final = "single-service"
# Digest of what such a KeptnApp was last made to say. Where it does not fit, a person has written there since.
DISCOVERED: Final = "keptn.sh/discovered"
# The generation of its KeptnApp that a KeptnAppVersion stands for.
APP_GENERATION: Final = "keptn.sh/app-generation"
WORKLOAD: Final = "keptn.sh/workload"
VERSION: Final = "keptn.sh/version"

POD_TEMPLATE_HASH: Final = "pod-template-hash"
CONTROLLER_REVISION_HASH: Final = "controller-revision-hash"
DEPLOYMENT_REVISION: Final = "deployment.kubernetes.io/revision"
ROLLOUT_POD_HASH: Final = "rollouts-pod-template-hash"  # Argo's, on a Rollout's ReplicaSets
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"  # JSON, of `kubectl apply`
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
# The condition of a pod that the cluster ends: evicted, preempted, drained, or lost with its node.
DISRUPTION: Final = "DisruptionTarget"
JOB_NAME: Final = "batch.kubernetes.io/job-name"

INJECT_CERTIFICATE: Final = "keptn.sh/inject-cert"
# Before the names of annotations: what the version that an object is in has no field for, as JSON.
CONVERSION: Final = "conversion.keptn.sh/"
