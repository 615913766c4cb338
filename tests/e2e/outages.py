"""Parts of Holdfast taken away for a while, and put back."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json

WORKER = "lifecycle-operator"
WEBHOOK = "lifecycle-operator-webhook"


@contextmanager
def without(kube: Kube, part: str) -> Iterator[None]:
    """None of that Deployment's pods are there inside the block; all of them are ready after it."""
    deployment = kube.get("Deployment", INSTALLATION, part)
    replicas: int = deployment["spec"]["replicas"]
    labels = ",".join(f"{key}={value}" for key, value in deployment["spec"]["selector"]["matchLabels"].items())
    try:
        _scale(kube, part, 0)
        kube.until("Pod", INSTALLATION, lambda pods: not pods, f"no pod of {part} is left", labels=labels)
        yield
    finally:
        _scale(kube, part, replicas)
        kube.until_one("Deployment", INSTALLATION, part, lambda d: _complete(d, replicas), "it is back")


def _scale(kube: Kube, part: str, replicas: int) -> None:
    kube.patch("Deployment", INSTALLATION, part, {"spec": {"replicas": replicas}})


def _complete(deployment: Json, replicas: int) -> bool:
    return bool(deployment["status"].get("readyReplicas", 0) == replicas)
