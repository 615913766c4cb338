import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.task import TaskContext
from app.lifecycle import gojson

CONTEXT = TaskContext(
    workload_name="waiter-waiter",
    app_name="waiter",
    workload_version="0.4",
    task_type="pre",
    object_type="Workload",
)


def test_the_context_is_keptns_to_the_letter() -> None:
    assert gojson.context(CONTEXT) == (
        '{"workloadName":"waiter-waiter","appName":"waiter","appVersion":"","workloadVersion":"0.4",'
        '"taskType":"pre","objectType":"Workload"}'
    )


def test_metadata_comes_last_in_order_of_its_keys() -> None:
    with_metadata = CONTEXT.model_copy(update={"metadata": {"stage": "dev", "commit": "1a2b"}})
    assert gojson.context(with_metadata).endswith('"objectType":"Workload","metadata":{"commit":"1a2b","stage":"dev"}}')


def test_parameters_are_sorted_and_compact() -> None:
    text = gojson.parameters({"user": "myuser", "data": "mydata", "other": "data"})
    assert text == '{"data":"mydata","other":"data","user":"myuser"}'


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<b>&</b>", r"\u003cb\u003e\u0026\u003c/b\u003e"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("a/b 'c'", "a/b 'c'"),
        ('"\\', r"\"\\"),
        ("\n\r\t\b\f", r"\n\r\t\b\f"),
        ("\x00\x1f\x7f", "\\u0000\\u001f\x7f"),
        ("größe 🚀", "größe 🚀"),
    ],
)
def test_characters_are_escaped_as_go_does(text: str, escaped: str) -> None:
    assert gojson.compact(text) == f'"{escaped}"'


@given(st.dictionaries(st.text(), st.text()))
def test_whatever_is_written_reads_as_it_was(values: dict[str, str]) -> None:
    text = gojson.parameters(values)
    assert json.loads(text) == values
    assert list(json.loads(text)) == sorted(values)
    assert not set(text) & set("<>&\u2028\u2029")
