"""The committed CRDs, field by field against a table of Keptn's own (lifecycle operator v2).

What Holdfast has beyond it is listed here in full; anything else that differs is a mistake.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
KEPTN: Json = json.loads((Path(__file__).parent / "keptn-crd-fields.json").read_text())
NAMES = {name.partition(".")[0]: name for name in KEPTN}
PLURALS = tuple(NAMES)
VERSIONS = [(plural, version) for plural in PLURALS for version in KEPTN[NAMES[plural]]["versions"]]
SAME_IN_ALL_VERSIONS = ("keptnappcontexts", "keptnappcreationrequests", "keptnconfigs")

CONDITIONS: Json = {
    "status.conditions": {"type": "array"},
    "status.conditions[]": {"type": "object", "required": ["status", "type"]},
    "status.conditions[].type": {"type": "string"},
    "status.conditions[].status": {"type": "string"},
    "status.conditions[].reason": {"type": "string"},
    "status.conditions[].message": {"type": "string"},
    "status.conditions[].lastTransitionTime": {"type": "string", "format": "date-time"},
    "status.conditions[].observedGeneration": {"type": "integer", "format": "int64"},
    "status.observedGeneration": {"type": "integer", "format": "int64"},
}

# In every version: a write in a version that lacks them would drop them.
ADDED: dict[str, Json] = {
    "keptntaskdefinitions": {},
    "keptntasks": CONDITIONS
    | {
        "status.runs": {"type": "integer", "format": "int32"},
        "status.attempts": {"type": "array"},
        "status.attempts[]": {"type": "object", "required": ["number", "podName", "status"]},
        "status.attempts[].number": {"type": "integer", "format": "int32"},
        "status.attempts[].podName": {"type": "string"},
        "status.attempts[].status": {"type": "string"},
        "status.attempts[].reason": {"type": "string"},
        "status.attempts[].message": {"type": "string"},
        "status.attempts[].exitCode": {"type": "integer", "format": "int32"},
        "status.attempts[].lastLines": {"type": "string"},
        "status.attempts[].startTime": {"type": "string", "format": "date-time"},
        "status.attempts[].endTime": {"type": "string", "format": "date-time"},
        "status.attempts[].codeDigest": {"type": "string"},
        "status.attempts[].disrupted": {"type": "boolean"},
    },
    "keptnworkloads": {},
    "keptnworkloadversions": CONDITIONS
    | {"status.revisions": {"type": "array"}, "status.revisions[]": {"type": "string"}},
    "keptnapps": {},
    "keptnappversions": CONDITIONS,
    "keptnappcontexts": {},
    "keptnappcreationrequests": {},
    "keptnevaluations": CONDITIONS | {"status.lastAttemptTime": {"type": "string", "format": "date-time"}},
    "keptnevaluationdefinitions": {
        "spec.objectives[].query": {"type": "string"},
        "spec.provider": {"type": "object"},
        "spec.provider.name": {"type": "string"},
        "spec.provider.type": {"type": "string"},
        "spec.provider.targetServer": {"type": "string"},
        "spec.provider.insecureSkipTlsVerify": {"type": "boolean"},
        "spec.provider.secretKeyRef": {"type": "object", "required": ["key"]},
        "spec.provider.secretKeyRef.name": {"type": "string"},
        "spec.provider.secretKeyRef.key": {"type": "string"},
        "spec.provider.secretKeyRef.optional": {"type": "boolean"},
    },
    # Keptn's own chart left it out, though its operator reads it.
    "keptnconfigs": {"spec.restApiEnabled": {"type": "boolean", "default": False}},
}
# Definitions of these versions have a `source` and queries already.
WITHOUT_ADDED = {("keptnevaluationdefinitions", "v1alpha1"), ("keptnevaluationdefinitions", "v1alpha2")}

# Keptn's names; its paths read fields that only v1alpha1 and v1alpha2 have, so `kubectl get keptntasks` showed nothing.
TASK_COLUMNS = {
    "AppName": (".spec.app", ".spec.context.appName"),
    "AppVersion": (".spec.appVersion", ".spec.context.appVersion"),
    "WorkloadName": (".spec.workload", ".spec.context.workloadName"),
    "WorkloadVersion": (".spec.workloadVersion", ".spec.context.workloadVersion"),
}

# The only limits, which Keptn has none of. They bound the cost of the CEL rules and the size of an object.
LIMITS = {
    "timeout": {"maxLength": 64},
    "retryInterval": {"maxLength": 64},
    "objectives": {"maxItems": 1000},
    "objectives[].evaluationTarget": {"maxLength": 256},
    "observabilityTimeout": {"maxLength": 64},
    "*.inline.code": {"maxLength": 1_000_000},
    "*.httpRef.url": {"maxLength": 2048},
    "*.configMapRef.name": {"maxLength": 253},
    "*.functionRef.name": {"maxLength": 253},
    "*.secureParameters.secret": {"maxLength": 253},
    "*.parameters.map": {"maxProperties": 1000},
    "*.parameters.map{}": {"maxLength": 131_072},
    "*.cmdParameters": {"maxLength": 8192},
    "serviceAccount.name": {"maxLength": 253},
    "imagePullSecrets": {"maxItems": 100},
    "imagePullSecrets[].name": {"maxLength": 253},
    "container.volumeMounts": {"maxItems": 100},
    "container.volumeMounts[].name": {"maxLength": 63},
    "secureParameters.secret": {"maxLength": 253},
    "parameters.map": {"maxProperties": 1000},
    "parameters.map{}": {"maxLength": 131_072},
}


@cache
def crd(plural: str) -> Json:
    loaded: Json = yaml.safe_load((ROOT / "crds" / f"{NAMES[plural]}.yaml").read_text())
    return loaded


def keptn(plural: str) -> Json:
    found: Json = KEPTN[NAMES[plural]]
    return found


def version_of(plural: str, name: str) -> Json:
    (found,) = (version for version in crd(plural)["spec"]["versions"] if version["name"] == name)
    return dict(found)


def nodes(schema: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, part
        yield from nodes(part, here)
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield path + suffix, schema[key]
            yield from nodes(schema[key], path + suffix)


def fields(schema: Json) -> Json:
    """The same facts as the table has: type, format, default, required and pattern of each field."""
    found: Json = {}
    for path, part in nodes(schema):
        if path in ("apiVersion", "kind", "metadata") or path.startswith("spec.container."):
            continue
        if path == "spec.container":
            found[path] = {"type": "object", "is": "core/v1 Container"}
            continue
        found[path] = {key: part[key] for key in ("type", "format", "default", "required", "pattern") if key in part}
    return found


@pytest.mark.parametrize("plural", PLURALS)
def test_a_kind_is_named_scoped_and_served_as_with_keptn(plural: str) -> None:
    spec, theirs = crd(plural)["spec"], keptn(plural)
    assert f"{spec['names']['plural']}.{spec['group']}" == NAMES[plural]
    assert spec["names"]["kind"] == theirs["kind"]
    assert spec["names"]["plural"] == plural
    assert spec["names"].get("shortNames", []) == theirs["shortNames"]
    assert spec["scope"] == theirs["scope"]
    assert {version["name"] for version in spec["versions"]} == set(theirs["versions"])


@pytest.mark.parametrize(("plural", "name"), VERSIONS)
def test_a_version_is_keptns_field_by_field_but_for_what_is_listed_here(plural: str, name: str) -> None:
    ours = fields(version_of(plural, name)["schema"]["openAPIV3Schema"])
    added = {} if (plural, name) in WITHOUT_ADDED else ADDED[plural]
    assert ours == keptn(plural)["versions"][name]["fields"] | added


@pytest.mark.parametrize(("plural", "name"), VERSIONS)
def test_a_version_is_stored_served_and_has_a_status_as_with_keptn(plural: str, name: str) -> None:
    ours, theirs = version_of(plural, name), keptn(plural)["versions"][name]
    assert ours["served"] is theirs["served"]
    assert ours["storage"] is theirs["storage"]
    assert ("status" in ours["subresources"]) is theirs["status_subresource"]


@pytest.mark.parametrize(("plural", "name"), VERSIONS)
def test_kubectl_get_shows_keptns_columns_and_those_of_tasks_are_filled(plural: str, name: str) -> None:
    columns = [dict(column) for column in keptn(plural)["versions"][name]["columns"]]
    if plural == "keptntasks":
        for column in columns:
            theirs, ours = TASK_COLUMNS.get(column["name"], (column["jsonPath"], column["jsonPath"]))
            assert column["jsonPath"] == theirs
            column["jsonPath"] = ours
    assert version_of(plural, name).get("additionalPrinterColumns", []) == columns


@pytest.mark.parametrize(("plural", "name"), VERSIONS)
def test_no_field_has_a_limit_that_is_not_listed_here(plural: str, name: str) -> None:
    words = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minimum", "maximum", "enum")
    for path, part in nodes(version_of(plural, name)["schema"]["openAPIV3Schema"]):
        limits = {word: part[word] for word in words if word in part}
        inside = path.removeprefix("spec.")
        runner, _, rest = inside.partition(".")
        known = LIMITS.get(f"*.{rest}" if runner in ("deno", "python", "function") else inside, {})
        assert limits == known, path


@pytest.mark.parametrize(("plural", "name"), VERSIONS)
def test_only_parameter_values_keep_what_the_schema_does_not_know(plural: str, name: str) -> None:
    # A nested parameter then reaches the check that says so; otherwise the server calls its keys unknown fields.
    keeping = {
        path
        for path, part in nodes(version_of(plural, name)["schema"]["openAPIV3Schema"])
        if "x-kubernetes-preserve-unknown-fields" in part
    }
    assert all(path.endswith("parameters.map{}") for path in keeping)
    assert bool(keeping) is (plural in ("keptntasks", "keptntaskdefinitions"))


@pytest.mark.parametrize("plural", PLURALS)
def test_labels_are_keptns_and_a_kind_whose_versions_differ_is_converted(plural: str) -> None:
    definition = crd(plural)
    labels = {"app.kubernetes.io/part-of": "keptn", "crdGroup": "lifecycle.keptn.sh"}
    if plural in SAME_IN_ALL_VERSIONS:
        assert definition["metadata"]["labels"] == labels
        assert definition["spec"]["conversion"] == {"strategy": "None"}
        return
    assert definition["metadata"]["labels"] == labels | {"keptn.sh/inject-cert": "true"}
    webhook = definition["spec"]["conversion"]["webhook"]
    assert definition["spec"]["conversion"]["strategy"] == "Webhook"
    assert webhook["conversionReviewVersions"] == ["v1"]
    service = {"name": "lifecycle-webhook-service", "namespace": "keptn-system", "path": "/convert", "port": 443}
    assert webhook["clientConfig"] == {"service": service}
