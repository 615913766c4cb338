"""What has really become of apps and evaluations: told from pods, metrics and workloads, not from what they say."""

from dataclasses import dataclass, field

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of

FINAL = ("Succeeded", "Failed", "Warning", "Deprecated")
PASSED = ("Succeeded", "Warning")
_OPERATORS = (">=", "<=", "==", ">", "<")


@dataclass(slots=True)
class AppFacts:
    """A KeptnAppVersion: what it lists, and how its own checks really went."""

    namespace: str
    name: str
    app: str
    version: str
    generation: int
    made: float
    discovered: bool
    refs: tuple[tuple[str, str], ...] = ()
    asks: bool = False  # for anything before the deployment
    free_until: float = float("inf")  # until when it asked for nothing
    metadata: list[dict[str, str]] = field(default_factory=list)  # all that it ever said of its app
    passed: dict[tuple[str, str], None] = field(default_factory=dict)  # phase's check and definition
    ended_checks: dict[tuple[str, str], str] = field(default_factory=dict)  # the same → verdict
    recorded: float | None = None  # since when its status says that its checks before the deployment have passed
    begun: float | None = None
    ended: float | None = None
    over: bool = False  # its status says that nothing of it goes on
    overtaken: float | None = None  # since when it says so, and that none of its phases has failed
    deprecated: float | None = None
    gone: bool = False

    @property
    def failed(self) -> bool:
        """Whether a check before the deployment has failed."""
        return any(verdict == "Failed" and check.startswith("pre") for (check, _), verdict in self.ended_checks.items())


@dataclass(slots=True)
class EvaluationFacts:
    """A KeptnEvaluation. `said` are the values that its metrics had since it was made, by the metric's name."""

    namespace: str
    name: str
    owner: str
    check: str
    definition: str
    attempts: int  # that its author allows
    interval: float
    made: float
    verdict: str = ""


class AppTruth:
    def __init__(self) -> None:
        self.versions: dict[str, AppFacts] = {}
        self.evaluations: dict[str, EvaluationFacts] = {}
        self._metrics: dict[tuple[str, str], list[tuple[float, str]]] = {}
        self._bounds: dict[tuple[str, str], list[tuple[tuple[str, str], ...]]] = {}  # definition → objectives it had
        self._apps: dict[str, bool] = {}  # uid of a KeptnApp → whether it was made from its workloads

    def see(self, change: Change) -> None:
        handler = {
            resources.APPS: self._app,
            resources.APP_VERSIONS: self._app_version,
            resources.EVALUATIONS: self._evaluation,
            resources.EVALUATION_DEFINITIONS: self._definition,
            resources.METRICS: self._metric,
        }.get(change.resource)
        if handler is not None:
            handler(change)

    def of(self, namespace: str, app: str) -> list[AppFacts]:
        return [each for each in self.versions.values() if (each.namespace, each.app) == (namespace, app)]

    def could_say(self, evaluation: EvaluationFacts, key: str, value: str) -> bool:
        """Whether the metric that a result is named after had that value since the evaluation was made."""
        history = self._metrics.get((evaluation.namespace, key.split(" ")[0]), [])
        ends = [*(at for at, _ in history[1:]), float("inf")]
        return any(said == value and end >= evaluation.made for (_, said), end in zip(history, ends, strict=True))

    def is_met(self, evaluation: EvaluationFacts, results: dict[str, Json]) -> str:
        """Why the results of an evaluation are none that meet its definition, "" if they do.

        The definition may have been edited: by one of its forms all objectives must be met.
        """
        known = self._bounds.get((evaluation.namespace, evaluation.definition), [])
        if any(_all_met(objectives, results) for objectives in known):
            return ""
        return f"{results} of objectives {known[-1] if known else 'of nobody'}"

    def _app(self, change: Change) -> None:
        if change.new is not None:
            meta = change.new["metadata"]
            is_made = (meta.get("labels") or {}).get(wellknown.MANAGED_BY) == wellknown.MANAGED_BY_VALUE
            known = self._apps.get(meta["uid"], is_made)
            self._apps[meta["uid"]] = known and not self._is_rewritten(change)
            if known and not self._apps[meta["uid"]]:
                for each in self.of(meta["namespace"], meta["name"]):
                    each.discovered = False  # its passes count from now on as those of a person's app

    def _is_rewritten(self, change: Change) -> bool:
        """Whether a person has written what a KeptnApp lists, and so made it his own."""
        if change.old is None or change.new is None or not change.by.startswith("user"):
            return False
        return any(change.old["spec"].get(field) != change.new["spec"].get(field) for field in ("version", "workloads"))

    def is_made(self, app: Json) -> bool:
        """Whether a KeptnApp is one that nobody wrote."""
        return self._apps.get(app["metadata"]["uid"], False)

    def _app_version(self, change: Change) -> None:
        meta, spec = change.body["metadata"], change.body["spec"]
        facts = self.versions.get(meta["uid"])
        if facts is None:
            generation = int((meta.get("annotations") or {}).get(wellknown.APP_GENERATION, 0))
            found = self._apps.get(controller_of(change.body).get("uid", ""), False)
            facts = AppFacts(
                meta["namespace"], meta["name"], spec["appName"], spec["version"], generation, change.time, found
            )
            self.versions[meta["uid"]] = facts
        facts.gone = change.new is None
        facts.refs = tuple((each["name"], each["version"]) for each in spec.get("workloads") or ())
        facts.asks = bool(spec.get("preDeploymentTasks") or spec.get("preDeploymentEvaluations"))
        if facts.asks and facts.free_until > change.time:
            facts.free_until = change.time if change.old is not None else float("-inf")
        said = dict(spec.get("metadata") or {})
        if said not in facts.metadata:
            facts.metadata.append(said)
        status = change.body.get("status") or {}
        states = (status.get("preDeploymentStatus"), status.get("preDeploymentEvaluationStatus"))
        if facts.recorded is None and all(state in PASSED for state in states):
            facts.recorded = change.time
        if facts.begun is None and status.get("currentPhase"):
            facts.begun = change.time
        facts.over = facts.over or status.get("status") in FINAL
        if facts.overtaken is None and is_overtaken(status):
            facts.overtaken = change.time
        if facts.ended is None and status.get("endTime"):
            facts.ended = change.time
        if facts.deprecated is None and status.get("status") == "Deprecated":
            facts.deprecated = change.time

    def _evaluation(self, change: Change) -> None:
        meta, spec = change.body["metadata"], change.body["spec"]
        facts = self.evaluations.get(meta["uid"])
        if facts is None:
            facts = EvaluationFacts(
                meta["namespace"],
                meta["name"],
                controller_of(change.body).get("uid", ""),
                spec.get("checkType", ""),
                spec["evaluationDefinition"],
                max(spec.get("retries", 10), 1),
                float(str(spec.get("retryInterval", "5s")).removesuffix("s")),
                change.time,
            )
            self.evaluations[meta["uid"]] = facts
        state = (change.body.get("status") or {}).get("overallStatus", "")
        if state in FINAL:
            facts.verdict = facts.verdict or state

    def _definition(self, change: Change) -> None:
        meta = change.body["metadata"]
        objectives = tuple(
            (each["keptnMetricRef"]["name"], each["evaluationTarget"]) for each in change.body["spec"]["objectives"]
        )
        known = self._bounds.setdefault((meta["namespace"], meta["name"]), [])
        if objectives not in known[-1:]:
            known.append(objectives)

    def _metric(self, change: Change) -> None:
        meta = change.body["metadata"]
        value = str(((change.new or {}).get("status") or {}).get("value", ""))
        self._metrics.setdefault((meta["namespace"], meta["name"]), []).append((change.time, value))


def is_overtaken(status: Json) -> bool:
    """Whether a version says that it is over, and no phase of it has failed."""
    fields = {field for field in status if field.endswith("Status") and isinstance(status[field], str)}
    if not all(status.get(field) in PASSED for field in ("preDeploymentStatus", "preDeploymentEvaluationStatus")):
        fields -= {"workloadOverallStatus"}  # how they are is noted before it is their turn
    states = [status[field] for field in fields]
    return status.get("status") in ("Failed", "Deprecated") and "Failed" not in states


def is_met(value: str, target: str) -> bool:
    """Whether a metric's value meets a target, by the words of the documentation."""
    operator = next(each for each in _OPERATORS if target.startswith(each))
    try:
        said, bound = float(value), float(target.removeprefix(operator))
    except ValueError:
        return False
    return {
        ">=": said >= bound,
        "<=": said <= bound,
        "==": said == bound,
        ">": said > bound,
        "<": said < bound,
    }[operator]


def _all_met(objectives: tuple[tuple[str, str], ...], results: dict[str, Json]) -> bool:
    """Each objective has a result of its own with a value that meets it; results are named after metric and target."""
    names = [name for name, _ in objectives]
    for name, target in objectives:
        key = name if names.count(name) == 1 else f"{name} {target}"
        found = results.get(key) or {}
        if found.get("status") != "Succeeded" or not is_met(str(found.get("value", "")), target):
            return False
    return True
