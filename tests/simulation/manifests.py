"""What the simulated users write: definitions of checks, and workloads that ask for them."""

from dataclasses import dataclass, replace
from typing import Any

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.lifecycle import keys

SHOP = "shop"
INSTALLATION = "keptn-system"
BROKEN = "broken"  # in the name of an image whose pods never get ready
OFFICE = "office"  # a namespace that never opted in
KINDS = {
    "Deployment": resources.DEPLOYMENTS,
    "StatefulSet": resources.STATEFULSETS,
    "DaemonSet": resources.DAEMONSETS,
    "ReplicaSet": resources.REPLICASETS,
}


@dataclass(frozen=True, slots=True)
class Script:
    """What a check does when it runs: the first `fails` attempts of a task fail, each takes `seconds`.

    `pull` says that its image cannot be pulled.
    """

    seconds: float = 0.3
    fails: int = 0
    pull: bool = True

    def __str__(self) -> str:
        return f"seconds={self.seconds} fails={self.fails} pull={int(self.pull)}"

    @classmethod
    def parse(cls, text: str) -> "Script":
        """The script in a string that has one in it, as `str` writes it."""
        values = dict(word.split("=") for word in text.split() if "=" in word)
        return cls(float(values["seconds"]), int(values["fails"]), values["pull"] == "1")


@dataclass(frozen=True, slots=True)
class Check:
    """A KeptnTaskDefinition. `runs` is container, inline, configmap, parent (a functionRef) or library.

    A library is in the installation's namespace, for all.
    """

    name: str
    script: Script = Script()
    runs: str = "container"
    retries: int = 1
    ttl: int = 300
    timeout: int = 300
    secret: str = ""

    @property
    def namespace(self) -> str:
        return INSTALLATION if self.runs == "library" else SHOP

    def bodies(self) -> list[Json]:
        """The definition, after what it refers to apart from its secret."""
        spec: Json = {"retries": self.retries, "timeout": f"{self.timeout}s", "ttlSecondsAfterFinished": self.ttl}
        before: list[Json] = []
        if self.runs == "container":
            container: Json = {"name": "check", "image": "check:1", "args": [str(self.script)]}
            if self.secret:
                container["envFrom"] = [{"secretRef": {"name": self.secret}}]
            return [definition(self.name, self.namespace, spec | {"container": container})]
        runtime: Json = {"inline": {"code": str(self.script)}}
        if self.runs == "configmap":
            runtime = {"configMapRef": {"name": f"{self.name}-code"}}
            before = [self.code()]
        elif self.runs == "parent":
            before = [definition(f"{self.name}-parent", self.namespace, spec | {"deno": runtime})]
            runtime = {"functionRef": {"name": f"{self.name}-parent"}}
        if self.secret:
            runtime["secureParameters"] = {"secret": self.secret}
        return [*before, definition(self.name, self.namespace, spec | {"deno": runtime})]

    def code(self) -> Json:
        """The ConfigMap of one that `runs` from a ConfigMap."""
        meta = {"name": f"{self.name}-code", "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"code": str(self.script)}}


def definition(name: str, namespace: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnTaskDefinition",
        "metadata": metadata,
        "spec": spec,
    }


@dataclass(frozen=True, slots=True)
class Template:
    """One content of a workload: no two of them have the same image and version.

    `checks` and `goals` are tasks and evaluations before the deployment, `after` and `goals_after` those after it. The
    pods of a `BROKEN` image never get ready.
    """

    image: str
    version: str
    checks: tuple[str, ...]
    goals: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    goals_after: tuple[str, ...] = ()

    def keys(self, workload: str, app: str = "") -> dict[str, str]:
        asked = {wellknown.WORKLOAD: workload} | ({wellknown.VERSION: self.version} if self.version else {})
        asked |= {wellknown.APP: app} if app else {}
        lists = {
            keys.PRE_TASKS: self.checks,
            keys.PRE_EVALUATIONS: self.goals,
            keys.POST_TASKS: self.after,
            keys.POST_EVALUATIONS: self.goals_after,
        }
        return asked | {key: ",".join(names) for key, names in lists.items() if names}


@dataclass(frozen=True, slots=True)
class Workload:
    """What a user deploys. With `above`, its keys stand on it instead of its pods; `gates` are other controllers'.

    One that is not `managed` has no keys at all; one that is not `labelled` says nothing of its version.
    """

    name: str
    kind: str = "Deployment"
    replicas: int = 1
    above: bool = False
    app: str = ""
    gates: tuple[str, ...] = ()
    parallel: bool = False
    recreate: bool = False
    deadline: int = 600
    managed: bool = True
    labelled: bool = True
    namespace: str = SHOP
    policy: str = ""  # keptn.sh/check-policy on it
    template: Template = Template("shop/web:1", "1.0", ("check",))

    @property
    def resource(self) -> Resource:
        return KINDS[self.kind]

    def body(self) -> Json:
        labels = {"app": self.name}
        asked = self._keys()
        pod: Json = {
            "metadata": {"labels": labels, "annotations": {"team": "shop"} | ({} if self.above else asked)},
            "spec": {
                "containers": [{"name": "main", "image": self.template.image}],
                "terminationGracePeriodSeconds": 1,
            },
        }
        if self.gates:
            pod["spec"]["schedulingGates"] = [{"name": gate} for gate in self.gates]
        spec: Json = {"selector": {"matchLabels": labels}, "template": pod}
        if self.kind != "DaemonSet":
            spec["replicas"] = self.replicas
        if self.kind == "Deployment":
            spec["progressDeadlineSeconds"] = self.deadline
            spec["strategy"] = {"type": "Recreate"} if self.recreate else {"type": "RollingUpdate"}
        if self.kind == "StatefulSet":
            spec["podManagementPolicy"] = "Parallel" if self.parallel else "OrderedReady"
            spec["serviceName"] = self.name
        marks = (asked if self.above else {}) | ({wellknown.CHECK_POLICY: self.policy} if self.policy else {})
        metadata: Json = {"name": self.name, "namespace": self.namespace, "annotations": marks}
        return {"apiVersion": "apps/v1", "kind": self.kind, "metadata": metadata, "spec": spec}

    def _keys(self) -> dict[str, str]:
        if not self.managed:
            return {}
        template = self.template if self.labelled else replace(self.template, version="")
        return template.keys(self.name, self.app)

    @property
    def reference(self) -> dict[str, str]:
        """What a KeptnApp that lists it says."""
        version = self.template.version if self.labelled else self.template.image.rpartition(":")[2]
        return {"name": self.name, "version": version}

    def with_template(self, template: Template) -> "Workload":
        return replace(self, template=template)


def namespace(name: str, *, opted_in: bool) -> Json:
    metadata: Json = {"name": name}
    if opted_in:
        metadata["annotations"] = {wellknown.NAMESPACE_OPT_IN: wellknown.NAMESPACE_OPT_IN_VALUE}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def held_by_us(pod: Json) -> bool:
    return any(gate["name"] == wellknown.GATE for gate in pod["spec"].get("schedulingGates") or ())


def controller_of(body: Json) -> dict[str, Any]:
    """The owner that manages an object, {} for none."""
    return next((owner for owner in body["metadata"].get("ownerReferences") or () if owner.get("controller")), {})
