import copy
from typing import Any

import pytest

from app.api.conversion.paths import MISSING, at, drop, put

OBJ: dict[str, Any] = {"a": {"b": {"c": 1}, "n": None}, "s": "text"}


@pytest.mark.parametrize(
    ("path", "value"), [("a.b.c", 1), ("a.n", None), ("s", "text"), ("x", MISSING), ("a.x", MISSING), ("s.x", MISSING)]
)
def test_what_is_at_a_path(path: str, value: Any) -> None:
    assert at(OBJ, path) is value


def test_put_and_drop_leave_what_they_were_given() -> None:
    before = copy.deepcopy(OBJ)
    assert put(OBJ, "a.b.d", 2) == {"a": {"b": {"c": 1, "d": 2}, "n": None}, "s": "text"}
    assert drop(OBJ, "a.b.c") == {"a": {"b": {}, "n": None}, "s": "text"}
    assert before == OBJ


@pytest.mark.parametrize("path", ["x.y", "s.y", "a.n.y"])
def test_nothing_is_made_to_put_something_into(path: str) -> None:
    assert put(OBJ, path, 1) == OBJ
    assert drop(OBJ, path) == OBJ
