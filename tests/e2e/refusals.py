"""Definitions that are refused, each with where and what the refusal must say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.kube.resources import Json

CODE: Json = {"inline": {"code": "1"}}
NAMES = "lower-case letters"


@dataclass(frozen=True)
class Case:
    """`cel` cases are refused by the CRD itself, so also while the webhook is down."""

    id: str
    spec: Mapping[str, Any] | None
    field: str
    words: str
    cel: bool = True
    version: str = "v1"

    def body(self, group: str = "lifecycle.keptn.sh") -> Json:
        body: Json = {
            "apiVersion": f"{group}/{self.version}",
            "kind": "KeptnTaskDefinition",
            "metadata": {"name": "refused"},
        }
        return body if self.spec is None else body | {"spec": dict(self.spec)}


def _url(url: str) -> Json:
    return {"deno": {"httpRef": {"url": url}}}


def _container(**fields: Any) -> Json:
    return {"container": {"name": "check", "image": "busybox:1.36", **fields}}


CASES = (
    Case("no-spec", None, "spec", "runs"),
    Case("no-runner", {}, "spec", "add one of deno, python or container"),
    Case("two-runners", {"deno": CODE, "python": CODE}, "spec", "one"),
    Case("deno-and-container", {"deno": CODE, **_container()}, "spec", "one"),
    Case("no-source", {"deno": {}}, "spec.deno", "add one of inline, httpRef, functionRef or configMapRef"),
    Case(
        "two-sources",
        {"python": {**CODE, "configMapRef": {"name": "code"}}},
        "spec.python",
        "keep one of",
    ),
    Case("empty-code", {"deno": {"inline": {"code": ""}}}, "spec.deno.inline", "write the script"),
    Case(
        "parameter-map",
        {"deno": {**CODE, "parameters": {"map": {"deep": {"er": "x"}}}}},
        "spec.deno.parameters.map.deep",
        "string",
    ),
    Case(
        "parameter-number",
        {"python": {**CODE, "parameters": {"map": {"port": 80}}}},
        "spec.python.parameters.map.port",
        "string",
    ),
    Case("retries", {"deno": CODE, "retries": -1}, "spec.retries", "0"),
    Case("ttl", {"deno": CODE, "ttlSecondsAfterFinished": -1}, "spec.ttlSecondsAfterFinished", "0"),
    Case("timeout-without-unit", {"deno": CODE, "timeout": "5"}, "spec.timeout", "unit"),
    Case("timeout-with-other-text", {"deno": CODE, "timeout": "abc5m"}, "spec.timeout", "unit"),
    Case("timeout-zero", {"deno": CODE, "timeout": "0s"}, "spec.timeout", "no time"),
    Case("url-placeholder", _url("<url>"), "spec.deno.httpRef", "http://"),
    Case("url-without-scheme", _url("example.com/check.ts"), "spec.deno.httpRef", "http://"),
    Case("url-of-a-file", _url("file:///etc/passwd"), "spec.deno.httpRef", "http://"),
    Case("url-without-host", _url("https:///check.ts"), "spec.deno.httpRef", "host"),
    Case("config-map-name", {"deno": {"configMapRef": {"name": "My_Map"}}}, "spec.deno.configMapRef", NAMES),
    Case("function-name", {"python": {"functionRef": {"name": "-x"}}}, "spec.python.functionRef", NAMES),
    Case("secret-name", {"deno": {**CODE, "secureParameters": {"secret": "A b"}}}, "spec.deno.secureParameters", NAMES),
    Case("account-name", {"deno": CODE, "serviceAccount": {"name": "A_b"}}, "spec.serviceAccount", NAMES),
    Case("container-without-image", {"container": {"name": "check"}}, "spec.container", "image"),
    Case("container-without-name", {"container": {"image": "busybox:1.36"}}, "spec.container", "name"),
    Case(
        "container-with-two-volumes",
        _container(volumeMounts=[{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}]),
        "spec.container",
        "one volume",
    ),
    Case("old-version-without-source", {"function": {}}, "spec.function", "add one of inline", version="v1alpha2"),
    Case("old-version-without-runner", {}, "spec", "add function", version="v1alpha1"),
    Case(
        "both-names-of-deno",
        {"deno": CODE, "function": CODE},
        "spec",
        "function is the old name of deno",
        version="v1alpha3",
    ),
    Case(
        "broken-python",
        {"python": {"inline": {"code": "print('good')\ndef broken(:\n    pass\n"}}},
        "spec.python.inline.code",
        "line 2, column 12",
        cel=False,
    ),
    Case("itself", {"deno": {"functionRef": {"name": "refused"}}}, "spec.deno.functionRef.name", "itself", cel=False),
    Case("container-name-in-capitals", _container(name="Check"), "spec.container.name", "lowercase", cel=False),
    Case(
        "container-requests-above-limits",
        _container(resources={"limits": {"cpu": "100m"}, "requests": {"cpu": "1"}}),
        "spec.container.resources.requests",
        "cpu limit",
        cel=False,
    ),
    Case(
        "container-mount-without-path",
        _container(volumeMounts=[{"name": "a", "mountPath": ""}]),
        "spec.container.volumeMounts[0].mountPath",
        "",
        cel=False,
    ),
    Case(
        "container-with-a-bad-pull-policy",
        _container(imagePullPolicy="Often"),
        "spec.container.imagePullPolicy",
        "",
        cel=False,
    ),
)
