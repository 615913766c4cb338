from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

from app.api.meta import Model
from app.api.rules import Rule
from app.api.schema import Ruled, Schema, of_model, without


class Leaf(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = (Rule("self.size > 0", "size is 0: write 1", "'said'", with_old=True),)

    size: Annotated[Annotated[int, Schema(format="int32")], Schema(default=True)] = 3
    quiet: bool = False


class Tree(Model):
    root_name: str
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()
    words: Annotated[tuple[str, ...], Schema(max_items=4)] = ()
    levels: dict[str, dict[str, Annotated[str, Schema(max_length=9)]]] | None = Field(default=None, alias="levelIDs")
    anything: Annotated[dict[str, Any] | None, Schema(verbatim={"type": "object", "properties": {"a": {}}})] = None


def test_types_and_names_are_those_of_the_json() -> None:
    schema = of_model(Tree)
    assert schema["type"] == "object"
    assert schema["required"] == ["rootName"]
    assert schema["properties"]["rootName"] == {"type": "string"}
    assert schema["properties"]["words"] == {"type": "array", "items": {"type": "string"}, "maxItems": 4}
    assert schema["properties"]["levelIDs"] == {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 9}},
    }
    assert schema["properties"]["anything"] == {"type": "object", "properties": {"a": {}}}


def test_only_a_marked_default_is_published() -> None:
    leaf = of_model(Leaf)
    assert leaf["properties"] == {
        "size": {"type": "integer", "format": "int32", "default": 3},
        "quiet": {"type": "boolean"},
    }


def test_rules_stand_wherever_the_model_is_used() -> None:
    rule = {
        "rule": "self.size > 0",
        "message": "size is 0: write 1",
        "messageExpression": "'said'",
        "optionalOldSelf": True,
    }
    properties = of_model(Tree)["properties"]
    assert properties["leaf"]["x-kubernetes-validations"] == [rule]
    assert properties["leaves"]["items"]["x-kubernetes-validations"] == [rule]


def test_a_path_left_out_is_gone_and_the_rest_is_kept() -> None:
    schema = of_model(Tree)
    less = without(schema, frozenset({"words", "leaf.quiet"}))
    assert "words" not in less["properties"]
    assert set(less["properties"]["leaf"]["properties"]) == {"size"}
    assert set(schema["properties"]["leaf"]["properties"]) == {"size", "quiet"}


@pytest.mark.parametrize("path", ["wrods", "leaf.size.x", "leaf.nothing"])
def test_leaving_out_what_is_not_there_is_a_mistake(path: str) -> None:
    with pytest.raises(KeyError):
        without(of_model(Tree), frozenset({path}))
