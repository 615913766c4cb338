"""The chart, rendered by helm and read back. Needs the helm program, and no cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from helm import render

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects that the chart renders to."""

    objects: tuple[Json, ...]

    def all(self, kind: str) -> list[Json]:
        return [item for item in self.objects if item["kind"] == kind]

    def one(self, kind: str, name: str) -> Json:
        (found,) = (item for item in self.all(kind) if item["metadata"]["name"] == name)
        return found

    def pods(self) -> Iterator[tuple[Json, Json]]:
        """Each Deployment's pod spec with its only container."""
        for deployment in self.all("Deployment"):
            spec = deployment["spec"]["template"]["spec"]
            (container,) = spec["containers"]
            yield spec, container

    def environment(self, deployment: str) -> dict[str, str]:
        (container,) = self.one("Deployment", deployment)["spec"]["template"]["spec"]["containers"]
        return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def rendered_with(*options: str) -> Rendered:
    """With these options of `helm template`. Raises RenderError with helm's complaint."""
    return Rendered(tuple(item for item in yaml.load_all(render.template(*options), yaml.CSafeLoader) if item))


@pytest.fixture(scope="session")
def chart() -> Rendered:
    """With all values at their defaults."""
    return rendered_with()
