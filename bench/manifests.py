"""The objects that the measurement puts into the cluster. All of them live in namespaces of its own."""

from typing import Any

from app.api import wellknown

Json = dict[str, Any]

OPTED_IN = "holdfast-bench"
PLAIN = "holdfast-bench-floor"
APPS = "holdfast-bench-apps"
APPS_PLAIN = "holdfast-bench-apps-floor"
FLOOR_GATE = "bench.holdfast/floor"
NAME_LABEL = "app.kubernetes.io/name"
PASSING = "one-second"
FAILING = "never"
IMAGE = "busybox:1.36"

# What the Job controller and Holdfast add to a Job, which a Job of someone else's must not carry.
_FOREIGN_LABELS = (
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
    wellknown.LABEL,
)


def namespace(name: str, *, opted_in: bool) -> Json:
    annotations = {wellknown.NAMESPACE_OPT_IN: wellknown.NAMESPACE_OPT_IN_VALUE} if opted_in else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}


def definition(name: str) -> Json:
    """A check that sleeps for a second and passes, or one that fails at once."""
    command = ["sleep", "1"] if name == PASSING else ["sh", "-c", "echo this check never passes; exit 1"]
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnTaskDefinition",
        "metadata": {"name": name},
        "spec": {
            "retries": 0,
            "timeout": "2m",
            "container": {"name": "check", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": command},
        },
    }


def deployment(name: str, *, check: str = "", after: str = "", app: str = "") -> Json:
    """One pod, asking for `check`; without one, held by a gate of the floor's own instead. `after` is a check for when
    it is up.
    """
    annotations = {"keptn.sh/pre-deployment-tasks": check, wellknown.VERSION: "1"} if check else {}
    if check and app:
        annotations[wellknown.APP] = app
    if check:
        annotations[wellknown.WORKLOAD] = name
    if check and after:
        annotations["keptn.sh/post-deployment-tasks"] = after
    pod: Json = {
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "sleeper",
                "image": IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"],
            }
        ],
    }
    if not check:
        pod["schedulingGates"] = [{"name": FLOOR_GATE}]
    labels = {NAME_LABEL: name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        },
    }


def app_context(app: str, check: str) -> Json:
    """`check` before and after all workloads of `app`."""
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnAppContext",
        "metadata": {"name": app},
        "spec": {"preDeploymentTasks": [check], "postDeploymentTasks": [check]},
    }


def gets_ready_late(body: Json, seconds: int) -> Json:
    """The same Deployment, whose pod is ready only so many seconds after its start."""
    spec = body["spec"]["template"]["spec"]
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": seconds, "periodSeconds": 1}
    containers = [container | {"readinessProbe": probe} for container in spec["containers"]]
    template = body["spec"]["template"] | {"spec": spec | {"containers": containers}}
    return body | {"spec": body["spec"] | {"template": template}}


def same_job(original: Json, rollout: str) -> Json:
    """A Job that runs just what `original` runs, for `rollout`, but belongs to nobody."""
    spec = original["spec"]
    template = spec["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    kept = {key: value for key, value in labels.items() if key not in _FOREIGN_LABELS}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"floor-{rollout}", "annotations": {wellknown.WORKLOAD: f"{rollout}-{rollout}"}},
        "spec": {
            "backoffLimit": spec["backoffLimit"],
            "activeDeadlineSeconds": spec["activeDeadlineSeconds"],
            "template": {"metadata": {"labels": kept}, "spec": template["spec"]},
        },
    }


def same_app_job(original: Json, app: str, workload: str, when: str) -> Json:
    """A Job that runs just what `original` runs, marked as Holdfast marks that of a check of `app` or one of its
    workloads; `when` is `pre` or `post`.
    """
    job = same_job(original, f"{when}-{workload or app}")
    marks = {wellknown.APP: app, wellknown.TASK_NAME: f"{when}-{original['metadata']['name']}"}
    if workload:
        marks[wellknown.WORKLOAD] = f"{app}-{workload}"
    job["metadata"]["annotations"] = marks
    return job


def open_gate() -> list[Json]:
    """A JSON patch that takes the floor's gate off a pod that has no other."""
    return [
        {"op": "test", "path": "/spec/schedulingGates/0/name", "value": FLOOR_GATE},
        {"op": "remove", "path": "/spec/schedulingGates/0"},
    ]
