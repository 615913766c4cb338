"""docs/simulation.md says what is so."""

import pytest

from tests.simulation.acts import faults, users
from tests.simulation.telling import docs, report

STORY = """\
   0.355 s  webhook                holds pod web-6f96c4d969-6b5nd, which is just being made: puts gate
                                   keptn-prechecks-gate on it
   0.400 s  worker-1               opens the gate of pod web-6f96c4d969-6b5nd

2 pods were held for up to 2.38 s.
"""


def test_the_story_is_what_the_simulation_tells() -> None:
    assert docs.events(docs.written()) == docs.events(docs.told()), "write it anew: make generate"


def test_times_drawn_names_and_the_order_of_lines_make_no_other_story() -> None:
    other = STORY.replace("6b5nd", "xxxxx").replace("0.355", "1.000").replace("2.38", "2.4")
    first, second, *rest = other.splitlines(keepends=True)
    assert docs.events("".join((rest[0], first, second, *rest[1:]))) == docs.events(STORY)


@pytest.mark.parametrize(
    ("old", "new"), [("opens", "shuts"), ("worker-1", "worker-2"), ("2 pods", "3 pods held: 2 pods"), ("-gate", "")]
)
def test_another_story_is_another(old: str, new: str) -> None:
    assert docs.events(STORY.replace(old, new)) != docs.events(STORY)


def test_every_fault_act_and_rule_is_on_the_page() -> None:
    page = docs.PAGE.read_text()
    for name in (*report.acts(faults), *report.acts(users)):
        assert report.words(name) in page, f"{name} is not told of"
    for rule, words in report.RULES.items():
        assert f"| {rule} | {words} |" in page
