import pytest

from app.lifecycle import resource_names


@pytest.mark.parametrize("name", ["a", "0", "slack-notification", "a.b-c.d1", "x" * 253])
def test_a_name_that_kubernetes_takes_has_no_problem(name: str) -> None:
    assert resource_names.problem(name) == ""


@pytest.mark.parametrize(
    "name", ["", "A", "-a", "a-", "a..b", "a_b", "a/b", "a b", "a.", ".a", "a.-b", "é", "a\n", "x" * 254]
)
def test_any_other_name_has_one(name: str) -> None:
    assert resource_names.problem(name)


def test_a_near_miss_is_shown_put_right() -> None:
    assert resource_names.problem("My Task_1").endswith("for example 'my-task-1'")
    assert "example" not in resource_names.problem("///")


def test_a_placeholder_is_called_one() -> None:
    assert "placeholder" in resource_names.problem("<secret-name>")
