"""The routes, as any client may call them."""

import base64
import logging
from typing import Any

import httpx2
import jsonpatch
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.admission import app as routes
from app.admission.app import create_app
from app.admission.namespaces import mirror
from app.admission.review import Handler, Request, Response, allowed, denied
from tests.app.admission.builders import Cluster, Json, envelope, owner, pod, running

RS = owner("ReplicaSet", "cart-5d8", "u")
JSON = {"content-type": "application/json"}


async def yes(_: Request) -> Response:
    return allowed()


def client(pods: Handler = yes, convert: Any = dict) -> httpx2.AsyncClient:
    app = create_app(pods=pods, namespaces=mirror, task_definitions=yes, convert=convert)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://webhook")


async def post(
    content: bytes, *, path: str = routes.MUTATE_POD, headers: Json = JSON, **handlers: Any
) -> httpx2.Response:
    async with client(**handlers) as http:
        return await http.post(path, content=content, headers=headers)


@pytest.mark.parametrize("path", [routes.MUTATE_POD, routes.MUTATE_NAMESPACE, routes.VALIDATE_TASK_DEFINITION])
async def test_each_path_answers_a_review_with_its_uid(path: str) -> None:
    answer = await post(orjson.dumps(envelope(pod())), path=path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["response"] == {"uid": envelope(None)["request"]["uid"], "allowed": True}


async def test_the_paths_are_those_that_keptns_configurations_name() -> None:
    assert routes.MUTATE_POD == "/mutate-v1-pod"
    assert routes.VALIDATE_TASK_DEFINITION == "/validate-lifecycle-keptn-sh-v1-keptntaskdefinition"
    assert routes.CONVERT == "/convert"


async def test_each_path_has_a_handler_of_its_own() -> None:
    async def refuse(_: Request) -> Response:
        return denied("no")

    namespace = {"kind": "Namespace", "metadata": {"annotations": {"keptn.sh/lifecycle-toolkit": "enabled"}}}
    body = orjson.dumps(envelope(namespace))
    first = (await post(body, pods=refuse)).json()["response"]
    second = (await post(body, pods=refuse, path=routes.MUTATE_NAMESPACE)).json()["response"]
    assert first["allowed"] is False
    assert orjson.loads(base64.b64decode(second["patch"]))[0]["path"] == "/metadata/labels"


async def test_a_conversion_is_handed_on_and_back() -> None:
    def convert(question: Json) -> Json:
        return {"answer": question["n"] + 1}

    answer = await post(b'{"n": 1}', path=routes.CONVERT, convert=convert)
    assert (answer.status_code, answer.json()) == (200, {"answer": 2})


async def test_a_charset_may_follow_the_content_type() -> None:
    body = orjson.dumps(envelope(pod()))
    assert (await post(body, headers={"content-type": "Application/JSON; charset=utf-8"})).status_code == 200


@pytest.mark.parametrize("path", [routes.MUTATE_POD, routes.CONVERT])
@pytest.mark.parametrize(
    ("status", "content", "headers"),
    [
        (415, b"{}", {"content-type": "text/plain"}),
        (415, b"{}", {}),
        (400, b"", JSON),
        (400, b"{", JSON),
        (400, b"[]", JSON),
        (400, b"\xff" * 100_000, JSON),
        (413, b"x" * (routes.MAX_BODY + 1), JSON),
    ],
)
async def test_a_body_that_is_of_no_use_gets_a_short_answer(
    path: str, status: int, content: bytes, headers: Json
) -> None:
    answer = await post(content, path=path, headers=headers)
    assert answer.status_code == status
    assert 0 < len(answer.content) <= 1024
    assert b"Traceback" not in answer.content


async def test_a_body_whose_length_nobody_says_is_cut_off_as_well() -> None:
    async def endless() -> Any:
        for _ in range(80):
            yield b"x" * 100_000

    async with client() as http:
        assert (await http.post(routes.MUTATE_POD, content=endless(), headers=JSON)).status_code == 413


async def test_the_largest_body_that_the_api_server_may_send_is_taken() -> None:
    thing = pod(annotations={"big": "x" * (routes.MAX_BODY - 2000)})
    assert (await post(orjson.dumps(envelope(thing)))).status_code == 200


async def test_an_unknown_version_is_refused_in_words() -> None:
    answer = await post(orjson.dumps(envelope(pod()) | {"apiVersion": "admission.k8s.io/v1beta1"}))
    assert answer.status_code == 400
    assert "only admission.k8s.io/v1" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", routes.MUTATE_POD, 405),
        ("PUT", routes.CONVERT, 405),
        ("GET", "/", 404),
        ("POST", "/nowhere", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/openapi.json", 404),
    ],
)
async def test_nothing_else_is_served(method: str, path: str, status: int) -> None:
    async with client() as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert len(answer.content) <= 1024


async def test_a_bug_of_ours_refuses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("secret detail")

    answer = (await post(orjson.dumps(envelope(pod())), pods=broken)).json()["response"]
    assert answer["allowed"] is True
    assert "error of its own" in answer["warnings"][0]
    assert "secret detail" not in str(answer)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_conversion_that_breaks_shows_nothing_of_the_inside() -> None:
    def broken(_: Json) -> Json:
        raise RuntimeError("secret detail")

    answer = await post(b"{}", path=routes.CONVERT, convert=broken)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert len(answer.content) <= 1024


async def test_telemetry_of_the_framework_is_off() -> None:
    app = create_app(pods=yes, namespaces=yes, task_definitions=yes, convert=dict)
    assert not app._native_telemetry.enabled()


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
metadata = st.fixed_dictionaries(
    {}, optional={"labels": values, "annotations": values, "ownerReferences": values | st.just([RS]), "name": values}
)
spec = st.fixed_dictionaries(
    {}, optional={"schedulingGates": values | st.just([{"name": "x"}]), "containers": values, "nodeName": values}
)
objects = values | st.fixed_dictionaries({"kind": st.just("Pod"), "metadata": metadata | values, "spec": spec | values})


@settings(max_examples=400)
@given(st.fixed_dictionaries({}, optional={"object": objects, "oldObject": values, "namespace": values, "uid": values}))
async def test_no_review_however_odd_is_a_server_error(fields: Json) -> None:
    """No 5xx, the uid comes back, the patch applies, and a second run adds nothing."""
    cluster = Cluster()
    question = envelope(pod(RS, annotations={"keptn.sh/workload": "cart"}), **fields)
    async with running(cluster, filled=False) as (gate, _), client(pods=gate) as http:
        answer = await http.post(routes.MUTATE_POD, content=orjson.dumps(question), headers=JSON)
        assert answer.status_code in (200, 400)
        if answer.status_code == 400:
            assert fields  # what is sent in their place is well-formed
            return
        response = answer.json()["response"]
        assert response["uid"] == question["request"]["uid"]
        assert response["allowed"] is True
        if "patch" in response:
            after = jsonpatch.apply_patch(
                question["request"]["object"], orjson.loads(base64.b64decode(response["patch"]))
            )
            again = await http.post(routes.MUTATE_POD, content=orjson.dumps(envelope(after)), headers=JSON)
            assert "patch" not in again.json()["response"]
