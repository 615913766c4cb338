"""KeptnTaskDefinition v1: what a check runs, and how often and how long it may try."""

from typing import Annotated, Any, ClassVar, Literal

from app.api import rules
from app.api.container_schema import CONTAINER
from app.api.fields import Duration, Int32, Retries
from app.api.meta import Model, Object
from app.api.rules import Rule
from app.api.schema import Ruled, Schema

DEFAULT_RETRIES = 10
DEFAULT_TIMEOUT = "5m"
DEFAULT_TTL_SECONDS = 300

# A script lies in a ConfigMap, which holds at most 1 MiB; one environment variable holds at most 128 KiB.
LARGEST_CODE = 1_000_000
LARGEST_DATA = 131_072

Runtime = Literal["deno", "python"]
Name = Annotated[str, Schema(max_length=253)]
Value = Annotated[str, Schema(max_length=LARGEST_DATA, keep_unknown=True)]


class Inline(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.CODE

    code: Annotated[str, Schema(max_length=LARGEST_CODE, description="The script itself.")] = ""


class HttpReference(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.URL

    url: Annotated[str, Schema(max_length=2048, description="Where the task's own pod fetches the script.")] = ""


class NamedReference(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.named("name")

    name: Name = ""


class Parameters(Model):
    map: Annotated[
        dict[str, Value],
        Schema(max_properties=1000, description="Flat: every value is a string. The script reads it as JSON in DATA."),
    ] = {}


class SecureParameters(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.named("secret", empty=True)

    secret: Annotated[
        Name, Schema(description="A Secret with a key SECURE_DATA, which the script reads from that variable.")
    ] = ""


class RuntimeSpec(Ruled):
    """A script for one of the two runner images, and what it is given."""

    RULES: ClassVar[tuple[Rule, ...]] = rules.ONE_SOURCE

    inline: Inline | None = None
    http_ref: HttpReference | None = None
    config_map_ref: Annotated[
        NamedReference | None, Schema(description="A ConfigMap in this namespace with the script under the key code.")
    ] = None
    function_ref: Annotated[
        NamedReference | None,
        Schema(description="A definition whose runner and script are run, with the parameters given here."),
    ] = None
    parameters: Parameters = Parameters()
    secure_parameters: SecureParameters = SecureParameters()
    cmd_parameters: Annotated[
        str, Schema(max_length=8192, description="Options for the interpreter, in the variable CMD_ARGS.")
    ] = ""


class ServiceAccount(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.named("name")

    name: Name


class AutomountToken(Model):
    type: bool


class PullSecret(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.named("name", empty=True)

    name: Annotated[Name, Schema(default=True)] = ""


class TaskDefinitionSpec(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.one_runner("deno", "python", "container")

    deno: RuntimeSpec | None = None
    python: RuntimeSpec | None = None
    # a core/v1 Container, kept as it was written
    container: Annotated[dict[str, Any] | None, Schema(verbatim=CONTAINER, rules=rules.CONTAINER)] = None
    retries: Retries = DEFAULT_RETRIES
    timeout: Duration = DEFAULT_TIMEOUT
    ttl_seconds_after_finished: Annotated[
        Int32, Schema(default=True, rules=rules.TTL, description="How long a finished Job is kept.")
    ] = DEFAULT_TTL_SECONDS
    service_account: ServiceAccount | None = None
    automount_service_account_token: AutomountToken | None = None
    image_pull_secrets: Annotated[tuple[PullSecret, ...], Schema(max_items=100)] = ()


class FunctionStatus(Model):
    config_map: str = ""


class TaskDefinitionStatus(Model):
    function: FunctionStatus = FunctionStatus()


class TaskDefinition(Object):
    spec: TaskDefinitionSpec = TaskDefinitionSpec()
    status: TaskDefinitionStatus = TaskDefinitionStatus()
