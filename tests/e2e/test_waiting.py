"""What a check lacks is said within seconds, and the check starts by itself when it is there."""

from functools import partial

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition

DENO: Json = {"inline": {"code": "console.log(1)"}}


def _lacks(eyes: Eyes, definition: str, what: str) -> Json:
    """The task of a definition, once it says that it lacks `what`: no later than a person would look."""
    return eyes.task(
        definition,
        done=lambda task: what in task.get("status", {}).get("message", "") and task["status"].get("reason"),
        seconds=10,
    )


def _says(words: str, event: Json) -> bool:
    return words in event["message"]


def test_a_missing_definition_holds_the_pods_until_it_appears(kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    (pod,) = eyes.held("waiter")
    for kind, name in (("Deployment", "waiter"), ("Pod", pod["metadata"]["name"])):
        eyes.event(kind, name, lambda event: "KeptnTaskDefinition later" in event["message"], "what it waits for")
    version = kube.get("KeptnWorkloadVersion", eyes.namespace, "waiter-waiter-1.0")
    assert version["status"]["preDeploymentStatus"] == "Pending"
    assert kube.all("KeptnTask", eyes.namespace) == []
    kube.create(manifests.container("later", "exit 0"), eyes.namespace)
    (same,) = eyes.released("waiter", seconds=10)
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]


def test_one_of_two_definitions_missing_holds_the_pods_though_the_other_passes(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace, manifests.container("there", "exit 0"), manifests.deployment("waiter", "there,later")
    )
    eyes.passed("there")
    assert len(eyes.held("waiter")) == 1
    kube.create(manifests.container("later", "exit 0"), eyes.namespace)
    eyes.released("waiter")
    assert len(eyes.tasks("there")) == 1


def test_a_missing_config_map_holds_the_pods_until_it_appears(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.definition("check", "deno", {"configMapRef": {"name": "code"}}),
        manifests.deployment("waiter", "check"),
    )
    _lacks(eyes, "check", "code")
    assert len(eyes.held("waiter")) == 1
    kube.create(manifests.config_map("code", {"code": "console.log(1)"}), eyes.namespace)
    eyes.released("waiter", seconds=15)


def test_a_config_map_without_the_script_is_named_until_it_has_one(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.config_map("code", {"script.ts": "console.log(1)"}),
        manifests.definition("check", "deno", {"configMapRef": {"name": "code"}}),
        manifests.deployment("waiter", "check"),
    )
    task = _lacks(eyes, "check", "'code'")
    assert task["status"]["reason"] == "ConfigMapWithoutCode"
    assert len(eyes.held("waiter")) == 1
    kube.patch("ConfigMap", eyes.namespace, "code", {"data": {"code": "console.log(1)"}})
    eyes.released("waiter", seconds=15)


def test_a_missing_parent_holds_the_pods_until_it_appears(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.definition("check", "deno", {"functionRef": {"name": "base"}}),
        manifests.deployment("waiter", "check"),
    )
    _lacks(eyes, "check", "base")
    assert len(eyes.held("waiter")) == 1
    kube.create(manifests.definition("base", "deno", DENO), eyes.namespace)
    eyes.released("waiter", seconds=15)


def test_a_missing_secret_or_key_shows_in_the_tasks_status_and_heals(kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.secret("without-key", OTHER="x"), eyes.namespace)
    lacking = {"no-secret": "no-secret", "without-key": "SECURE_DATA"}
    for name in lacking:
        check = manifests.definition(name, "deno", DENO | manifests.inputs(secret=name))
        kube.create_all(eyes.namespace, check, manifests.deployment(name, name))
    for name, what in lacking.items():
        task = _lacks(eyes, name, what)
        assert task["status"]["reason"] == "CreateContainerConfigError"
        eyes.event("Deployment", name, partial(_says, what), "what the check lacks")
        assert len(eyes.held(name)) == 1
    kube.create(manifests.secret("no-secret", SECURE_DATA="x"), eyes.namespace)
    kube.patch("Secret", eyes.namespace, "without-key", {"stringData": {"SECURE_DATA": "x"}})
    for name in lacking:
        # The kubelet looks again only every ten seconds or so.
        task = eyes.passed(name, seconds=45)
        assert not task["status"].get("reason")
        eyes.released(name)


def test_an_image_that_is_not_there_shows_in_the_tasks_status(kube: Kube, eyes: Eyes) -> None:
    check = manifests.container("check", "exit 0", of={"image": "holdfast.invalid/no-such-image:1"})
    kube.create_all(eyes.namespace, check, manifests.deployment("waiter", "check"))
    task = _lacks(eyes, "check", "no-such-image")
    assert task["status"]["reason"] in ("ErrImagePull", "ImagePullBackOff")
    assert len(eyes.held("waiter")) == 1


def test_what_is_missing_can_be_read_in_the_rollouts_own_status(kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    found = kube.until_one(
        "Deployment",
        eyes.namespace,
        "waiter",
        lambda deployment: "later" in condition(deployment, "Progressing").get("message", ""),
        "its condition names the missing definition",
        seconds=20,
    )
    assert condition(found, "Progressing")["status"] == "True"
