"""What the simulated users write of apps and metrics: KeptnAppContexts, KeptnApps, goals, and the KeptnConfig."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.manifests import INSTALLATION, SHOP

CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Goal:
    """A KeptnEvaluationDefinition, and the KeptnMetrics that its objectives are about, all of the same name and on.

    `bounds` are the objectives: an operator and a number each. Two of them may be about one metric (`shared`).
    """

    name: str
    bounds: tuple[str, ...] = (">10",)
    values: tuple[str, ...] = ("11",)  # what the metrics say in the beginning
    retries: int = 3
    interval: int = 2  # seconds
    shared: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric of each objective."""
        return tuple(self.name if self.shared else f"{self.name}-{at}" for at, _ in enumerate(self.bounds))

    def body(self) -> Json:
        objectives = [
            {"keptnMetricRef": {"name": name}, "evaluationTarget": bound}
            for name, bound in zip(self.metrics, self.bounds, strict=True)
        ]
        spec = {"objectives": objectives, "retries": self.retries, "retryInterval": f"{self.interval}s"}
        return _body(resources.EVALUATION_DEFINITIONS.kind, self.name, SHOP, spec)

    def metric_bodies(self) -> list[tuple[Json, Json]]:
        """Each KeptnMetric, with the status that somebody writes into it."""
        return [metric(name, value) for name, value in zip(self.metrics, self.values, strict=False)]


def metric(name: str, value: str) -> tuple[Json, Json]:
    """A KeptnMetric and its status."""
    spec: Json = {"provider": {"name": "nobody"}, "query": "up", "fetchIntervalSeconds": 0}
    body = {"apiVersion": resources.METRICS.api_version, "kind": resources.METRICS.kind, "spec": spec}
    return body | {"metadata": {"name": name, "namespace": SHOP}}, {"value": value, "rawValue": "MQ=="}


@dataclass(frozen=True, slots=True)
class Context:
    """A KeptnAppContext."""

    app: str
    checks: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    goals_after: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0  # after the app's workloads that it is applied, below 0 before them

    def body(self) -> Json:
        spec: Json = {
            "metadata": dict(self.metadata) or None,
            "preDeploymentTasks": list(self.checks),
            "preDeploymentEvaluations": list(self.goals),
            "postDeploymentTasks": list(self.after),
            "postDeploymentEvaluations": list(self.goals_after),
        }
        given = {field: value for field, value in spec.items() if value is not None}
        return _body(resources.APP_CONTEXTS.kind, self.app, SHOP, given)


@dataclass(frozen=True, slots=True)
class Written:
    """A KeptnApp that a person writes. `follows` is how its list fits the workloads: at once, later, or never."""

    app: str
    follows: str = "at once"
    version: int = 1
    revision: int = 1

    def body(self, references: Iterable[dict[str, str]]) -> Json:
        listed: list[Any] = [dict(each) for each in references]
        if self.follows == "never":
            listed = [each | {"version": "none-such"} for each in listed]
        spec = {"version": f"app-{self.version}", "revision": self.revision, "workloads": listed}
        return _body(resources.APPS.kind, self.app, SHOP, spec)


def config(namespace: str = INSTALLATION, name: str = CONFIG, **spec: Any) -> Json:
    """A KeptnConfig. Only one in the installation's namespace is anybody's business."""
    kind = resources.CONFIGS
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def _body(kind: str, name: str, namespace: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": wellknown.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
