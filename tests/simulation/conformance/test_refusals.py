"""What a cluster may have against a new object: its namespace ends, a quota is used up, a schema does not fit."""

import pytest

from app.cluster import errors
from app.cluster.api import Json
from app.cluster.resources import (
    CONFIGMAPS,
    JOBS,
    NAMESPACES,
    PODS,
    RESOURCEQUOTAS,
    TASKS,
    WORKLOAD_VERSIONS,
    WORKLOADS,
)
from tests.simulation.conformance import bodies
from tests.simulation.conformance.facts import FORBIDDEN, INVALID, NOT_FOUND, refusal, refused
from tests.simulation.conformance.servers import Subject


async def _ending(server: Subject) -> None:
    """The namespace is being deleted, and a finalizer on a ConfigMap keeps it for now."""
    body = bodies.config_map("kept", finalizers=["example.com/mine"])
    await server.api.create(CONFIGMAPS, body, server.namespace)
    await server.api.delete(NAMESPACES, server.namespace)


async def _end(server: Subject) -> None:
    await server.api.patch(CONFIGMAPS, "kept", {"metadata": {"finalizers": None}}, server.namespace)


async def test_nothing_new_is_made_in_a_namespace_that_ends(server: Subject) -> None:
    await _ending(server)
    body = await server.api.get(NAMESPACES, server.namespace)
    assert body["metadata"]["deletionTimestamp"]
    assert (body["spec"], body["status"]["phase"]) == ({"finalizers": ["kubernetes"]}, "Terminating")
    for name, dry in (("late", False), ("late", True), ("kept", False)):
        error = await refusal(server.api.create(CONFIGMAPS, bodies.config_map(name), server.namespace, dry_run=dry))
        assert isinstance(error, errors.Forbidden)
        assert (error.status, error.reason, error.namespace_terminating) == (403, "Forbidden", True)
        assert error.message == (
            f'configmaps "{name}" is forbidden: unable to create new content in namespace {server.namespace} because '
            "it is being terminated"
        )
    await _end(server)


async def test_what_is_in_a_namespace_that_ends_can_be_changed(server: Subject) -> None:
    await _ending(server)
    changed = await server.api.patch(CONFIGMAPS, "kept", {"data": {"a": "2"}}, server.namespace)
    assert changed["data"] == {"a": "2"}
    await server.api.delete(NAMESPACES, server.namespace)
    await _end(server)


async def test_a_namespace_goes_when_it_is_empty(server: Subject) -> None:
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    await server.api.create(PODS, bodies.pod("a", bodies.GATE), server.namespace)
    await server.api.delete(NAMESPACES, server.namespace)

    async def gone() -> bool:
        try:
            await server.api.get(NAMESPACES, server.namespace)
        except errors.NotFound:
            return True
        return False

    await server.until(gone)
    assert await refused(server.api.get(WORKLOADS, "a", server.namespace)) == NOT_FOUND
    error = await refusal(server.api.create(CONFIGMAPS, bodies.config_map("late"), server.namespace))
    assert (type(error), error.message) == (errors.NotFound, f'namespaces "{server.namespace}" not found')


async def _limited(server: Subject, counter: str, limit: int) -> None:
    body: Json = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}}
    await server.api.create(RESOURCEQUOTAS, body | {"spec": {"hard": {counter: str(limit)}}}, server.namespace)
    if not server.is_real:
        return

    async def counted() -> bool:
        found = await server.api.get(RESOURCEQUOTAS, "small", server.namespace)
        return bool(found["status"].get("hard"))

    await server.until(counted)


async def test_a_quota_that_is_used_up(server: Subject) -> None:
    # The quota first: its controller counts what is there from a cache, which may not know of the Job yet.
    await _limited(server, "count/jobs.batch", 1)
    await server.api.create(JOBS, bodies.job("first"), server.namespace)
    # The one that is there is asked about too: that its name is taken is found out only after the quota has spoken.
    for name, dry in (("second", False), ("second", True), ("first", False)):
        error = await refusal(server.api.create(JOBS, bodies.job(name), server.namespace, dry_run=dry))
        assert (type(error), error.status, error.reason) == FORBIDDEN
        assert error.message == (
            f'jobs.batch "{name}" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, '
            "used: count/jobs.batch=1, limited: count/jobs.batch=1"
        )
        assert isinstance(error, errors.Forbidden)
        assert not error.namespace_terminating
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)


async def test_a_quota_counts_gated_pods(server: Subject) -> None:
    await _limited(server, "pods", 1)
    await server.api.create(PODS, bodies.pod("first", bodies.GATE), server.namespace)
    error = await refusal(server.api.create(PODS, bodies.pod("second", bodies.GATE), server.namespace))
    assert (type(error), error.status, error.reason) == FORBIDDEN
    assert error.message == (
        'pods "second" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'
    )


@pytest.mark.parametrize(
    ("spec", "field"), [({}, "spec.taskDefinition: Required value"), ({"retries": 1}, "spec.taskDefinition")]
)
async def test_a_task_must_name_its_definition(server: Subject, spec: Json, field: str) -> None:
    error = await refusal(server.api.create(TASKS, bodies.task("a", spec), server.namespace))
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message.startswith('KeptnTask.lifecycle.keptn.sh "a" is invalid: ')
    assert field in error.message
    assert {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.taskDefinition"} in (
        error.details["causes"]
    )


async def test_what_our_other_kinds_require(server: Subject) -> None:
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    for field in ("app", "version", "resourceReference"):
        assert await refused(server.api.patch(WORKLOADS, "a", {"spec": {field: None}}, server.namespace)) == INVALID
    about = {"apiVersion": "lifecycle.keptn.sh/v1", "kind": "KeptnWorkloadVersion", "metadata": {"name": "a"}}
    body = about | {"spec": bodies.workload("a")["spec"]}
    error = await refusal(server.api.create(WORKLOAD_VERSIONS, body, server.namespace))
    assert (type(error), error.status, error.reason) == INVALID
    assert "spec.workloadName: Required value" in error.message


async def test_jobs_that_cannot_be(server: Subject) -> None:
    body = bodies.job("a")
    body["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    for dry in (False, True):
        error = await refusal(server.api.create(JOBS, body, server.namespace, dry_run=dry))
        assert (type(error), error.status, error.reason) == INVALID
        assert error.message == (
            'Job.batch "a" is invalid: spec.template.spec.restartPolicy: Required value: valid values: '
            '"OnFailure", "Never"'
        )
        assert [cause["field"] for cause in error.details["causes"]] == ["spec.template.spec.restartPolicy"]


async def test_a_jobs_template_stays_as_it_is(server: Subject) -> None:
    await server.api.create(JOBS, bodies.job("a"), server.namespace)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "main:2"}]}}}}
    error = await refusal(server.api.patch(JOBS, "a", change, server.namespace))
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message.startswith('Job.batch "a" is invalid: spec.template: Invalid value: ')
    assert error.message.endswith("field is immutable")
