import base64
from typing import Any

import orjson
import pytest

from app.admission.app import MUTATE_NAMESPACE, MUTATE_POD
from app.api import wellknown
from app.api.core import Pod
from app.cluster.api import Json
from app.lifecycle import gates
from tests.simulation.rules import reviews

GATES = "/spec/schedulingGates"
LABEL = "/metadata/labels/keptn.sh~1holdfast"
GATE = {"name": wellknown.GATE}


def pod(*foreign: str, labels: bool = True) -> Json:
    metadata: Json = {"name": "web-1", "labels": {"app": "web"}} if labels else {"name": "web-1"}
    return {"metadata": metadata, "spec": {"schedulingGates": [{"name": name} for name in foreign]}}


def add(path: str, value: object) -> Json:
    return {"op": "add", "path": path, "value": value}


def rules(
    body: Json, patch: list[Json], path: str = MUTATE_POD, namespace: str = "shop", uid: str = "1", **response: Any
) -> list[str]:
    review = {"request": {"uid": "1", "namespace": namespace, "object": body}}
    encoded = base64.b64encode(orjson.dumps(patch)).decode()
    answer = {"response": {"uid": uid, "allowed": True} | ({"patch": encoded} if patch else {}) | response}
    return [rule for rule, _ in reviews.faults(path, orjson.dumps(review), orjson.dumps(answer), {"shop"})]


@pytest.mark.parametrize("body", [pod(), pod(labels=False), pod("example.com/a"), pod("example.com/a", labels=False)])
def test_what_holds_a_pod_may_be_asked_for(body: Json) -> None:
    assert rules(body, gates.hold(body)) == []
    assert not gates.is_held(Pod.model_validate(body))


def test_an_answer_that_asks_for_nothing_is_fine() -> None:
    assert rules(pod(), []) == []


def test_a_denial_is_a_breach_wherever_it_happens() -> None:
    assert rules(pod(), [], allowed=False) == ["I6"]
    assert rules(pod(), [], MUTATE_NAMESPACE, allowed=False) == ["I6"]


def test_a_pod_of_a_namespace_that_did_not_opt_in_should_not_have_been_sent() -> None:
    assert rules(pod(), [], namespace="office") == ["I6"]


def test_the_answer_is_to_what_was_asked() -> None:
    assert rules(pod(), [], uid="2") == ["I4"]


@pytest.mark.parametrize(
    "operation",
    [
        add(GATES, [GATE]),  # in place of the other's gate
        add(f"{GATES}/-", {"name": "example.com/b"}),
        add("/metadata/labels", {wellknown.LABEL: wellknown.LABEL_HELD}),  # in place of the others
        add(LABEL, "task"),
        add("/metadata/annotations", {}),
        {"op": "remove", "path": f"{GATES}/0"},
    ],
)
def test_nothing_else_may_be_asked_for(operation: Json) -> None:
    assert rules(pod("example.com/a"), [operation]) == ["I4"]
