"""The CRDs in a real API server, alone: what they refuse while every webhook is down.

The committed CRDs are tried under an API group of the tests' own, without conversion, so that no webhook has a part.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.api import openapi
from app.api.container_schema import CONTAINER
from app.api.crds import crd
from app.api.versions import KINDS, TASK_DEFINITION
from tests.app.lifecycle.test_definitions import PLACEHOLDER, documented
from tests.crds.test_against_keptn import nodes
from tests.e2e.kube.kubectl import Kubectl, Result, documents
from tests.e2e.namespaces import Namespaces

Json = dict[str, Any]

GROUP = "crds.test.holdfast"
COPY = "copied"
FOLDER = Path(__file__).resolve().parents[2] / "crds"
CODE: Json = {"inline": {"code": "x"}}
CHECKED: Json = {"container": {"name": "c", "image": "busybox"}}


def copies() -> list[Json]:
    made = []
    for kind in KINDS:
        copy = json.loads(json.dumps(crd(kind)).replace(kind.group, GROUP))
        # Under other names, or `kubectl get keptntasks` would have to choose.
        names = copy["spec"]["names"]
        names["plural"], names["singular"] = COPY + names["plural"], COPY + names["singular"]
        # These are deleted in the end: never the installation's own.
        copy["metadata"]["name"] = f"{names['plural']}.{GROUP}"
        copy["spec"]["conversion"] = {"strategy": "None"}
        copy["spec"]["names"].pop("shortNames", None)
        copy["metadata"]["labels"] = {}
        made.append(copy)
    return made


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [f"crd/{copy['metadata']['name']}" for copy in copies()]


@pytest.fixture(scope="module")
def alone(kubectl: Kubectl, namespaces: Namespaces, names: list[str]) -> Iterator[str]:
    """A namespace, in a cluster that knows the copies."""
    kubectl("apply", "--server-side", "-f", "-", stdin=documents(*copies()))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    namespace = namespaces.new("crds", annotations={})
    yield namespace
    kubectl("delete", "--wait=false", *names)
    namespaces.delete(namespace)


def definition(spec: Any, version: str = "v1", **more: Any) -> Json:
    metadata = {"name": "check", **more}
    body: Json = {"apiVersion": f"{GROUP}/{version}", "kind": TASK_DEFINITION.name, "metadata": metadata}
    return body if spec is None else body | {"spec": spec}


def offer(kubectl: Kubectl, namespace: str, *bodies: Json) -> Result:
    """What the API server says of objects, which it does not keep."""
    arguments = ("create", "--dry-run=server", "-o", "json", "-n", namespace, "-f", "-")
    return kubectl.try_(*arguments, stdin=documents(*bodies))


def test_the_api_server_takes_the_crds_with_all_their_rules(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", str(FOLDER))


def test_the_containers_fields_are_those_of_this_cluster(kubectl: Kubectl) -> None:
    cluster = openapi.structural(json.loads(kubectl("get", "--raw", "/openapi/v3/api/v1").out))
    assert {path for path, _ in nodes(CONTAINER)} == {path for path, _ in nodes(cluster)}


@pytest.mark.parametrize(
    ("spec", "version", "said"),
    [
        (None, "v1", "spec is missing: write what the definition runs"),
        ({}, "v1", 'spec: Invalid value: "object": the definition runs nothing: add one of deno, python or container'),
        ({}, "v1alpha2", "the definition runs nothing: add function"),
        ({}, "v1beta1", "add one of deno, python, container or function"),
        ({"deno": CODE, "python": CODE}, "v1", "a definition has one runner: keep one of deno, python or container"),
        ({"deno": CODE, **CHECKED}, "v1alpha3", "a definition has one runner"),
        ({"deno": CODE, "function": CODE}, "v1beta1", "function is the old name of deno"),
        ({"deno": {}}, "v1", 'spec.deno: Invalid value: "object": there is no code to run: add one of inline, httpRef'),
        ({"function": {"inline": {}}}, "v1alpha1", 'spec.function: Invalid value: "object": there is no code to run'),
        (
            {"python": {**CODE, "configMapRef": {"name": "a"}}},
            "v1",
            "the code comes from one place: keep one of inline",
        ),
        ({"deno": {"inline": {"code": ""}}}, "v1", "code is empty: write the script under inline.code"),
        ({"deno": {"httpRef": {"url": "<url>"}}}, "v1", '"<url>" is not an address to fetch a script from: write http'),
        ({"deno": {"httpRef": {"url": "file:///etc/passwd"}}}, "v1", "is not an address to fetch a script from"),
        ({"deno": {"httpRef": {"url": "https:///a"}}}, "v1", "is not an address to fetch a script from"),
        ({"deno": {"functionRef": {"name": "My Task"}}}, "v1", '"My Task" is not a name that Kubernetes takes'),
        ({"function": {"configMapRef": {"name": "a_b"}}}, "v1alpha2", '"a_b" is not a name that Kubernetes takes'),
        ({"deno": {**CODE, "secureParameters": {"secret": "A"}}}, "v1", '"A" is not a name that Kubernetes takes'),
        ({"deno": CODE, "serviceAccount": {"name": ""}}, "v1", '"" is not a name that Kubernetes takes'),
        ({"deno": CODE, "imagePullSecrets": [{"name": "A"}]}, "v1", "spec.imagePullSecrets[0]"),
        ({"deno": CODE, "retries": -1}, "v1", "retries cannot be negative: write 0 for a single attempt"),
        ({"deno": CODE, "ttlSecondsAfterFinished": -1}, "v1", "ttlSecondsAfterFinished cannot be negative"),
        ({"deno": CODE, "timeout": "300"}, "v1", '"300" is not a duration: write a number with a unit, such as 30s'),
        ({"deno": CODE, "timeout": "abc5m"}, "v1alpha3", '"abc5m" is not a duration'),
        ({"deno": CODE, "timeout": "0s"}, "v1", "a timeout of 0 leaves no time to run"),
        (
            {"deno": {**CODE, "parameters": {"map": {"a": 3}}}},
            "v1",
            "spec.deno.parameters.map.a in body must be of type string",
        ),
        ({"deno": {**CODE, "parameters": {"map": {"a": {"b": "c"}}}}}, "v1", "map.a in body must be of type string"),
        ({"container": {"name": "c"}}, "v1", "image is missing: write the image that the container runs"),
        ({"container": {"name": "", "image": "i"}}, "v1", "name is empty: name the container"),
        ({"container": {"image": "i"}}, "v1", "spec.container.name: Required value"),
        (
            {"container": CHECKED["container"] | {"volumeMounts": [{"name": n, "mountPath": f"/{n}"} for n in "ab"]}},
            "v1",
            "a task has one volume, an emptyDir named after the first mount: give all volumeMounts that name",
        ),
    ],
)
def test_a_definition_that_cannot_run_is_refused_in_words_to_act_on(
    kubectl: Kubectl, alone: str, spec: Any, version: str, said: str
) -> None:
    result = offer(kubectl, alone, definition(spec, version))
    assert result.code != 0
    assert said in result.err


def other(kind: str, spec: Json, version: str = "v1") -> Json:
    return {"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": "other"}, "spec": spec}


METRIC: Json = {"keptnMetricRef": {"name": "m"}, "evaluationTarget": "<1"}
QUERY: Json = {**METRIC, "query": "up"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            other("KeptnEvaluationDefinition", {"objectives": [{**METRIC, "evaluationTarget": "10"}]}),
            '"10" is no target: write an operator',
        ),
        (
            other(
                "KeptnEvaluationDefinition",
                {"source": "p", "objectives": [{"name": "m", "query": "q", "evaluationTarget": "=<1"}]},
                "v1alpha1",
            ),
            '"=<1" is no target: write an operator',
        ),
        (
            other("KeptnEvaluationDefinition", {"objectives": [METRIC], "retryInterval": "abc5m"}),
            'spec.retryInterval: Invalid value: "string": "abc5m" is not a duration',
        ),
        (
            other("KeptnEvaluationDefinition", {"objectives": [METRIC, QUERY]}),
            "an objective has a query and nobody to ask: add provider",
        ),
        (
            other("KeptnEvaluationDefinition", {"objectives": [QUERY], "provider": {"type": "prometheus"}}),
            'spec.provider: Invalid value: "object": there is nobody to ask: add a targetServer',
        ),
        (
            other("KeptnEvaluation", {"evaluationDefinition": "e", "workloadVersion": "", "retryInterval": "0 sec"}),
            '"0 sec" is not a duration',
        ),
        (other("KeptnConfig", {"observabilityTimeout": "five5m"}, "v1alpha1"), '"five5m" is not a duration'),
        (
            other("KeptnConfig", {"keptnAppCreationRequestTimeoutSeconds": -1}, "v1alpha1"),
            "cannot be negative: write 0 or more",
        ),
        (other("KeptnApp", {"version": "1", "revision": -1}), "cannot be negative: write 0 or more"),
    ],
)
def test_what_keptn_could_not_work_with_is_refused_in_words_to_act_on(
    kubectl: Kubectl, alone: str, body: Json, said: str
) -> None:
    result = offer(kubectl, alone, body)
    assert result.code != 0
    assert said in result.err


def test_what_keptn_took_and_what_we_add_is_taken(kubectl: Kubectl, alone: str) -> None:
    result = offer(
        kubectl,
        alone,
        other("KeptnEvaluationDefinition", {"objectives": []}),
        *(
            other("KeptnEvaluationDefinition", {"objectives": [{**METRIC, "evaluationTarget": target}]})
            for target in (">10", "<0.05", ">1e3", "<-Inf", "> 0x1p-2", ">=1", " == 0")
        ),
        *(
            other("KeptnEvaluationDefinition", {"objectives": [METRIC], "retryInterval": interval})
            for interval in ("0", "0s", "-5s", "1h30m", "1.5s", "100ms")
        ),
        other("KeptnEvaluationDefinition", {"objectives": [QUERY], "provider": {"name": "p"}}),
        other("KeptnEvaluationDefinition", {"objectives": [QUERY], "provider": {"targetServer": "http://p:9090"}}),
        other("KeptnConfig", {"OTelCollectorUrl": "collector:4317", "observabilityTimeout": "0"}, "v1alpha1"),
        other("KeptnConfig", {"keptnAppCreationRequestTimeoutSeconds": 0}, "v1alpha1"),
        other("KeptnApp", {"version": "", "revision": 0}),
    )
    assert result.code == 0, result.err


def test_several_problems_are_said_together(kubectl: Kubectl, alone: str) -> None:
    spec = {"python": {"httpRef": {"url": "<url>"}}, "retries": -1, "timeout": "5"}
    said = offer(kubectl, alone, definition(spec)).err
    assert all(f"* spec.{field}" in said for field in ("python.httpRef", "retries", "timeout"))


def test_sound_definitions_are_taken_and_get_keptns_defaults(kubectl: Kubectl, alone: str) -> None:
    for spec in (
        {"deno": {**CODE, "httpRef": {}, "secureParameters": {"secret": ""}}, "imagePullSecrets": [{}]},
        {"python": {"httpRef": {"url": "http://[::1]:8080/a.py?x=1"}}, "timeout": "1h30m", "retries": 0},
        {
            "container": {
                **CHECKED["container"],
                "env": [{"name": "a"}, {"name": "a"}],
                "resources": {"limits": {"cpu": 1}},
            }
        },
        {
            "container": CHECKED["container"]
            | {"volumeMounts": [{"name": "a", "mountPath": path} for path in ("/a", "/b")]}
        },
    ):
        result = offer(kubectl, alone, definition(spec))
        assert result.code == 0, result.err
        stored = json.loads(result.out)["spec"]
        defaults = {"retries": 10, "timeout": "5m", "ttlSecondsAfterFinished": 300}
        assert {key: stored[key] for key in defaults} == defaults | {key: spec[key] for key in defaults if key in spec}
        if "container" in spec:
            assert stored["container"] == spec["container"]


@pytest.mark.parametrize(("title", "example"), documented(), ids=[title for title, _ in documented()])
def test_the_documented_definitions_are_taken_but_for_the_placeholder(
    kubectl: Kubectl, alone: str, title: str, example: Json
) -> None:
    version = example["apiVersion"].rpartition("/")[2]
    result = offer(kubectl, alone, definition(example["spec"], version))
    assert (result.code == 0) is (title != PLACEHOLDER), result.err


def test_what_was_there_before_the_rules_can_still_be_labelled_but_not_made_worse(
    kubectl: Kubectl, alone: str, names: list[str]
) -> None:
    bodies = copies()
    schema = bodies[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in [schema, *(part for _, part in nodes(schema))]:
        part.pop("x-kubernetes-validations", None)
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    kubectl(*apply, stdin=documents(bodies[0]))
    old = [definition({"deno": {}}, name="from-keptn"), definition(None, name="empty")]
    for _ in range(50):  # the new schema is served a moment after it is written
        if kubectl.try_("create", "-n", alone, "-f", "-", stdin=documents(*old)).code == 0:
            break
    kubectl(*apply, stdin=documents(copies()[0]))
    for _ in range(50):
        if offer(kubectl, alone, definition({"deno": {}})).code != 0:
            break
    resource = f"{COPY}{TASK_DEFINITION.plural}.{GROUP}"
    for name in ("from-keptn", "empty"):
        kubectl("label", "-n", alone, resource, name, "team=shop")
    worse = json.dumps({"spec": {"retries": -1}})
    refused = kubectl.try_("patch", "-n", alone, resource, "from-keptn", "--type=merge", "-p", worse)
    assert "retries cannot be negative" in refused.err
    kubectl("delete", "-n", alone, resource, "from-keptn", "empty")


def test_kubectl_get_shows_what_a_task_is_for(kubectl: Kubectl, alone: str) -> None:
    context = {"appName": "shop", "appVersion": "1.2", "workloadName": "shop-cart", "workloadVersion": "7.0"}
    task = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "KeptnTask",
        "metadata": {"name": "run-1"},
        "spec": {"taskDefinition": "check", "context": {**context, "taskType": "pre", "objectType": "Workload"}},
    }
    kubectl("create", "-n", alone, "-f", "-", stdin=yaml.safe_dump(task))
    resource = f"{COPY}keptntasks.{GROUP}"
    status = json.dumps({"status": {"jobName": "job-1", "status": "Succeeded"}})
    kubectl("patch", "-n", alone, resource, "run-1", "--type=merge", "--subresource=status", "-p", status)
    heading, row = kubectl("get", "-n", alone, resource).out.splitlines()
    assert heading.split() == [
        "NAME",
        "APPNAME",
        "APPVERSION",
        "WORKLOADNAME",
        "WORKLOADVERSION",
        "JOB",
        "NAME",
        "STATUS",
    ]
    assert row.split() == ["run-1", "shop", "1.2", "shop-cart", "7.0", "job-1", "Succeeded"]
