"""What the environment says: read once at start, then passed on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_DIGITS = re.compile(r"[0-9]{1,10}")


class SettingsError(Exception):
    """A variable that is missing or cannot be read; the message names it and says what to set."""


@dataclass(frozen=True, slots=True)
class TaskResources:
    """Requests and limits of a deno or python check's pod, so that it also runs where a ResourceQuota asks for them."""

    cpu_request: str = "50m"
    memory_request: str = "64Mi"
    cpu_limit: str = "1"
    memory_limit: str = "256Mi"


@dataclass(frozen=True, slots=True)
class Settings:
    namespace: str
    pod_name: str
    deno_image: str
    python_image: str
    log_level: str
    webhook_port: int
    health_port: int
    metrics_port: int
    certificate_secret: str
    certificate_source: str
    webhook_service: str
    lease_name: str
    task_resources: TaskResources
    task_user: int | None
    promotion_tasks: bool


def from_environment(env: Mapping[str, str]) -> Settings:
    """Settings of this process.

    Raises SettingsError, naming the variable, if one is missing or malformed.
    """

    def port(name: str, default: int) -> int:
        text = env.get(name) or str(default)
        if not _DIGITS.fullmatch(text) or not 0 < int(text) < 65536:
            raise SettingsError(f"{name} is {text!r}; set it to a port number from 1 to 65535")
        return int(text)

    def required(name: str, what: str) -> str:
        if not env.get(name):
            raise SettingsError(f"{name} is not set; {what}")
        return env[name]

    user = env.get("TASK_RUN_AS_USER", "1000")
    if user and not _DIGITS.fullmatch(user):
        raise SettingsError(f"TASK_RUN_AS_USER is {user!r}; set it to a user id, or to nothing to let the image decide")
    source = env.get("CERTIFICATE_SOURCE") or "self"
    if source not in ("self", "external"):
        raise SettingsError(f"CERTIFICATE_SOURCE is {source!r}; set it to 'self' or 'external'")
    promotion = (env.get("PROMOTION_TASKS_ENABLED") or "false").lower()
    if promotion not in ("true", "false"):
        raise SettingsError(
            f"PROMOTION_TASKS_ENABLED is {env['PROMOTION_TASKS_ENABLED']!r}; set it to 'true' or 'false'"
        )
    defaults = TaskResources()
    return Settings(
        namespace=required("POD_NAMESPACE", "set it to the namespace that Holdfast is installed in"),
        pod_name=required("POD_NAME", "set it to this pod's own name"),
        deno_image=env.get("FUNCTION_RUNNER_IMAGE") or "holdfast/deno-runtime:dev",
        python_image=env.get("PYTHON_RUNNER_IMAGE") or "holdfast/python-runtime:dev",
        log_level=env.get("LOG_LEVEL") or "info",
        webhook_port=port("WEBHOOK_PORT", 9443),
        health_port=port("HEALTH_PORT", 8081),
        metrics_port=port("KEPTN_DORA_METRICS_PORT", 2222),
        certificate_secret=env.get("CERTIFICATE_SECRET") or "keptn-certs",
        certificate_source=source,
        webhook_service=env.get("WEBHOOK_SERVICE") or "lifecycle-webhook-service",
        lease_name=env.get("LEASE_NAME") or "6b866dd9.keptn.sh",
        task_resources=TaskResources(
            cpu_request=env.get("TASK_CPU_REQUEST") or defaults.cpu_request,
            memory_request=env.get("TASK_MEMORY_REQUEST") or defaults.memory_request,
            cpu_limit=env.get("TASK_CPU_LIMIT") or defaults.cpu_limit,
            memory_limit=env.get("TASK_MEMORY_LIMIT") or defaults.memory_limit,
        ),
        task_user=int(user) if user else None,
        promotion_tasks=promotion == "true",
    )
