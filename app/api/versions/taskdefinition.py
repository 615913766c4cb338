"""KeptnTaskDefinition: `function` is what became `deno`."""

from typing import ClassVar, Final

from app.api import rules
from app.api.rules import Rule
from app.api.schema import Ruled
from app.api.taskdefinition import RuntimeSpec, TaskDefinitionSpec, TaskDefinitionStatus
from app.api.versions.kind import Kind, Version


class BetaTaskDefinitionSpec(TaskDefinitionSpec):
    """v1beta1 and v1alpha3: as v1, with the old name of `deno` beside it."""

    RULES: ClassVar[tuple[Rule, ...]] = rules.one_runner("deno", "python", "container", "function")

    function: RuntimeSpec | None = None


class AlphaTaskDefinitionSpec(Ruled):
    """v1alpha1 and v1alpha2: nothing but the script that was to become `deno`."""

    RULES: ClassVar[tuple[Rule, ...]] = rules.one_runner("function")

    function: RuntimeSpec | None = None


_ALPHA: Final = (AlphaTaskDefinitionSpec, TaskDefinitionStatus, frozenset({"spec.function.cmdParameters"}))

TASK_DEFINITION: Final = Kind(
    name="KeptnTaskDefinition",
    plural="keptntaskdefinitions",
    description="A check: what it runs, and how often and how long it may try.",
    converted=True,
    rules=rules.SPEC_GIVEN,
    versions=(
        Version("v1", TaskDefinitionSpec, TaskDefinitionStatus),
        Version("v1beta1", BetaTaskDefinitionSpec, TaskDefinitionStatus),
        Version("v1alpha3", BetaTaskDefinitionSpec, TaskDefinitionStatus),
        Version("v1alpha2", *_ALPHA),
        Version("v1alpha1", *_ALPHA),
    ),
)
