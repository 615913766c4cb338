"""What a person would look at first when a test has failed."""

from collections.abc import Callable, Iterator

from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.resources import Json
from tests.e2e.looks import condition, gates

INSTALLATION = "keptn-system"


def namespace(kube: Kube, name: str) -> str:
    """Workloads, pods, tasks, versions and events of a namespace, and the worker's last words."""
    parts = [
        *_section("Deployments", kube, "Deployment", name, _deployment),
        *_section("Pods", kube, "Pod", name, _pod),
        *_section("Jobs", kube, "Job", name, lambda job: str(job.get("status"))),
        *_section("KeptnWorkloadVersions", kube, "KeptnWorkloadVersion", name, lambda thing: str(thing.get("status"))),
        *_section("KeptnTasks", kube, "KeptnTask", name, lambda thing: str(thing.get("status"))),
        *_events(kube, name),
        *logs(kube, "worker", 30, name),
    ]
    return "\n".join(parts)


def logs(kube: Kube, component: str, lines: int = 5000, containing: str = "") -> Iterator[str]:
    """The last log lines of the pods of one part of Holdfast, those with `containing` only."""
    for pod in kube.all("Pod", INSTALLATION, labels=f"app.kubernetes.io/component={component}"):
        name = pod["metadata"]["name"]
        yield f"--- log of {name}"
        try:
            text = kube.text(f"/api/v1/namespaces/{INSTALLATION}/pods/{name}/log", tailLines="5000")
        except Refused as error:
            text = str(error)
        yield from [line for line in text.splitlines() if containing in line][-lines:]


def _section(title: str, kube: Kube, kind: str, name: str, describe: Callable[[Json], str]) -> Iterator[str]:
    yield f"--- {title}"
    try:
        for item in kube.all(kind, name):
            yield f"{item['metadata']['name']}: {describe(item)}"
    except Refused as error:
        yield str(error)


def _deployment(item: Json) -> str:
    return str(condition(item, "Progressing"))


def _pod(pod: Json) -> str:
    state = pod.get("status", {})
    containers = [status.get("state") for status in state.get("containerStatuses") or []]
    return f"{state.get('phase')} gates={gates(pod)} {containers}"


def _events(kube: Kube, name: str) -> Iterator[str]:
    yield "--- Events"
    for event in kube.all("Event", name)[-40:]:
        about = event["involvedObject"]
        yield f"{about['kind']} {about['name']}: {event['type']} {event['reason']}: {event['message']}"
