"""Prometheus' text format, version 0.0.4, and the labels that Keptn's metrics have (keptn-behaviour 6.1).

Written here rather than by prometheus-client, which takes 150 ms at a stretch for what a thousand finished tasks have
to say, in the loop that opens gates. The tests read it with prometheus-client.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# What Keptn's meter is called; its exporter says so in each sample.
_SCOPE: Final = {"otel_scope_name": "keptn/task"}
_PREFIX: Final = "keptn_deployment_"
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all of its samples, each a line without its end."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    lines: Iterable[str]

    @property
    def head(self) -> str:
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.type}\n"


def labels(values: Mapping[str, str]) -> str:
    """``{name="value",...}``."""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in values.items()) + "}"


def keptn(**values: str) -> str:
    """The same with the prefix that all of Keptn's labels have, and its meter's name."""
    return labels({f"{_PREFIX}{name}": value for name, value in values.items()} | _SCOPE)


def number(value: float) -> str:
    """As Go writes it: a whole number without a point."""
    return str(int(value)) if value == int(value) else repr(value)
