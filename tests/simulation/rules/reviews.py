"""What the webhook may answer: it denies no pod, and asks for our gate and our label and nothing else."""

import base64

import orjson

from app.admission.app import MUTATE_POD
from app.api import wellknown
from app.cluster.api import Json

_GATE = {"name": wellknown.GATE}
_LABEL = f"/metadata/labels/{wellknown.LABEL.replace('/', '~1')}"


def faults(path: str, review: bytes, answer: bytes, opted_in: set[str]) -> list[tuple[str, str]]:
    """The rules that an answer breaks, and how. `opted_in` are the namespaces that ever were."""
    asked, said = orjson.loads(review)["request"], orjson.loads(answer)["response"]
    body = asked["object"]
    found = []
    if not said["allowed"]:
        found.append(("I6", f"the webhook denied {path}: {said.get('status')}"))
    if path != MUTATE_POD:
        return found
    if asked["namespace"] not in opted_in:
        found.append(("I6", f"a pod of namespace {asked['namespace']} was sent, and it did not opt in"))
    operations = orjson.loads(base64.b64decode(said["patch"])) if said.get("patch") else []
    foreign = [each for each in operations if not _is_ours(each, body)]
    if foreign:
        found.append(("I4", f"the webhook asks for more than our gate and label: {foreign}"))
    if said["uid"] != asked["uid"]:
        found.append(("I4", f"the webhook answers {said['uid']}, and was asked {asked['uid']}"))
    return found


def _is_ours(operation: Json, pod: Json) -> bool:
    """Whether it adds ours and leaves what is there: whole fields only where there are none."""
    path, value = operation["path"], operation.get("value")
    if operation["op"] != "add":
        return False
    if path == "/spec/schedulingGates":
        return value == [_GATE] and not pod["spec"].get("schedulingGates")
    if path == "/spec/schedulingGates/-":
        return bool(value == _GATE)
    if path == "/metadata/labels":
        return value == {wellknown.LABEL: wellknown.LABEL_HELD} and not pod["metadata"].get("labels")
    return bool(path == _LABEL and value == wellknown.LABEL_HELD)
