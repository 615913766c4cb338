"""The installation's KeptnConfig, set for a test and gone after it."""

import json
import time
from typing import Any

from tests.e2e import dump
from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import SECONDS, Kube, NotInTime
from tests.e2e.kube.resources import Json

NAME = "e2e"
# Users' scripts wait for it, and so do these tests.
LINE = "reconciling Keptn Config"


def manifest(name: str = NAME, **spec: Any) -> Json:
    return {
        "apiVersion": "options.keptn.sh/v1alpha1",
        "kind": "KeptnConfig",
        "metadata": {"name": name},
        "spec": spec,
    }


class KeptnConfig:
    """Not for two tests at once: an installation has one. Nobody else may have made one there."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def set(self, **spec: Any) -> None:
        """Says just this from now on; returns when the worker has read it."""
        there = [item["metadata"]["name"] for item in self._kube.all("KeptnConfig", INSTALLATION)]
        assert there in ([], [NAME]), f"KeptnConfig {there} in {INSTALLATION} would be in the way: delete it"
        if there:
            blank = dict.fromkeys(self._kube.get("KeptnConfig", INSTALLATION, NAME).get("spec") or {})
            answer = self._kube.patch("KeptnConfig", INSTALLATION, NAME, {"spec": blank | spec})
        else:
            answer = self._kube.create(manifest(**spec), INSTALLATION)
        self._read(answer.body["metadata"]["resourceVersion"])

    def delete(self) -> None:
        """The defaults count again. The worker says nothing of that; whoever waits for it sees what it does."""
        self._kube.delete("KeptnConfig", INSTALLATION, NAME)

    def _read(self, version: str) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if any(line.get("resourceVersion") == version for line in lines(self._kube)):
                return
            time.sleep(0.2)
        raise NotInTime(f"the worker has not read KeptnConfig {INSTALLATION}/{NAME} at version {version}")


def lines(kube: Kube) -> list[Json]:
    """What the worker's log says of KeptnConfigs that it has read."""
    return [json.loads(line) for line in dump.logs(kube, "worker", containing=LINE) if line.startswith("{")]
