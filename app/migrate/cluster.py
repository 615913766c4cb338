"""What is known of a cluster that Keptn runs in or ran in. Findings are made from this and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.cluster.api import Json


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and the API server's reason."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A pod with the gate.

    `owner` is what it says owns it; `parent` the Deployment, Argo Rollout, StatefulSet or DaemonSet that a person
    wrote; `made` when its revision was made, RFC 3339. None where that is gone or could not be read.
    """

    pod: Json
    owner: Json | None = None
    parent: Json | None = None
    made: str | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Lists of objects as JSON. `installation` is the namespace that Holdfast is, or will be, installed in.

    `operators` are the Deployments of Keptn's operators, `services` those of the installation namespace that have the
    names of Keptn's. `old_apps` and `old_definitions` are what the API says of KeptnApps in v1alpha3 and of
    KeptnTaskDefinitions in v1beta1. `jobs` are names (namespace, name) of the Jobs of unfinished tasks that exist.
    """

    installation: str
    operators: tuple[Json, ...] = ()
    services: tuple[Json, ...] = ()
    webhooks: tuple[Json, ...] = ()
    crds: Mapping[str, Json] = field(default_factory=dict)
    namespaces: tuple[Json, ...] = ()
    definitions: tuple[Json, ...] = ()
    old_definitions: tuple[Json, ...] = ()
    evaluation_definitions: tuple[Json, ...] = ()
    apps: tuple[Json, ...] = ()
    old_apps: tuple[Json, ...] = ()
    app_contexts: tuple[Json, ...] = ()
    app_versions: tuple[Json, ...] = ()
    workloads: tuple[Json, ...] = ()
    versions: tuple[Json, ...] = ()
    tasks: tuple[Json, ...] = ()
    evaluations: tuple[Json, ...] = ()
    configs: tuple[Json, ...] = ()
    jobs: frozenset[tuple[str, str]] = frozenset()
    held: tuple[Held, ...] = ()
    unread: tuple[Unread, ...] = ()

    def has(self, crd: str) -> bool:
        """Whether the cluster has this CRD, as far as it could be read."""
        return crd in self.crds


def name_of(thing: Json) -> str:
    """``namespace/name``, or the name alone where there is no namespace."""
    meta = thing.get("metadata") or {}
    namespace = meta.get("namespace") or ""
    return f"{namespace}/{meta.get('name', '')}" if namespace else str(meta.get("name", ""))


def some(names: Iterable[str], most: int = 5) -> str:
    """The first of them, and how many more there are."""
    listed = sorted(names)
    shown = ", ".join(listed[:most])
    return shown if len(listed) <= most else f"{shown} and {len(listed) - most} more"
