"""The shop of `make demo` in a namespace of its own: as it is written, then mended as the demo says in the end."""

import time

import yaml

from examples.demo.shop import FAILING, FOLDER, NAME_LABEL, NAMESPACE
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl, documents
from tests.e2e.kube.resources import Json
from tests.e2e.looks import is_held, status, was_released


def _text(folder: str, namespace: str) -> str:
    """The YAML of a folder for another namespace, which is there already."""
    bodies = []
    for file in sorted((FOLDER.parent / folder).glob("*.yaml")):
        text = file.read_text().replace(f".{NAMESPACE}.svc", f".{namespace}.svc")
        bodies += [body for body in yaml.safe_load_all(text) if body["kind"] != "Namespace"]
    for body in bodies:
        body["metadata"]["namespace"] = namespace
    return documents(*bodies)


def _has_succeeded(version: Json) -> bool:
    return bool(version["spec"]["appName"] == NAMESPACE and status(version) == "Succeeded")


def test_the_shop_comes_to_its_end_and_the_mended_check_lets_the_last_one_go(
    kube: Kube, namespace: str, kubectl: Kubectl
) -> None:
    said = kubectl.apply(_text("shop", namespace))
    assert "Warning" not in said.err
    version = kube.until(
        "KeptnAppVersion",
        namespace,
        lambda found: next(filter(_has_succeeded, found), None),
        "the application has succeeded",
        seconds=90,
    )
    assert version["status"]["currentPhase"] == "Completed"
    labels = f"{NAME_LABEL}={FAILING}"
    held = kube.all("Pod", namespace, labels=labels)
    assert len(held) == 2
    assert all(is_held(pod) for pod in held)
    kubectl("replace", "-f", "-", stdin=_text("mended", namespace))
    retry = f"keptn.sh/retry={time.time():.0f}"
    kubectl("-n", namespace, "annotate", "deployment", FAILING, "--overwrite", retry)
    kube.until(
        "Pod",
        namespace,
        lambda found: len([pod for pod in found if was_released(pod)]) == 2 or None,
        "the pods whose check is mended are let go",
        labels=labels,
        seconds=60,
    )
