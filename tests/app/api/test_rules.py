import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.api import rules
from app.api.rules import Rule
from app.lifecycle import durations, objectives, resource_names

EVERY = (
    *rules.one_runner("function"),
    *rules.one_runner("deno", "python", "container"),
    *rules.one_runner("deno", "function"),
    *rules.ONE_SOURCE,
    *rules.CODE,
    *rules.URL,
    *rules.named("name"),
    *rules.named("secret", empty=True),
    *rules.DURATION,
    *rules.INTERVAL,
    *rules.UNSIGNED,
    *rules.TARGET,
    *rules.QUERIES_ASK_SOMEBODY,
    *rules.PROVIDER_FOUND,
    *rules.RETRIES,
    *rules.TTL,
    *rules.CONTAINER,
    *rules.SPEC_GIVEN,
)
durationlike = st.lists(
    st.sampled_from(["0", "7", "30", ".", "h", "m", "s", "ms", "us", "µs", "μs", "ns", "d", " ", "-"])
)


def pattern(rule: Rule) -> re.Pattern[str]:
    """The regular expression of the rule's first `matches`."""
    found = re.search(r"matches\('(.*?)'\)", rule.rule)
    assert found is not None
    return re.compile(found[1].replace("\\\\", "\\"))


@given(parts=durationlike)
@example(parts=["0"])
def test_the_rule_for_durations_takes_what_the_parser_takes_but_signs_and_a_bare_zero(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        readable = durations.nanoseconds(text) >= 0
    except durations.DurationError:
        readable = False
    if "-" not in text and text != "0":
        assert bool(pattern(rules.DURATION[0]).search(text)) is readable


@given(parts=durationlike)
@example(parts=["0"])
@example(parts=["-", "7", "s"])
def test_the_rule_for_intervals_takes_all_that_the_parser_takes(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        durations.nanoseconds(text)
    except durations.DurationError:
        readable = False
    else:
        readable = True
    assert bool(pattern(rules.INTERVAL[0]).search(text)) is readable


@given(text=st.text(st.sampled_from("<>=0.5e- x"), max_size=6))
@example(text=" >= 0.5")
def test_the_rule_for_targets_takes_at_least_what_an_evaluation_can_read(text: str) -> None:
    try:
        objectives.target(text)
    except objectives.TargetError:
        return
    assert pattern(rules.TARGET[0]).search(text)


@pytest.mark.parametrize("text", ["", "10", "=<1", "about 5", "<", ">=", "> =1", "!1"])
def test_the_rule_for_targets_refuses_what_has_no_operator_or_nothing_behind_it(text: str) -> None:
    assert not pattern(rules.TARGET[0]).search(text)


@given(text=st.text(st.sampled_from("ab0-.A_ "), max_size=8))
def test_the_rule_for_names_takes_what_the_webhook_takes(text: str) -> None:
    assert bool(pattern(rules.named("name")[0]).search(text)) is (resource_names.problem(text) == "")


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.rule[:40])
def test_every_message_says_what_to_write_in_one_line(rule: Rule) -> None:
    assert "\n" not in rule.rule + rule.message + rule.said
    assert re.search(r": (add|keep|write|name|give|use)|^write|such as|older versions", rule.message), rule.message
