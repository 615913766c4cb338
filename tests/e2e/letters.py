"""What Keptn's users apply, as they write it, and what they look for afterwards, as their automation looks for it.

The manifests are files in `letters/`. What is looked for is YAML too: an object of an exact name that has at least
these fields, whatever else it has.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.kube.client import Kube, NotInTime
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes
from tests.e2e.namespaces import OPTED_IN, Namespaces

FOLDER = Path(__file__).parent / "letters"
PATIENCE = 120.0  # many at once


def text(file: str) -> str:
    return (FOLDER / f"{file}.yaml").read_text()


def missing(wanted: Any, found: Any, where: str = "") -> Iterator[str]:
    """What of `wanted` is not so in `found`. A map may have more keys, a list no more elements."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            yield from missing(value, found.get(key), f"{where}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from missing(one, other, f"{where}[{number}]")
    elif wanted != found:
        yield f"{where} is {found!r}, not {wanted!r}"


class Letter(Eyes):
    """One namespace with what a user has applied to it."""

    def __init__(self, kube: Kube, kubectl: Kubectl, namespace: str) -> None:
        super().__init__(kube, namespace)
        self._kubectl = kubectl

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints, in this namespace."""
        return self._kubectl("-n", self.namespace, *arguments, stdin=stdin).out

    def refused(self, manifest: str) -> str:
        """What kubectl says of a manifest that it is to refuse."""
        result = self._kubectl.try_("-n", self.namespace, "apply", "-f", "-", stdin=manifest)
        assert result.code != 0, f"it was accepted:\n{manifest}"
        return result.err

    def apply(self, *files: str) -> None:
        """All in one `kubectl apply`, in that order."""
        self.apply_text("---\n".join(text(file) for file in files))

    def apply_text(self, manifest: str) -> None:
        self.kubectl("apply", "-f", "-", stdin=manifest)

    def get(self, kind: str, name: str) -> Json:
        return self.kube.get(kind, self.namespace, name)

    def has(self, kind: str, name: str, wanted: str, *, seconds: float = PATIENCE) -> Json:
        """The object of that name once it has at least what this YAML says."""
        fields = yaml.safe_load(wanted)
        try:
            return self.kube.until_one(
                kind, self.namespace, name, lambda found: not any(missing(fields, found)), "", seconds=seconds
            )
        except NotInTime:
            found = self.kube.find(kind, self.namespace, name)
            there = [each["metadata"]["name"] for each in self.kube.all(kind, self.namespace)]
            what = "; ".join(missing(fields, found)) if found else f"there is none; there are {there}"
            raise NotInTime(f"{kind} {self.namespace}/{name} after {seconds:g} s: {what}") from None

    def job(self, task: Json) -> Json:
        """A KeptnTask's Job, found as automation finds it: by the annotation with the task's name."""
        name = task["metadata"]["name"]
        jobs = self.kube.all("Job", self.namespace)
        (job,) = [each for each in jobs if each["metadata"]["annotations"].get("keptn.sh/task-name") == name]
        return job

    def job_of(self, prefix: str) -> Json:
        """The one Job whose name begins like that, as soon as it is there."""

        def look(jobs: list[Json]) -> Json | None:
            return next((each for each in jobs if each["metadata"]["name"].startswith(prefix)), None)

        return self.kube.until("Job", self.namespace, look, f"a Job {prefix}...", seconds=PATIENCE)


class Letters:
    """Namespaces by what was applied to them, all made before anybody looks."""

    def __init__(self, kube: Kube, kubectl: Kubectl, namespaces: Namespaces) -> None:
        self._kube = kube
        self._kubectl = kubectl
        self._namespaces = namespaces
        self._made: dict[str, Letter] = {}

    def __getitem__(self, name: str) -> Letter:
        return self._made[name]

    def new(self, name: str, *files: str, annotations: dict[str, str] | None = None, **labels: str) -> Letter:
        """A namespace, opted in unless `annotations` say otherwise, with these files applied."""
        wanted = OPTED_IN if annotations is None else annotations
        made = Letter(
            self._kube, self._kubectl, self._namespaces.new(f"letter-{name}", annotations=wanted, labels=labels)
        )
        self._made[name] = made
        if files:
            made.apply(*files)
        return made

    def delete(self) -> None:
        for made in self._made.values():
            self._namespaces.delete(made.namespace)
