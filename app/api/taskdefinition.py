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

    name: Annotated[Name, Schema(description="Its name.")] = ""


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

    inline: Annotated[Inline | None, Schema(description="A script that stands in the definition.")] = None
    http_ref: Annotated[HttpReference | None, Schema(description="A script that is fetched at each attempt.")] = None
    config_map_ref: Annotated[
        NamedReference | None, Schema(description="A ConfigMap in this namespace with the script under the key code.")
    ] = None
    function_ref: Annotated[
        NamedReference | None,
        Schema(description="A definition whose runner and script are run, with the parameters given here."),
    ] = None
    parameters: Annotated[Parameters, Schema(description="What the script is given.")] = Parameters()
    secure_parameters: Annotated[SecureParameters, Schema(description="What the script is given in secret.")] = (
        SecureParameters()
    )
    cmd_parameters: Annotated[
        str, Schema(max_length=8192, description="Options for the interpreter, in the variable CMD_ARGS.")
    ] = ""


class ServiceAccount(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.named("name")

    name: Annotated[Name, Schema(description="Its name, in the namespace of the task.")]


class AutomountToken(Model):
    type: Annotated[bool, Schema(description="Whether there is one.")]


class PullSecret(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.named("name", empty=True)

    name: Annotated[Name, Schema(default=True, description="The Secret's name, in the namespace of the task.")] = ""


class TaskDefinitionSpec(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.one_runner("deno", "python", "container")

    deno: Annotated[RuntimeSpec | None, Schema(description="A TypeScript or JavaScript script, run by Deno.")] = None
    python: Annotated[RuntimeSpec | None, Schema(description="A Python script.")] = None
    # a core/v1 Container, kept as it was written
    container: Annotated[dict[str, Any] | None, Schema(verbatim=CONTAINER, rules=rules.CONTAINER)] = None
    retries: Retries = DEFAULT_RETRIES
    timeout: Duration = DEFAULT_TIMEOUT
    ttl_seconds_after_finished: Annotated[
        Int32, Schema(default=True, rules=rules.TTL, description="How long a finished Job is kept.")
    ] = DEFAULT_TTL_SECONDS
    service_account: Annotated[
        ServiceAccount | None,
        Schema(description="Who the task is for the API server; without it, its pod has no token."),
    ] = None
    automount_service_account_token: Annotated[
        AutomountToken | None, Schema(description="Whether the pod has the service account's token.")
    ] = None
    image_pull_secrets: Annotated[
        tuple[PullSecret, ...], Schema(max_items=100, description="What the pod's image is pulled with.")
    ] = ()


class FunctionStatus(Model):
    config_map: Annotated[str, Schema(description="The ConfigMap with the script. Holdfast does not write it.")] = ""


class TaskDefinitionStatus(Model):
    function: Annotated[FunctionStatus, Schema(description="Kept from Keptn.")] = FunctionStatus()


class TaskDefinition(Object):
    spec: TaskDefinitionSpec = TaskDefinitionSpec()
    status: TaskDefinitionStatus = TaskDefinitionStatus()
