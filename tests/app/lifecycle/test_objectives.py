import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.evaluation import MetricRef, Objective
from app.lifecycle.objectives import Target, TargetError, ValueProblem, judge, keys, number, target


def objective(target: str = ">0", metric: str = "latency", namespace: str = "") -> Objective:
    return Objective(keptn_metric_ref=MetricRef(name=metric, namespace=namespace), evaluation_target=target)


class TestTargets:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (">4", Target(">", 4)),
            ("<20", Target("<", 20)),
            ("<0.01", Target("<", 0.01)),
            (">=1e3", Target(">=", 1000)),
            ("<=-2.5", Target("<=", -2.5)),
            ("==0", Target("==", 0)),
            (" > 5 ", Target(">", 5)),
            (">.5", Target(">", 0.5)),
            (">+1", Target(">", 1)),
            ("<+Inf", Target("<", math.inf)),
            (">-infinity", Target(">", -math.inf)),
        ],
    )
    def test_are_an_operator_and_a_number(self, text: str, expected: Target) -> None:
        assert target(text) == expected

    @pytest.mark.parametrize(
        "text",
        ["", " ", ">", "5", "=5", "=>5", "!=5", "<>5", ">>5", "5<", "1-10", "[1,10]", ">5 <10", ">abc", "<nan",
         ">1_000", ">0x10", ">1e999", ">1,5"],
    )  # fmt: skip
    def test_of_any_other_form_are_errors_that_say_what_to_write(self, text: str) -> None:
        with pytest.raises(TargetError, match="write an operator and a number"):
            target(text)

    def test_of_any_length_make_a_message_that_can_be_read(self) -> None:
        with pytest.raises(TargetError) as error:
            target("x" * 100_000)
        assert len(str(error.value)) < 400

    @pytest.mark.parametrize(
        ("operator", "met"),
        [(">", (0, 0, 1)), ("<", (1, 0, 0)), (">=", (0, 1, 1)), ("<=", (1, 1, 0)), ("==", (0, 1, 0))],
    )
    def test_are_met_below_at_and_above_their_bound(self, operator: str, met: tuple[int, int, int]) -> None:
        assert tuple(int(Target(operator, 10).is_met_by(value)) for value in (9.999, 10.0, 10.001)) == met


class TestValues:
    @pytest.mark.parametrize(("text", "value"), [("7", 7), ("0.25", 0.25), ("1.5e+06", 1.5e6), ("-3", -3), (" 7\n", 7)])
    def test_are_numbers(self, text: str, value: float) -> None:
        assert number(text) == value

    @pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf", "inf", "1e400", "seven", "1_0", "7ms", "0x7"])
    def test_that_are_no_finite_number_are_problems(self, text: str) -> None:
        with pytest.raises(ValueProblem, match="is not a finite number"):
            number(text)

    @pytest.mark.parametrize("text", ["", "  "])
    def test_that_are_empty_are_problems(self, text: str) -> None:
        with pytest.raises(ValueProblem, match="no value"):
            number(text)

    @pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf", ""])
    @pytest.mark.parametrize("wanted", [">0", "<0", ">=0", "<=0", "==0"])
    def test_that_are_none_meet_no_target(self, text: str, wanted: str) -> None:
        assert not judge(text, objective(wanted))[0]


class TestJudging:
    @pytest.mark.parametrize(
        ("value", "wanted", "met", "message"),
        [
            ("11", ">10", True, "value '11' met objective '>10'"),
            ("9", ">10", False, "value '9' did not meet objective '>10'"),
            ("10", ">10", False, "value '10' did not meet objective '>10'"),
        ],
    )
    def test_says_value_and_target(self, value: str, wanted: str, met: bool, message: str) -> None:
        assert judge(value, objective(wanted)) == (met, message)

    def test_says_what_is_wrong_with_the_target(self) -> None:
        met, message = judge("5", objective("about 5"))
        assert not met
        assert "'about 5' cannot be read" in message

    @given(
        st.floats(allow_nan=False, allow_infinity=False),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([">", "<", ">=", "<=", "=="]),
    )
    def test_is_what_python_says_of_the_two_numbers(self, value: float, bound: float, operator: str) -> None:
        expected = {
            ">": value > bound, "<": value < bound, ">=": value >= bound, "<=": value <= bound, "==": value == bound,
        }  # fmt: skip
        assert judge(repr(value), objective(f"{operator}{bound!r}"))[0] == expected[operator]

    @given(st.text(), st.text())
    def test_takes_any_two_texts(self, value: str, wanted: str) -> None:
        met, message = judge(value, objective(wanted))
        assert message
        assert not met or wanted.strip()[0] in "><="


class TestKeys:
    def test_are_the_metrics_names_where_these_differ(self) -> None:
        assert keys([objective(metric="a"), objective(metric="b", namespace="x")]) == ["a", "b"]

    def test_of_one_metric_in_two_namespaces_say_the_namespace(self) -> None:
        assert keys([objective(namespace="x"), objective(namespace="y"), objective()]) == [
            "x/latency",
            "y/latency",
            "latency",
        ]

    def test_of_a_range_on_one_metric_say_the_target(self) -> None:
        assert keys([objective(">1"), objective("<10"), objective(metric="b")]) == ["latency >1", "latency <10", "b"]

    def test_of_a_range_on_one_metric_of_two_namespaces_say_both(self) -> None:
        of = [objective(">1", namespace="x"), objective("<9", namespace="x"), objective(">1", namespace="y")]
        assert keys(of) == ["x/latency >1", "x/latency <9", "y/latency"]

    def test_of_two_alike_are_numbered(self) -> None:
        assert keys([objective(), objective()]) == ["latency >0", "latency >0 #2"]

    def test_of_objectives_without_a_metric_say_which_one(self) -> None:
        assert keys([objective(metric="a"), objective(metric="")]) == ["a", "objective 2"]

    @given(
        st.lists(
            st.builds(
                objective,
                st.sampled_from([">1", "<1", " >1", "", ">1 #2", "#2"]),
                st.sampled_from(["a", "b", "a >1", "x/a", "a >1 #2", "", "objective 1"]),
                st.sampled_from(["", "x", "y"]),
            ),
            max_size=8,
        )
    )
    def test_are_as_many_as_objectives_and_all_different(self, of: list[Objective]) -> None:
        assert len(set(keys(of))) == len(of)
