"""Samples of a Prometheus text page, as far as an API server's counters and histograms need it."""

import re
from collections.abc import Iterator

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+\d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def total(page: str, name: str, /, **labels: str) -> float:
    """The sum of all samples called `name` that carry `labels`, 0 if there is none."""
    return sum(value for found, value in samples(page, name) if labels.items() <= found.items())


def samples(page: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of each sample called `name`."""
    for line in page.splitlines():
        if not line.startswith(name):
            continue
        match = _SAMPLE.fullmatch(line)
        if match and match["name"] == name:
            yield dict(_LABEL.findall(match["labels"] or "")), float(match["value"])
