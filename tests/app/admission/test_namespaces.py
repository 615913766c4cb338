"""The label of a namespace follows its annotation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admission.namespaces import mirror
from app.admission.review import Response
from tests.app.admission.builders import Json, applied, request

LABEL = "keptn.sh/holdfast"
OPT_IN = "keptn.sh/lifecycle-toolkit"


def namespace(annotations: Json | None, labels: Json | None) -> Json:
    metadata: Json = {"name": "shop"}
    for field, content in (("annotations", annotations), ("labels", labels)):
        if content is not None:
            metadata[field] = content
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
@pytest.mark.parametrize("labels", [None, {}, {"a": "b"}, {LABEL: "disabled"}])
async def test_an_enabled_namespace_gets_the_label(operation: str, labels: Json | None) -> None:
    thing = namespace({OPT_IN: "enabled"}, labels)
    after = applied(thing, await mirror(request(thing, operation=operation)))
    assert after["metadata"]["labels"] == {**(labels or {}), LABEL: "enabled"}


@pytest.mark.parametrize("annotations", [None, {}, {OPT_IN: "disabled"}, {OPT_IN: "Enabled"}, {OPT_IN: " enabled"}])
async def test_any_other_namespace_loses_it(annotations: Json | None) -> None:
    thing = namespace(annotations, {LABEL: "enabled", "a": "b"})
    after = applied(thing, await mirror(request(thing, operation="UPDATE")))
    assert after["metadata"]["labels"] == {"a": "b"}


async def test_a_label_like_the_annotation_opts_nobody_in() -> None:
    thing = namespace(None, {OPT_IN: "enabled"})
    assert await mirror(request(thing)) == Response(True)


@pytest.mark.parametrize("more", [{"operation": "DELETE"}, {"operation": "UPDATE", "subResource": "finalize"}])
async def test_a_deletion_or_a_subresource_is_left_alone(more: Json) -> None:
    assert await mirror(request(namespace({OPT_IN: "enabled"}, None), **more)) == Response(True)


async def test_a_namespace_is_left_alone_when_nothing_was_sent() -> None:
    assert await mirror(request(None, operation="DELETE")) == Response(True)


texts = st.text(max_size=5)
mappings = st.none() | st.dictionaries(st.sampled_from([LABEL, OPT_IN, "a"]), texts | st.just("enabled"))


@given(mappings, mappings)
async def test_once_is_enough_and_nothing_else_changes(annotations: Any, labels: Any) -> None:
    thing = namespace(annotations, labels)
    after = applied(thing, await mirror(request(thing)))
    assert (await mirror(request(after))).patch == ()
    assert after["metadata"].get("annotations") == annotations
    kept = {key: value for key, value in (after["metadata"].get("labels") or {}).items() if key != LABEL}
    assert kept == {key: value for key, value in (labels or {}).items() if key != LABEL}
