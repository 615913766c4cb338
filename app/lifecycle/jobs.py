"""The Job of a task: exactly Keptn's container and environment, inside what a restricted namespace admits."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.api import wellknown
from app.api.meta import controlled_by
from app.api.task import Task
from app.api.taskdefinition import Runtime, TaskDefinition
from app.lifecycle import durations, gojson, names, quantities
from app.lifecycle.functions import Container, Function, RemoteCode
from app.lifecycle.quantities import QuantityError

RUNNER = "keptn-function-runner"
_SCRIPT = {"deno": "/var/data/function.ts", "python": "/var/data/function.py"}
_CODE_VOLUME = "function-mount"
_DEFAULT_VOLUME_SIZE = "1Gi"

# A pod that the cluster evicts, preempts, drains or loses with its node is made again and does not count as failed.
_POD_FAILURE_POLICY = {
    "rules": [{"action": "Ignore", "onPodConditions": [{"type": wellknown.DISRUPTION, "status": "True"}]}]
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the installation and the namespace ask of a task's pod.

    `harden` and `quota` say that the namespace enforces the restricted Pod Security Standard, or has a ResourceQuota on
    CPU or memory: then a container of the user's own gets what it lacks; elsewhere it runs as it was written.
    """

    images: Mapping[Runtime, str]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    run_as_user: int | None = 1000
    harden: bool = False
    quota: bool = False


@dataclass(frozen=True, slots=True)
class Mounted:
    """The ConfigMap in the task's own namespace that a script is mounted from."""

    config_map: str


def build(
    task: Task,
    definition: TaskDefinition,
    what: Function | Container,
    mounted: Mounted | None,
    policy: Policy,
    *,
    run: int,
    failures: int,
) -> Json:
    """The Job that runs `task` for the `run`-th time, after `failures` attempts that already count.

    `mounted` is where the script lies, None for a container or for code that the pod fetches itself.
    Source: keptn-behaviour 4, but for restartPolicy Never (each attempt's pod and log stay), the policy on what the
    cluster ends, and the security context.
    """
    meta = task.metadata
    context = task.spec.context
    marks = {
        wellknown.APP: context.app_name,
        wellknown.TASK_NAME: meta.name,
        wellknown.VERSION: context.workload_version if context.workload_name else context.app_version,
    }
    if context.workload_name:
        marks[wellknown.WORKLOAD] = context.workload_name
    labels = meta.labels | {wellknown.LABEL: wellknown.LABEL_TASK}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.job_name(meta.name, meta.uid, run),
            "namespace": meta.namespace,
            "labels": labels,
            "annotations": meta.annotations | marks,
            "ownerReferences": [controlled_by("KeptnTask", meta)],
        },
        "spec": {
            "backoffLimit": max(0, task.spec.retries - failures),
            "podFailurePolicy": _POD_FAILURE_POLICY,
            "activeDeadlineSeconds": max(1, int(durations.parse(task.spec.timeout))),
            "ttlSecondsAfterFinished": definition.spec.ttl_seconds_after_finished,
            "template": {
                "metadata": {"labels": labels, "annotations": meta.annotations},
                "spec": _pod_spec(task, definition, what, mounted, policy),
            },
        },
    }


def dry_run(definition_name: str, namespace: str, container: Json) -> Json:
    """A Job with `container` as it would run, to ask the API server whether it would take it."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"{definition_name[:40]}-", "namespace": namespace},
        "spec": {"template": {"spec": {"restartPolicy": "Never", **_with_volume(container, container)}}},
    }


def _pod_spec(
    task: Task, definition: TaskDefinition, what: Function | Container, mounted: Mounted | None, policy: Policy
) -> Json:
    spec: Json = {"restartPolicy": "Never"}
    account = definition.spec.service_account
    automount = definition.spec.automount_service_account_token
    if account is not None:
        spec["serviceAccountName"] = account.name
    if automount is not None:
        spec["automountServiceAccountToken"] = automount.type
    elif account is None:
        # Nobody asked for an identity, so a check gets none; who names an account wants its token, as with Keptn.
        spec["automountServiceAccountToken"] = False
    if definition.spec.image_pull_secrets:
        spec["imagePullSecrets"] = [secret.dump() for secret in definition.spec.image_pull_secrets]
    if isinstance(what, Container):
        return spec | _user_container(task, what, policy)
    return spec | _script_container(task, what, mounted, policy)


def _script_container(task: Task, function: Function, mounted: Mounted | None, policy: Policy) -> Json:
    parameters = function.parameters | task.spec.parameters.map
    secret = task.spec.secure_parameters.secret or function.secret
    script = function.code.url if isinstance(function.code, RemoteCode) else _SCRIPT[function.runtime]
    env: list[Json] = []
    if parameters:
        env.append({"name": "DATA", "value": gojson.parameters(parameters)})
    env.append({"name": "KEPTN_CONTEXT", "value": gojson.context(task.spec.context)})
    env.append({"name": "CMD_ARGS", "value": function.cmd_parameters})
    if secret:
        reference = {"name": secret, "key": "SECURE_DATA"}
        env.append({"name": "SECURE_DATA", "valueFrom": {"secretKeyRef": reference}})
    env.append({"name": "SCRIPT", "value": script})
    container: Json = {
        "name": RUNNER,
        "image": policy.images[function.runtime],
        "imagePullPolicy": "IfNotPresent",
        "env": env,
        "resources": {"requests": dict(policy.requests), "limits": dict(policy.limits)},
        "securityContext": _container_security({}),
        # The last lines of a script that failed come back in the pod's own status; nobody needs to read its log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    spec: Json = {"containers": [container], "securityContext": _pod_security(policy)}
    if mounted is not None:
        container["volumeMounts"] = [{"name": _CODE_VOLUME, "mountPath": script, "subPath": "code", "readOnly": True}]
        spec["volumes"] = [{"name": _CODE_VOLUME, "configMap": {"name": mounted.config_map}}]
    return spec


def _user_container(task: Task, what: Container, policy: Policy) -> Json:
    container = dict(what.spec)
    context = {"name": "KEPTN_CONTEXT", "value": gojson.context(task.spec.context)}
    env = list(container.get("env") or [])
    places = [at for at, entry in enumerate(env) if entry.get("name") == "KEPTN_CONTEXT"]
    if places:
        env[places[0]] = context
    else:
        env.append(context)
    container["env"] = env
    if "terminationMessagePolicy" not in container and not reads_secrets(container):
        container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    spec = _with_volume(what.spec, container)
    if policy.harden:
        container["securityContext"] = _container_security(container.get("securityContext") or {})
        spec["securityContext"] = _pod_security(policy, container["securityContext"])
    if policy.quota:
        container["resources"] = _counted(container.get("resources") or {}, policy)
    return spec


def reads_secrets(container: Json) -> bool:
    """Whether a container is given a Secret through its environment: then its output may hold one, and is not kept."""
    from_env = any(entry.get("secretRef") for entry in container.get("envFrom") or [])
    return from_env or any((entry.get("valueFrom") or {}).get("secretKeyRef") for entry in container.get("env") or [])


def _with_volume(written: Json, container: Json) -> Json:
    mounts = written.get("volumeMounts") or []
    if not mounts:
        return {"containers": [container]}
    limit = ((written.get("resources") or {}).get("limits") or {}).get("memory")
    try:
        size = quantities.half_bytes(str(limit)) if limit else _DEFAULT_VOLUME_SIZE
    except QuantityError:
        size = _DEFAULT_VOLUME_SIZE  # the API server refuses that limit, and says so
    volume = {"name": mounts[0].get("name", ""), "emptyDir": {"medium": "Memory", "sizeLimit": size}}
    return {"containers": [container], "volumes": [volume]}


def _counted(given: Json, policy: Policy) -> Json:
    """`given` resources with what a quota asks for and is not there. What is there stays, and the rest fits it."""
    requests, limits = dict(given.get("requests") or {}), dict(given.get("limits") or {})
    for name, size in policy.limits.items():
        if name not in limits:
            limits[name] = max(size, str(requests.get(name, size)), key=_size)
    for name, size in policy.requests.items():
        if name not in requests:
            requests[name] = limits[name] if name in (given.get("limits") or {}) else size
    return given | {"requests": requests, "limits": limits}


def _size(quantity: str) -> Decimal:
    try:
        return quantities.parse(quantity)
    except QuantityError:
        return Decimal("Infinity")  # let the API server see and refuse it


def _container_security(given: Json) -> Json:
    base: Json = {"allowPrivilegeEscalation": False, "runAsNonRoot": True}
    return base | given | {"capabilities": {"drop": ["ALL"]} | (given.get("capabilities") or {})}


def _pod_security(policy: Policy, container: Json | None = None) -> Json:
    security: Json = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if policy.run_as_user is not None and "runAsUser" not in (container or {}):
        security["runAsUser"] = policy.run_as_user
    return security
