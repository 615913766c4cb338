"""Holdfast's worker, restarted and killed."""

from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json

LEASE = "6b866dd9.keptn.sh"
_LABELS = "app.kubernetes.io/component=worker"


def pods(kube: Kube) -> list[Json]:
    return kube.all("Pod", INSTALLATION, labels=_LABELS)


def leader(kube: Kube) -> Json:
    """The pod that leads now."""
    holder = kube.get("Lease", INSTALLATION, LEASE)["spec"]["holderIdentity"]
    return next(pod for pod in pods(kube) if holder.startswith(pod["metadata"]["name"]))


def restart(kube: Kube) -> None:
    """Ends all worker pods; returns when their successors are ready and one of them leads."""
    old = {pod["metadata"]["name"] for pod in pods(kube)}
    for name in old:
        kube.delete("Pod", INSTALLATION, name)
    all_ready(kube, without=old)


def kill_leader(kube: Kube) -> str:
    """Ends the leading pod without the time to say goodbye; returns its name."""
    name: str = leader(kube)["metadata"]["name"]
    kube.delete("Pod", INSTALLATION, name, gracePeriodSeconds=0)
    return name


def all_ready(kube: Kube, without: set[str]) -> None:
    """Waits until the worker is complete and led by a pod other than those."""

    def complete(found: list[Json]) -> bool:
        names = {pod["metadata"]["name"] for pod in found}
        return not names & without and len(found) > 0 and all(_is_ready(pod) for pod in found)

    kube.until("Pod", INSTALLATION, complete, "new worker pods are ready", labels=_LABELS)
    kube.until_one(
        "Lease",
        INSTALLATION,
        LEASE,
        lambda lease: any(
            (lease["spec"].get("holderIdentity") or "").startswith(pod["metadata"]["name"]) for pod in pods(kube)
        ),
        "a new worker pod leads",
    )


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
