import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle.definitions import Problem, problems, python_code
from app.lifecycle.python_syntax import Fault, Unreadable
from tests.e2e.refusals import CASES, Case

Json = dict[str, Any]

VERSIONS = ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1")
GOOD: Json = {"inline": {"code": "console.log(1)"}}


def found(spec: Any, version: str = "v1", **options: Any) -> dict[str, str]:
    listed = problems(spec, version=version, **options)
    assert len({problem.field for problem in listed}) == len(listed)
    return {problem.field: problem.message for problem in listed}


def deno(**fields: Any) -> Json:
    return {"deno": {**GOOD, **fields}}


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        ({"deno": GOOD}, "v1"),
        ({"python": {"inline": {"code": "print(1)"}, "cmdParameters": "-h"}}, "v1"),
        ({"deno": {"httpRef": {"url": "http://127.0.0.1:8080/a.ts?x=1#y"}}}, "v1"),
        ({"deno": {"configMapRef": {"name": "dev-configmap"}}}, "v1alpha3"),
        ({"function": {"functionRef": {"name": "slack"}, "secureParameters": {"secret": "token"}}}, "v1alpha2"),
        ({"function": GOOD}, "v1beta1"),
        ({"container": {"name": "c", "image": "busybox", "args": ["sleep", "1"]}}, "v1"),
        (
            {
                **deno(parameters={"map": {"a": "1"}}),
                "retries": 0,
                "timeout": "1h30m",
                "ttlSecondsAfterFinished": 0,
                "serviceAccount": {"name": "sa"},
                "imagePullSecrets": [{"name": "pull"}, {"name": ""}],
            },
            "v1",
        ),
        ({"deno": {**GOOD, "httpRef": {}, "functionRef": {}, "parameters": {}, "secureParameters": {}}}, "v1"),
    ],
)
def test_a_sound_definition_has_no_problem(spec: Json, version: str) -> None:
    assert problems(spec, version=version, name="check") == []


@pytest.mark.parametrize(
    ("spec", "version", "message"),
    [
        ({}, "v1", "runs nothing; add one of deno, python or container"),
        ({}, "v1alpha2", "runs nothing; add function"),
        ({}, "v1beta1", "runs nothing; add one of deno, python, container or function"),
        (None, "v1", "is missing; write what the definition runs"),
        ([], "v1", "is a list; write its fields below it, indented"),
        (
            {"deno": GOOD, "container": {"name": "c", "image": "i"}},
            "v1",
            "has 2 runners, deno and container; keep one of them and move the others to definitions of their own",
        ),
        (
            {"deno": GOOD, "function": GOOD},
            "v1alpha3",
            "has 2 runners, deno and function, of which function is the old name of deno; keep one of them and move "
            "the others to definitions of their own",
        ),
    ],
)
def test_exactly_one_runner(spec: Any, version: str, message: str) -> None:
    assert found(spec, version) == {"spec": message}


def test_a_runner_of_another_version_is_told_where_it_belongs() -> None:
    assert found({"function": GOOD}) == {"spec.function": "is called deno in v1; write it under spec.deno"}
    assert found({"python": {"inline": {"code": "x"}}}, "v1alpha2") == {
        "spec.python": "is not in v1alpha2, which has only function; write apiVersion: lifecycle.keptn.sh/v1"
    }


@pytest.mark.parametrize("empty", [{}, {"inline": {}}, {"parameters": {"map": {"a": "b"}}}])
def test_a_script_needs_a_source(empty: Json) -> None:
    assert found({"deno": empty}) == {
        "spec.deno": "has no code to run; add one of inline, httpRef, functionRef or configMapRef"
    }


def test_a_script_has_one_source() -> None:
    assert found(deno(configMapRef={"name": "code"})) == {
        "spec.deno": "takes its code from 2 places, inline and configMapRef; keep one of them"
    }


def test_a_source_spelled_as_in_the_old_documentation_is_put_right() -> None:
    assert (
        found({"python": {"ConfigMapRef": {"name": "code"}}})["spec.python.ConfigMapRef"] == "is spelled configMapRef"
    )


@pytest.mark.parametrize("code", ["", " \n", None])
def test_code_is_written(code: Any) -> None:
    assert found({"deno": {"inline": {"code": code}}}) == {"spec.deno.inline.code": "is empty; write the script here"}


def test_code_that_no_config_map_holds_is_refused() -> None:
    assert "1000000 bytes" in found({"deno": {"inline": {"code": "x" * 1_000_001}}})["spec.deno.inline.code"]
    assert "1000000 bytes" in found({"deno": {"inline": {"code": "é" * 500_001}}})["spec.deno.inline.code"]
    assert found({"deno": {"inline": {"code": "x" * 1_000_000}}}) == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "<url>",
            "'<url>' is a placeholder; write http:// or https://, a host and a path, such as https://example.com/check.ts",
        ),
        ("", "is empty"),
        (None, "has no code to run"),
        (7, "is a number; write an address"),
        ("example.com/a.ts", "says no http:// or https://"),
        ("file:///etc/passwd", "begins with file:, which no runner fetches"),
        ("ftp://host/a.ts", "begins with ftp:"),
        ("https://", "has no host"),
        ("https:///a.ts", "has no host"),
        ("http://:80/a.ts", "has no host"),
        ("https://host/a b.ts", "has a space"),
        ("https://host/a\n", "has a space or a control character"),
        ("https://host:port/", "is not an address"),
        ("https://host:99999/", "is not an address"),
        ("https://[::1/", "is not an address"),
    ],
)
def test_a_url_is_one_that_a_runner_can_fetch(url: Any, said: str) -> None:
    (message,) = found({"deno": {"httpRef": {"url": url} if url is not None else {}}}).values()
    assert said in message


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/", "http://localhost/", "https://[::1]:8443/a", "HTTPS://a/"]
)
def test_where_a_script_is_fetched_from_is_the_business_of_its_pod(address: str) -> None:
    assert found({"python": {"httpRef": {"url": address}}}) == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, 'is a number, and parameters are strings; put it in quotes, key: "3"'),
        (True, 'is a boolean, and parameters are strings; put it in quotes, key: "true"'),
        (None, 'is null, and parameters are strings; write key: "" or leave it out'),
        (
            {"a": [1]},
            "is a map, and parameters are strings; pass JSON text, key: '{\"a\": [1]}', and let the script parse it",
        ),
        (["it's"], "pass JSON text, key: '[\"it''s\"]', and let the script parse it"),
        (["x" * 99], "pass JSON text, key: '{ … }'"),
    ],
)
def test_parameters_are_flat_strings(value: Any, said: str) -> None:
    (message,) = found(deno(parameters={"map": {"fine": "yes", "key": value}})).values()
    assert said in message


def test_the_json_text_that_is_advised_is_yaml_for_the_same_value() -> None:
    value = {"quoted": "it's", "list": [1, None]}
    message = found(deno(parameters={"map": {"key": value}}))["spec.deno.parameters.map.key"]
    advised = re.search(r"pass JSON text, (.*), and let", message)
    assert advised is not None
    assert yaml.safe_load(yaml.safe_load(advised[1])["key"]) == value


def test_a_parameter_nested_without_end_is_refused_like_any_other() -> None:
    value: Any = "x"
    for _ in range(50_000):
        value = [value]
    assert (
        "pass JSON text, key: '{ … }'"
        in found(deno(parameters={"map": {"key": value}}))["spec.deno.parameters.map.key"]
    )


def test_parameters_outside_their_map_and_too_large_are_refused() -> None:
    assert "under parameters.map" in found(deno(parameters={"a": "b"}))["spec.deno.parameters.a"]
    assert "131072" in found(deno(parameters={"map": {"a": "x" * 131_072}}))["spec.deno.parameters.map"]
    assert found(deno(parameters=[])) == {"spec.deno.parameters": "is a list; write its fields below it, indented"}
    assert found(deno(parameters={"map": "a=b"})) == {
        "spec.deno.parameters.map": "is text; write its fields below it, indented"
    }


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("retries", -1, "is -1; write a number of further attempts, 0 for a single attempt"),
        ("retries", "3", "is text; write a number of further attempts, 0 for a single attempt, without quotes"),
        ("retries", 1.5, "is a number; write"),
        ("retries", True, "is a boolean; write"),
        ("retries", 2**31, "at most 2147483647"),
        ("timeout", "300", 'write "300s" for seconds (which is 5m0s)'),
        ("timeout", 300, 'write "300s" for seconds (which is 5m0s)'),
        ("timeout", "abc5m", "'abc5m' is not a duration"),
        ("timeout", "<duration>", "write a number with a unit"),
        ("timeout", "0", "leaves no time to run"),
        ("timeout", "-5m", "leaves no time to run"),
        ("timeout", ["5m"], "is a list; write a number with a unit"),
        ("ttlSecondsAfterFinished", -5, "is -5; write a number of seconds, 0 to delete the Job at once"),
        ("serviceAccount", "admin", "is text; write the name under serviceAccount.name"),
    ],
)
def test_a_number_or_duration_that_makes_no_sense_is_refused(field: str, value: Any, said: str) -> None:
    assert said in found(deno() | {field: value})[f"spec.{field}"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"deno": {"functionRef": {"name": "My Task"}}}, "spec.deno.functionRef.name"),
        ({"deno": {"configMapRef": {"name": "a_b"}}}, "spec.deno.configMapRef.name"),
        ({"deno": {"configMapRef": {"name": 7}}}, "spec.deno.configMapRef.name"),
        ({"deno": {"configMapRef": {"name": ""}}}, "spec.deno.configMapRef.name"),
        (deno(secureParameters={"secret": "<secret-name>"}), "spec.deno.secureParameters.secret"),
        (deno(secureParameters="token"), "spec.deno.secureParameters"),
        (deno(cmdParameters=["-h"]), "spec.deno.cmdParameters"),
        ({**deno(), "serviceAccount": {}}, "spec.serviceAccount.name"),
        ({**deno(), "imagePullSecrets": [{"name": "ok"}, {"name": "Not OK"}]}, "spec.imagePullSecrets[1].name"),
        ({"deno": "console.log(1)"}, "spec.deno"),
        ({"deno": {"inline": "console.log(1)"}}, "spec.deno.inline"),
        ({"deno": {"inline": {"code": ["a", "b"]}}}, "spec.deno.inline.code"),
        ({"container": "busybox"}, "spec.container"),
    ],
)
def test_a_name_is_one_of_kubernetes_and_a_map_is_a_map(spec: Json, field: str) -> None:
    assert list(found(spec)) == [field]


def test_the_definitions_own_name_counts_and_a_definition_cannot_build_on_itself() -> None:
    assert list(found(deno(), name="Check")) == ["metadata.name"]
    message = found({"deno": {"functionRef": {"name": "check"}}}, name="check")["spec.deno.functionRef.name"]
    assert message == "is this definition itself; name the definition whose script is to run"
    assert found({"deno": {"functionRef": {"name": "check"}}}, name="other") == {}


@pytest.mark.parametrize(
    ("container", "fields"),
    [
        ({}, ["spec.container.name", "spec.container.image"]),
        ({"name": "<container-name>", "image": "<image-name>"}, ["spec.container.name", "spec.container.image"]),
        ({"name": "c"}, ["spec.container.image"]),
        ({"name": "c", "image": 7}, ["spec.container.image"]),
    ],
)
def test_a_container_has_a_name_and_an_image(container: Json, fields: list[str]) -> None:
    assert list(found({"container": container})) == fields


def test_a_second_volume_is_refused_with_the_way_out() -> None:
    mounts = [{"name": "a", "mountPath": "/a"}, {"name": "a", "mountPath": "/b"}, {"name": "b", "mountPath": "/c"}]
    container = {"name": "c", "image": "i", "volumeMounts": mounts}
    assert found({"container": container}) == {
        "spec.container.volumeMounts[2].name": "is 'b', but a task has one volume, an emptyDir named after the first "
        "mount; write 'a', with a subPath to keep the two apart"
    }
    assert found({"container": {**container, "volumeMounts": mounts[:2]}}) == {}


def test_broken_python_is_refused_with_line_and_column() -> None:
    message = found({"python": {"inline": {"code": "import os\nprint 'hi'\n"}}})["spec.python.inline.code"]
    assert "line 2, column 1: Missing parentheses in call to 'print'" in message
    assert message.endswith("; correct the script")


def test_only_python_is_read_as_python() -> None:
    broken = {"inline": {"code": "let x = ;"}}
    assert found({"deno": broken}) == {}
    assert found({"function": broken}, "v1alpha1") == {}


def test_python_that_cannot_be_checked_is_no_problem_and_can_be_left_to_the_caller() -> None:
    def gives_up(code: str) -> Fault | None:
        raise Unreadable(code)

    spec = {"python": {"inline": {"code": "("}}}
    assert found(spec, syntax=gives_up) == {}
    assert found(spec, syntax=None) == {}
    assert python_code(spec) == "("
    assert [python_code(other) for other in (None, {}, {"python": {"inline": {"code": 7}}}, deno())] == [""] * 4


def test_all_problems_are_told_at_once() -> None:
    spec = {
        "function": {"httpRef": {"url": "<url>"}, "parameters": {"map": {"port": 80}}},
        "retries": -1,
        "timeout": "300",
    }
    assert list(found(spec, "v1alpha3", name="a_b")) == [
        "metadata.name",
        "spec.function.httpRef.url",
        "spec.function.parameters.map.port",
        "spec.retries",
        "spec.timeout",
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
keys = st.sampled_from(
    [
        "deno",
        "python",
        "function",
        "container",
        "inline",
        "code",
        "httpRef",
        "url",
        "functionRef",
        "configMapRef",
        "name",
        "parameters",
        "map",
        "image",
        "secureParameters",
        "secret",
        "cmdParameters",
        "retries",
        "timeout",
        "volumeMounts",
        "ttlSecondsAfterFinished",
        "serviceAccount",
        "imagePullSecrets",
    ]
)
specs = st.recursive(values, lambda inner: st.dictionaries(keys, inner, max_size=4) | st.lists(inner, max_size=2))


@given(spec=specs, version=st.sampled_from(VERSIONS))
def test_whatever_is_written_gets_an_answer_in_whole_sentences(spec: Any, version: str) -> None:
    for problem in problems(spec, version=version, name="check"):
        assert isinstance(problem, Problem)
        assert problem.field.split(".")[0] in ("spec", "metadata")
        assert problem.message


@pytest.mark.parametrize("case", [case for case in CASES if case.cel], ids=lambda case: case.id)
def test_whatever_the_schema_refuses_is_refused_here_in_words_as_good(case: Case) -> None:
    told = [f"{problem.field} {problem.message}" for problem in problems(case.spec, version=case.version)]
    assert any(said.startswith(case.field) and case.words in said for said in told)


def documented() -> list[tuple[str, Json]]:
    """Every definition in Keptn's documentation that is YAML of a version that exists, as it stands there."""
    listed = []
    for path in sorted((Path(__file__).parents[2] / "e2e" / "seeds").glob("*.yaml")):
        try:
            objects = list(yaml.safe_load_all(path.read_text()))
        except yaml.YAMLError:
            continue  # a synopsis
        for each in objects:
            if each["kind"] == "KeptnTaskDefinition" and "?" not in each["apiVersion"]:
                listed.append((path.stem, each))
    return listed


PLACEHOLDER = "1-keptn-task-definition-3"


def test_the_documented_definitions_are_all_there() -> None:
    assert len(documented()) == 13
    assert PLACEHOLDER in dict(documented())


@pytest.mark.parametrize(("title", "definition"), documented(), ids=[title for title, _ in documented()])
def test_a_documented_definition_is_accepted_but_for_its_placeholder(title: str, definition: Json) -> None:
    version = definition["apiVersion"].rpartition("/")[2]
    listed = problems(definition["spec"], version=version, name=definition["metadata"]["name"])
    if title == PLACEHOLDER:
        assert listed == [
            Problem(
                "spec.function.httpRef.url",
                "'<url>' is a placeholder; write http:// or https://, a host and a path, such as https://example.com/check.ts",
            )
        ]
    else:
        assert listed == []
