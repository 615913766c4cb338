from typing import Any

import pytest

from app.lifecycle.functions import (
    ConfigMapCode,
    Container,
    Function,
    InlineCode,
    Problem,
    RemoteCode,
    code_digest,
    function_ref,
    own_config_map,
    resolve,
    runner,
)
from tests.builders import SHOP, DefinitionBuilder, definition

PARENT = definition("parent").spec(
    python={
        "inline": {"code": "print(1)"},
        "parameters": {"map": {"user": "parent", "other": "data"}},
        "secureParameters": {"secret": "parents"},
        "cmdParameters": "-u",
    }
)


def child(**more: Any) -> DefinitionBuilder:
    return definition("child").spec(deno={"functionRef": {"name": "parent"}, **more})


def found(of: DefinitionBuilder, parent: DefinitionBuilder | None = None) -> Function:
    result = resolve(of.view, parent.view if parent else None)
    assert isinstance(result, Function)
    return result


def refused(of: DefinitionBuilder, parent: DefinitionBuilder | None = None) -> Problem:
    result = resolve(of.view, parent.view if parent else None)
    assert isinstance(result, Problem)
    return result


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"inline": {"code": "1"}}, InlineCode(SHOP, "d", "1")),
        ({"configMapRef": {"name": "m"}}, ConfigMapCode(SHOP, "m")),
        ({"httpRef": {"url": "https://x/y.ts"}}, RemoteCode("https://x/y.ts")),
        ({"inline": {"code": "1"}, "configMapRef": {"name": "m"}}, InlineCode(SHOP, "d", "1")),
        ({"httpRef": {"url": "u"}, "configMapRef": {"name": "m"}}, ConfigMapCode(SHOP, "m")),
        ({"inline": {"code": ""}, "httpRef": {"url": "u"}}, RemoteCode("u")),
    ],
)
def test_code_has_one_source_and_of_several_the_nearest_counts(source: dict[str, Any], code: object) -> None:
    assert found(definition("d").spec(deno=source)).code == code


def test_deno_comes_before_python() -> None:
    both = definition("d").spec(deno={"inline": {"code": "ts"}}, python={"inline": {"code": "py"}})
    assert found(both).runtime == "deno"


def test_a_container_is_run_as_it_was_written() -> None:
    spec = {"name": "c", "image": "i", "futureField": {"kept": [1]}}
    assert resolve(definition("d").spec(container=spec).view, None) == Container(spec)
    assert runner(definition("d").spec(container=spec).view) is None


class TestFunctionRef:
    def test_runs_the_parents_code_on_the_parents_runner(self) -> None:
        function = found(child(inline={"code": "mine"}), PARENT)
        assert function.runtime == "python"
        assert function.code == InlineCode(SHOP, "parent", "print(1)")

    def test_merges_parameters_and_the_childs_win(self) -> None:
        function = found(child(parameters={"map": {"user": "child", "data": "mine"}}), PARENT)
        assert function.parameters == {"user": "child", "other": "data", "data": "mine"}

    def test_takes_secret_and_command_parameters_from_the_parent_unless_the_child_has_its_own(self) -> None:
        plain = found(child(), PARENT)
        assert (plain.secret, plain.cmd_parameters) == ("parents", "-u")
        own = found(child(secureParameters={"secret": "mine"}, cmdParameters="-O"), PARENT)
        assert (own.secret, own.cmd_parameters) == ("mine", "-O")

    def test_leaves_the_parent_as_it_was(self) -> None:
        parent = PARENT.view
        resolve(child(parameters={"map": {"user": "child"}}).view, parent)
        assert parent == PARENT.view

    def test_to_the_same_name_in_the_installation_is_no_loop(self) -> None:
        shared = PARENT.in_namespace("keptn-system")
        named = definition("parent").spec(python={"functionRef": {"name": "parent"}})
        assert found(named, shared).code == InlineCode("keptn-system", "parent", "print(1)")

    @pytest.mark.parametrize(
        ("parent", "reason", "advice"),
        [
            (None, "FunctionNotFound", "create it"),
            (definition("parent").spec(container={"name": "c"}), "FunctionNotAScript", "runs a container"),
            (definition("parent"), "FunctionNotAScript", "has no script; name a deno or python definition"),
            (definition("parent").spec(deno={"functionRef": {"name": "child"}}), "FunctionLoop", "of its own"),
            (definition("parent").spec(deno={"functionRef": {"name": "top"}}), "FunctionChain", "name top directly"),
            (definition("parent").spec(deno={}), "NothingToRun", "has no code"),
        ],
    )
    def test_that_cannot_be_followed_says_what_to_do(
        self, parent: DefinitionBuilder | None, reason: str, advice: str
    ) -> None:
        problem = refused(child(), parent)
        assert problem.reason == reason
        assert advice in problem.message
        assert "child" in problem.message

    def test_to_itself_is_refused(self) -> None:
        itself = definition("d").spec(deno={"functionRef": {"name": "d"}})
        assert refused(itself, itself).reason == "FunctionLoop"

    def test_is_none_for_a_definition_that_stands_on_its_own(self) -> None:
        assert [function_ref(d.view) for d in (child(), PARENT, definition("empty"))] == ["parent", "", ""]


@pytest.mark.parametrize("empty", [definition("d"), definition("d").spec(deno={}), definition("d").spec(python={})])
def test_a_definition_with_nothing_to_run_says_so(empty: DefinitionBuilder) -> None:
    assert refused(empty).reason == "NothingToRun"


def test_a_digest_is_short_and_stands_for_the_code() -> None:
    assert code_digest("a") == "sha256:ca978112ca1bbdca"
    assert code_digest("a") != code_digest("b")


def test_inline_code_lies_where_keptn_puts_it() -> None:
    assert own_config_map(InlineCode(SHOP, "check", "1")) == "keptnfn-check"
