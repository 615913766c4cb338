import asyncio
from typing import Any

import pytest

from app.admission.definitions import DefinitionValidator
from app.admission.review import Response
from app.cluster import errors, resources
from app.cluster.api import Json, Resource
from app.lifecycle.python_syntax import Fault, Unreadable
from app.settings import from_environment
from tests.app.admission.builders import INSTALLATION, SHOP, Cluster, request
from tests.fakes.api import Call

CONTAINER = {"name": "c", "image": "busybox:1.37"}
JOB = "spec.template.spec."


class Server(Cluster):
    """Answers dry runs of Jobs as told, and would notice anything else that is written."""

    def __init__(self, answer: Exception | None = None, seconds: float = 0) -> None:
        super().__init__()
        self.answer = answer
        self.seconds = seconds
        self.jobs: list[Json] = []

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        assert resource == resources.JOBS
        assert dry_run
        assert namespace == SHOP
        self.jobs.append(body)
        await asyncio.sleep(self.seconds)
        if self.answer:
            raise self.answer
        return body


def definition(spec: Any, version: str = "v1", name: str = "check", **metadata: Any) -> Json:
    return {
        "apiVersion": f"lifecycle.keptn.sh/{version}",
        "kind": "KeptnTaskDefinition",
        "metadata": {"name": name, "namespace": SHOP, **metadata},
        "spec": spec,
    }


async def judge(
    server: Cluster, thing: Json, *, old: Json | None = None, fault: Fault | Exception | None = None, **more: Any
) -> Response:
    async def check_python(code: str) -> Fault | None:
        if isinstance(fault, Exception):
            raise fault
        return fault

    settings = from_environment({"POD_NAMESPACE": INSTALLATION, "POD_NAME": "webhook-1"})
    validator = DefinitionValidator(server, settings, check_python=check_python, seconds=0.1)
    operation = "CREATE" if old is None else "UPDATE"
    name = thing["metadata"].get("name", "")
    return await validator(request(thing, operation=operation, oldObject=old, name=name, **more))


def causes(response: Response) -> dict[str, str]:
    assert response.status is not None
    assert response.status["code"] == 422
    assert response.status["reason"] == "Invalid"
    return {cause["field"]: cause["message"] for cause in response.status["details"]["causes"]}


async def test_a_sound_definition_is_let_through_without_a_word() -> None:
    server = Server()
    response = await judge(server, definition({"deno": {"inline": {"code": "console.log(1)"}}}))
    assert response == Response(True)
    assert server.calls == []


async def test_everything_that_is_wrong_is_said_at_once_under_the_names_that_were_written() -> None:
    spec = {"function": {"httpRef": {"url": "<url>"}, "parameters": {"map": {"port": 80}}}}
    response = await judge(Server(), definition(spec, "v1alpha2"))
    assert list(causes(response)) == ["spec.function.httpRef.url", "spec.function.parameters.map.port"]
    assert response.status is not None
    assert response.status["message"].startswith(
        "2 problems: spec.function.httpRef.url '<url>' is a placeholder; write"
    )


async def test_one_problem_is_the_whole_message() -> None:
    response = await judge(Server(), definition({}))
    assert response.status is not None
    assert response.status["message"] == "spec runs nothing; add one of deno, python or container"


async def test_broken_python_is_refused_together_with_the_rest() -> None:
    spec = {"python": {"inline": {"code": "if x"}}, "retries": -1}
    response = await judge(Server(), definition(spec), fault=Fault(1, 5, "expected ':'"))
    assert list(causes(response)) == ["spec.retries", "spec.python.inline.code"]
    assert "line 1, column 5: expected ':'; correct the script" in causes(response)["spec.python.inline.code"]


async def test_python_that_cannot_be_checked_is_let_through_with_a_warning() -> None:
    thing = definition({"python": {"inline": {"code": "x"}}})
    response = await judge(Server(), thing, fault=Unreadable("it takes more than 3 s to read"))
    assert response.is_allowed
    assert response.warnings == ("spec.python.inline.code was not checked: it takes more than 3 s to read",)


async def test_the_real_check_of_python_is_used_when_none_is_given() -> None:
    settings = from_environment({"POD_NAMESPACE": INSTALLATION, "POD_NAME": "webhook-1"})
    thing = definition({"python": {"inline": {"code": "x = 1\nif x\n"}}})
    response = await DefinitionValidator(Server(), settings)(request(thing, name="check"))
    assert "line 2, column 5" in causes(response)["spec.python.inline.code"]


# Updates


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
async def test_nothing_but_creating_and_updating_is_judged(operation: str) -> None:
    settings = from_environment({"POD_NAMESPACE": INSTALLATION, "POD_NAME": "webhook-1"})
    validator = DefinitionValidator(Server(), settings)
    assert await validator(request(None, operation=operation, oldObject=definition({}))) == Response(True)


async def test_an_invalid_definition_from_before_can_still_be_labelled() -> None:
    old = definition({"deno": {}})
    assert (await judge(Server(), definition({"deno": {}}, labels={"team": "a"}), old=old)).is_allowed


async def test_and_its_finalizers_taken_off_while_it_is_deleted() -> None:
    old = definition({"deno": {}}, finalizers=["f"], deletionTimestamp="2026-11-21T09:00:00Z")
    new = definition({"python": {}}, deletionTimestamp="2026-11-21T09:00:00Z")
    assert (await judge(Server(), new, old=old)).is_allowed


async def test_an_update_of_the_spec_is_judged() -> None:
    old = definition({"deno": {}})
    assert not (await judge(Server(), definition({"deno": {"inline": {}}}), old=old)).is_allowed


# What the annotation keeps


async def test_what_an_old_version_keeps_in_its_annotation_is_judged_too() -> None:
    kept = {"conversion.keptn.sh/spec": '{"python":{"inline":{"code":"x"}}}'}
    spec = {"function": {"inline": {"code": "x"}}}
    response = await judge(Server(), definition(spec, "v1alpha1", annotations=kept))
    message = causes(response)["spec"]
    assert message.startswith("has 2 runners, deno and python; keep one")
    assert message.endswith("(some of it is kept in annotations conversion.keptn.sh/...)")
    old = definition(spec, "v1alpha1")
    assert not (await judge(Server(), definition(spec, "v1alpha1", annotations=kept), old=old)).is_allowed


async def test_an_annotation_that_is_not_ours_changes_nothing() -> None:
    thing = definition({"deno": {"inline": {"code": "x"}}}, annotations={"conversion.keptn.sh/spec": "words"})
    assert (await judge(Server(), thing)).is_allowed


# Containers


async def test_a_container_is_tried_out_in_a_job_by_a_dry_run() -> None:
    server = Server()
    assert (await judge(server, definition({"container": CONTAINER}))).is_allowed
    (job,) = server.jobs
    assert job["kind"] == "Job"
    assert job["metadata"]["namespace"] == SHOP
    assert job["spec"]["template"]["spec"]["containers"] == [CONTAINER]


async def test_a_container_that_has_problems_already_is_not_tried_out() -> None:
    server = Server()
    assert list(causes(await judge(server, definition({"container": {"name": "c"}})))) == ["spec.container.image"]
    assert server.jobs == []


async def test_what_kubernetes_refuses_is_said_under_the_containers_own_fields() -> None:
    listed = [
        {"field": f"{JOB}containers[0].imagePullPolicy", "message": "Unsupported value", "reason": "x"},
        {"field": f"{JOB}containers[0].env[1].name", "message": "Required value"},
        {"field": f"{JOB}volumes[0].name", "message": "Invalid value: a DNS label"},
        {"field": f"{JOB}volumes[0].emptyDir.sizeLimit", "message": "Invalid value: must be positive"},
        {"field": "metadata.name", "message": "not the author's"},
        {"field": f"{JOB}containers[0].env[1].name", "message": "said twice"},
    ]
    refusal = errors.from_status(422, {"reason": "Invalid", "message": "invalid", "details": {"causes": listed}})
    response = await judge(Server(refusal), definition({"container": CONTAINER}))
    assert causes(response) == {
        "spec.container.imagePullPolicy": "Unsupported value",
        "spec.container.env[1].name": "Required value",
        "spec.container.volumeMounts[0].name": "Invalid value: a DNS label",
        "spec.container.resources.limits.memory": "Invalid value: must be positive",
    }


async def test_what_kubernetes_cannot_even_read_is_refused() -> None:
    message = 'Job in version "v1" cannot be handled as a Job: quantities must match the regular expression'
    refusal = errors.from_status(400, {"reason": "BadRequest", "message": message})
    response = await judge(Server(refusal), definition({"container": CONTAINER}))
    assert causes(response) == {"spec.container": "quantities must match the regular expression"}


@pytest.mark.parametrize(
    "answer",
    [
        errors.Unavailable(0, "Unavailable", "no route to host"),
        errors.Unavailable(503, "ServiceUnavailable", "try later"),
        errors.Forbidden(403, "Forbidden", "exceeded quota: jobs"),
        errors.NotFound(404, "NotFound", 'namespaces "shop" not found'),
        errors.TooManyRequests(429, "TooManyRequests", "later"),
        errors.ApiError(400, "BadRequest", 'admission webhook "x" does not support dry run'),
        errors.Invalid(422, "Invalid", "a policy wants a label", {"causes": [{"message": "label it"}]}),
    ],
)
async def test_any_other_answer_is_a_warning_and_no_refusal(answer: errors.ApiError) -> None:
    response = await judge(Server(answer), definition({"container": CONTAINER}))
    assert response.is_allowed
    assert response.warnings == (f"spec.container was not tried out in a Job: {answer.message}",)


async def test_no_answer_in_time_is_a_warning_too() -> None:
    response = await judge(Server(seconds=5), definition({"container": CONTAINER}))
    assert response.is_allowed
    assert "took longer than 0.1 s" in response.warnings[0]


async def test_a_container_of_the_wrong_shape_is_left_to_the_schema() -> None:
    server = Server()
    odd = {**CONTAINER, "volumeMounts": [7]}
    assert (await judge(server, definition({"container": odd}))).is_allowed
    assert server.jobs == []


# References


def referring(source: str, name: str, runner: str = "deno") -> Json:
    return definition({runner: {source: {"name": name}}}, "v1alpha3")


async def test_a_definition_that_is_not_there_yet_is_a_warning() -> None:
    response = await judge(Server(), referring("functionRef", "slack", "function"))
    assert response.is_allowed
    assert response.warnings == (
        "spec.function.functionRef.name: there is no KeptnTaskDefinition slack in shop or keptn-system yet; "
        "tasks need it when they run",
    )


@pytest.mark.parametrize("namespace", [SHOP, INSTALLATION])
async def test_a_definition_in_either_namespace_is_fine(namespace: str) -> None:
    server = Server()
    server.make(resources.TASK_DEFINITIONS, "slack", namespace, spec={"deno": {"inline": {"code": "x"}}})
    assert (await judge(server, referring("functionRef", "slack"))).warnings == ()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"container": CONTAINER}, "slack runs a container, which has no script to share"),
        (
            {"python": {"functionRef": {"name": "base"}}},
            "slack itself builds on base, and only one level is followed; name base",
        ),
        (
            {"python": {"functionRef": {"name": "check"}}},
            "slack itself builds on check; give one of the two a script of its own",
        ),
    ],
)
async def test_a_definition_that_cannot_be_built_on_is_a_warning(spec: Json, said: str) -> None:
    server = Server()
    server.make(resources.TASK_DEFINITIONS, "slack", SHOP, spec=spec)
    response = await judge(server, referring("functionRef", "slack"))
    assert response.is_allowed
    assert said in response.warnings[0]


async def test_a_config_map_that_is_not_there_or_lacks_the_script_is_a_warning() -> None:
    server = Server()
    thing = referring("configMapRef", "script")
    absent = await judge(server, thing)
    assert absent.warnings == (
        "spec.deno.configMapRef.name: there is no ConfigMap script in shop yet; tasks need it when they run",
    )
    server.make(resources.CONFIGMAPS, "script", SHOP, data={"main.ts": "x"})
    assert "has no key code; put the script under data.code" in (await judge(server, thing)).warnings[0]
    for key in ("data", "binaryData"):
        server.make(resources.CONFIGMAPS, "script", SHOP, **{key: {"code": "x"}})
        assert (await judge(server, thing)).warnings == ()


async def test_what_cannot_be_looked_up_is_passed_over_in_silence() -> None:
    server = Server()

    def refuse(call: Call) -> None:
        raise errors.Forbidden(403, "Forbidden", "no")

    server.before = refuse
    assert await judge(server, referring("configMapRef", "script")) == Response(True)


async def test_a_secret_is_never_read() -> None:
    server = Server()
    spec = {"deno": {"inline": {"code": "x"}, "secureParameters": {"secret": "token"}}}
    assert (await judge(server, definition(spec))).is_allowed
    assert server.calls == []


async def test_a_definition_that_builds_on_itself_is_refused_without_looking_it_up() -> None:
    server = Server()
    response = await judge(server, referring("functionRef", "check"))
    assert list(causes(response)) == ["spec.deno.functionRef.name"]
    assert response.warnings == ()
