"""A page of metrics as a scraper reads it."""

from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from app.telemetry.plain_http import Page


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


async def whole(page: Page) -> bytes:
    """A page that comes in parts."""
    return b"".join([part async for part in page.parts()])


def read(text: bytes) -> dict[str, list[Sample]]:
    """Samples by name. Raises ValueError for what is not Prometheus' text format, or names one sample twice."""
    found: dict[str, list[Sample]] = {}
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = dict(sample.labels)
            key = sample.name, frozenset(labels.items())
            if key in seen:
                raise ValueError(f"{sample.name}{labels} is there twice")
            seen.add(key)
            found.setdefault(sample.name, []).append(Sample(labels, sample.value))
    return found


def types(text: bytes) -> dict[str, str]:
    """What `# TYPE` says of each metric, as it stands."""
    return {words[2]: words[3] for line in text.decode().splitlines() if (words := line.split())[:2] == ["#", "TYPE"]}
