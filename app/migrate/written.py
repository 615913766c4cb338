"""Findings about what people wrote: definitions, apps, KeptnConfigs, and names of what is not there."""

from collections.abc import Iterator

from pydantic import ValidationError

from app.api.config import Config
from app.cluster.api import Json
from app.lifecycle import config, definitions
from app.migrate.cluster import Cluster, name_of, some
from app.migrate.finding import Finding, action, note
from app.migrate.read import METRICS_CRD

_TASK_LISTS = ("preDeploymentTasks", "postDeploymentTasks", "promotionTasks")
_EVALUATION_LISTS = ("preDeploymentEvaluations", "postDeploymentEvaluations")
_RUNNERS = ("deno", "python", "container", "function")
# Keptn names a Job `<type>-<definition>-<5 digits>-<5 digits>`, and Kubernetes takes 63 characters.
_LONGEST_FOR_KEPTN = 63 - len("pre-") - len("-12345-12345")


def findings(cluster: Cluster) -> Iterator[Finding]:
    yield from _definitions(cluster)
    yield from _evaluations(cluster)
    yield from _apps(cluster)
    yield from _missing(cluster)
    yield from _configs(cluster)


def _definitions(cluster: Cluster) -> Iterator[Finding]:
    old = {name_of(each): each for each in cluster.old_definitions}
    for definition in cluster.definitions:
        about, name = f"KeptnTaskDefinition {name_of(definition)}", definition["metadata"]["name"]
        spec = definition.get("spec") or {}
        if not any(runner in spec for runner in _RUNNERS):
            was = (old.get(name_of(definition)) or {}).get("spec") or {}
            written = "was written with spec.function, which Keptn 2 lost" if "function" in was else "has no runner"
            yield action(
                about,
                f"{written}: there is nothing in it that could run, and its tasks wait",
                "apply the file that it was written in once more when Holdfast is there, which reads spec.function as "
                "spec.deno; or write deno, python or container",
            )
            continue
        for problem in definitions.problems(spec, version="v1", name=name):
            yield action(
                about,
                f"Holdfast would refuse it: {problem.field} {problem.message}",
                "put it right; until then it stays as it is, and its tasks may fail",
            )
        if len(name) > _LONGEST_FOR_KEPTN:
            yield note(about, f"has a name of {len(name)} characters; Keptn could make no Job for it, Holdfast can")


def _evaluations(cluster: Cluster) -> Iterator[Finding]:
    needed = []
    for definition in cluster.evaluation_definitions:
        about, spec = f"KeptnEvaluationDefinition {name_of(definition)}", definition.get("spec") or {}
        objectives = spec.get("objectives") or ()
        if any(not (objective.get("keptnMetricRef") or {}).get("name") for objective in objectives):
            yield action(
                about,
                "has objectives that name no metric: it was written for a version before v1alpha3",
                "give each objective a keptnMetricRef, or a query and the definition a provider",
            )
        elif any(not objective.get("query") for objective in objectives):
            needed.append(about)
    if needed and not cluster.has(METRICS_CRD):
        yield action(
            "KeptnMetrics",
            f"the cluster has none, and {len(needed)} need them: {some(needed)}",
            "install Keptn's metrics operator, or let Holdfast ask Prometheus itself (query and provider)",
        )
    elif needed:
        yield note(
            "KeptnMetrics",
            f"{len(needed)} KeptnEvaluationDefinitions read them. Keptn's metrics operator has to stay for that; "
            "without it the values grow old and no evaluation passes",
        )


def _apps(cluster: Cluster) -> Iterator[Finding]:
    contexts = {name_of(context) for context in cluster.app_contexts}
    for app in cluster.old_apps:
        spec = app.get("spec") or {}
        lists = [field for field in (*_TASK_LISTS, *_EVALUATION_LISTS) if spec.get(field)]
        if lists and name_of(app) not in contexts:
            yield action(
                f"KeptnApp {name_of(app)}",
                f"was written before v1beta1 and has {', '.join(lists)}, which Keptn 2 does not run",
                f"write a KeptnAppContext of the same name with them: {app['metadata']['name']}",
            )


def _missing(cluster: Cluster) -> Iterator[Finding]:
    """Definitions that the newest workloads and the app contexts name and nobody has written."""
    known = {
        "KeptnTaskDefinition": {name_of(each) for each in cluster.definitions},
        "KeptnEvaluationDefinition": {name_of(each) for each in cluster.evaluation_definitions},
    }
    for kind, things in (("KeptnWorkload", cluster.workloads), ("KeptnAppContext", cluster.app_contexts)):
        for thing in things:
            about, namespace = f"{kind} {name_of(thing)}", thing["metadata"]["namespace"]
            named = _named(thing.get("spec") or {})
            missing = {
                f"{definition} {name.strip()}"
                for definition, name in named
                if not {f"{place}/{name.strip()}" for place in (namespace, cluster.installation)} & known[definition]
            }
            if missing:
                yield action(
                    about,
                    f"names what is neither in {namespace} nor in {cluster.installation}: {some(missing)}. What comes "
                    "next waits for it, as with Keptn",
                    "write it, or take the name away",
                )
            if blank := {name for _, name in named if name != name.strip()}:
                listed = some(map(repr, blank))
                yield note(about, f"has names with blanks ({listed}). Keptn looks for just that; Holdfast trims them")


def _named(spec: Json) -> list[tuple[str, str]]:
    """All definitions that a spec names, with their kinds."""
    tasks = [("KeptnTaskDefinition", name) for field in _TASK_LISTS for name in spec.get(field) or ()]
    return tasks + [
        ("KeptnEvaluationDefinition", name) for field in _EVALUATION_LISTS for name in spec.get(field) or ()
    ]


def _configs(cluster: Cluster) -> Iterator[Finding]:
    read: list[Config] = []
    for raw in cluster.configs:
        try:
            read.append(Config.model_validate(raw))
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, part["loc"])) for part in error.errors())
            yield action(f"KeptnConfig {name_of(raw)}", f"cannot be read: {fields}", "correct it")
    ours = [each for each in read if each.metadata.namespace == cluster.installation]
    for each in read:
        for complaint in config.complaints(each, ours, cluster.installation):
            yield action(
                f"KeptnConfig {each.metadata.namespace}/{each.metadata.name}",
                complaint,
                "do that before Holdfast comes",
            )
    chosen = config.chosen(ours)
    if chosen is None:
        return
    about, says = f"KeptnConfig {chosen.metadata.namespace}/{chosen.metadata.name}", config.effective(ours)
    if not says.blocking:
        yield note(about, "blockDeployment is false: a failed check is told, and holds nothing, as with Keptn")
    if says.otel_collector:
        yield note(about, f"traces go to {says.otel_collector}, as with Keptn")
    if says.cloud_events:
        yield note(about, "CloudEvents go to its cloudEventsEndpoint, as with Keptn")
