"""What an objective of an evaluation asks of its metric, and under which name its result stands in the status."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.api.evaluation import Objective

# Longer ones first: `>=` begins like `>`.
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": lambda value, bound: value >= bound,
    "<=": lambda value, bound: value <= bound,
    "==": lambda value, bound: value == bound,
    ">": lambda value, bound: value > bound,
    "<": lambda value, bound: value < bound,
}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_ADVICE: Final = 'write an operator and a number, such as ">10", "<=0.05" or "==0"'
# Of texts that others wrote, so much goes into a message.
_SHOWN: Final = 100


class TargetError(ValueError):
    """An evaluationTarget that cannot be read; the message says what to write."""


class ValueProblem(ValueError):
    """A metric's value that cannot be compared; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a value is compared with."""

    operator: str
    bound: float

    def is_met_by(self, value: float) -> bool:
        return _OPERATORS[self.operator](value, self.bound)


def target(text: str) -> Target:
    """The target that `text` stands for. Raises TargetError.

    Keptn takes `>` and `<`, both strict, before a number (keptn-behaviour 3.11) and gives up on anything else. `>=`,
    `<=` and `==` are read here as well, and spaces do not count. A range is two objectives on the same metric.
    """
    stripped = text.strip()
    operator = next((each for each in _OPERATORS if stripped.startswith(each)), "")
    number = stripped[len(operator) :].strip()
    if operator and _INFINITE.fullmatch(number):
        return Target(operator, float(number))  # Go reads it, so that some may have written it for "anything"
    if not operator or not _NUMBER.fullmatch(number):
        raise TargetError(f"evaluationTarget {_quoted(text)} cannot be read; {_ADVICE}; for a range, two objectives")
    bound = float(number)
    if not math.isfinite(bound):
        raise TargetError(f"evaluationTarget {_quoted(text)} is larger than any number can be; {_ADVICE}")
    return Target(operator, bound)


def number(text: str) -> float:
    """The metric's value as a number. Raises ValueProblem: what is no finite number meets no target."""
    stripped = text.strip()
    if not stripped:
        raise ValueProblem("the metric has no value")
    if _NUMBER.fullmatch(stripped) and math.isfinite(value := float(stripped)):
        return value
    raise ValueProblem(
        f"value {_quoted(text)} is not a finite number; let the query say what counts when there is no data, "
        'for example with "or vector(0)"'
    )


def judge(value: str, objective: Objective) -> tuple[bool, str]:
    """Whether the metric's value meets the objective, and a message with both that says so."""
    try:
        wanted = target(objective.evaluation_target)
        met = wanted.is_met_by(number(value))
    except (TargetError, ValueProblem) as error:
        return False, str(error)
    word = "met" if met else "did not meet"
    return met, f"value {_quoted(value)} {word} objective {_quoted(objective.evaluation_target)}"


def keys(objectives: Sequence[Objective]) -> list[str]:
    """One name for each objective, in order, no two alike: what `status.evaluationStatus` is keyed by.

    It is the metric's name, as in Keptn, where that says which objective is meant. Objectives on metrics of the same
    name (Keptn lets the last one win) are told apart by namespace, by target, or, where nothing differs, by number.
    """
    named = [each.keptn_metric_ref.name or f"objective {at}" for at, each in enumerate(objectives, 1)]
    shared = _shared(named)
    placed = [
        f"{each.keptn_metric_ref.namespace}/{name}" if name in shared and each.keptn_metric_ref.namespace else name
        for name, each in zip(named, objectives, strict=True)
    ]
    shared = _shared(placed)
    aimed = [
        f"{name} {each.evaluation_target.strip()}" if name in shared else name
        for name, each in zip(placed, objectives, strict=True)
    ]
    taken: set[str] = set()
    result = []
    for name in aimed:
        number, key = 1, name
        while key in taken:
            number += 1
            key = f"{name} #{number}"
        taken.add(key)
        result.append(key)
    return result


def _shared(names: Sequence[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def _quoted(text: str) -> str:
    return f"'{text if len(text) <= _SHOWN else text[:_SHOWN] + '...'}'"
