"""KeptnTaskDefinition v1: what a check runs, and how often and how long it may try."""

from typing import Any, Literal

from app.api.meta import Model, Object

DEFAULT_RETRIES = 10
DEFAULT_TIMEOUT = "5m"
DEFAULT_TTL_SECONDS = 300

Runtime = Literal["deno", "python"]


class Inline(Model):
    code: str = ""


class HttpReference(Model):
    url: str = ""


class NamedReference(Model):
    name: str = ""


class Parameters(Model):
    map: dict[str, str] = {}


class SecureParameters(Model):
    secret: str = ""


class RuntimeSpec(Model):
    """A script for one of the two runner images, and what it is given."""

    inline: Inline | None = None
    http_ref: HttpReference | None = None
    config_map_ref: NamedReference | None = None
    function_ref: NamedReference | None = None
    parameters: Parameters = Parameters()
    secure_parameters: SecureParameters = SecureParameters()
    cmd_parameters: str = ""


class ServiceAccount(Model):
    name: str


class AutomountToken(Model):
    type: bool


class PullSecret(Model):
    name: str = ""


class TaskDefinitionSpec(Model):
    deno: RuntimeSpec | None = None
    python: RuntimeSpec | None = None
    container: dict[str, Any] | None = None  # a core/v1 Container, kept as it was written
    retries: int = DEFAULT_RETRIES
    timeout: str = DEFAULT_TIMEOUT
    ttl_seconds_after_finished: int = DEFAULT_TTL_SECONDS
    service_account: ServiceAccount | None = None
    automount_service_account_token: AutomountToken | None = None
    image_pull_secrets: tuple[PullSecret, ...] = ()


class FunctionStatus(Model):
    config_map: str = ""


class TaskDefinitionStatus(Model):
    function: FunctionStatus = FunctionStatus()


class TaskDefinition(Object):
    spec: TaskDefinitionSpec = TaskDefinitionSpec()
    status: TaskDefinitionStatus = TaskDefinitionStatus()
