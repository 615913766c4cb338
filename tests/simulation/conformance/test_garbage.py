"""What becomes of objects whose owners go, and of pods that cannot start."""

from app.cluster.api import Json
from app.cluster.resources import CONFIGMAPS, PODS
from tests.simulation.conformance.facts import now, told
from tests.simulation.conformance.servers import Subject
from tests.simulation.conformance.shell import IMAGE


def config_map(name: str, *owners: Json, blocking: bool = False, **changed: str) -> Json:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        | ({"blockOwnerDeletion": True} if blocking else {})
        | changed
        for owner in owners
    ]
    metadata = {"name": name, "ownerReferences": references}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}


async def create(server: Subject, body: Json) -> Json:
    return await server.api.create(CONFIGMAPS, body, server.namespace)


async def there(server: Subject) -> list[str]:
    page = await server.api.list_page(CONFIGMAPS, server.namespace)
    names = [item["metadata"]["name"] for item in page["items"]]
    return [name for name in names if name != "kube-root-ca.crt"]  # which every real namespace gets


async def left(server: Subject, *names: str) -> None:
    """Waits until these are all that is left."""

    async def so() -> bool:
        return await there(server) == list(names)

    await server.until(so)


async def test_a_chain_of_owners_goes_from_its_beginning(server: Subject) -> None:
    first = await create(server, config_map("first"))
    second = await create(server, config_map("second", first))
    await create(server, config_map("third", second))
    since = await now(server, CONFIGMAPS)
    await server.api.delete(CONFIGMAPS, "first", server.namespace)
    seen = await told(server, CONFIGMAPS, since, ("DELETED", "third"))
    gone = [each.object["metadata"]["name"] for each in seen if each.type == "DELETED"]
    assert gone == ["first", "second", "third"]


async def test_the_second_owner_is_enough(server: Subject) -> None:
    first, second = await create(server, config_map("first")), await create(server, config_map("second"))
    await create(server, config_map("child", first, second))
    since = await now(server, CONFIGMAPS)
    await server.api.delete(CONFIGMAPS, "first", server.namespace)
    (*_, last) = await told(server, CONFIGMAPS, since, ("MODIFIED", "child"))
    assert [owner["name"] for owner in last.object["metadata"]["ownerReferences"]] == ["second"]
    await server.api.delete(CONFIGMAPS, "second", server.namespace)
    await left(server)


async def test_an_owner_that_never_was(server: Subject) -> None:
    owner = await create(server, config_map("owner"))
    await create(server, config_map("child", owner, uid="another"))
    await left(server, "owner")


async def test_in_the_foreground_the_owner_goes_last(server: Subject) -> None:
    owner = await create(server, config_map("owner"))
    await create(server, config_map("child", owner, blocking=True))
    since = await now(server, CONFIGMAPS)
    await server.api.delete(CONFIGMAPS, "owner", server.namespace, propagation="Foreground")
    seen = await told(server, CONFIGMAPS, since, ("DELETED", "owner"))
    assert seen[0].object["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert [each.object["metadata"]["name"] for each in seen if each.type == "DELETED"] == ["child", "owner"]


async def test_orphans_stay(server: Subject) -> None:
    owner = await create(server, config_map("owner"))
    await create(server, config_map("child", owner))
    await server.api.delete(CONFIGMAPS, "owner", server.namespace, propagation="Orphan")
    await left(server, "child")
    child = await server.api.get(CONFIGMAPS, "child", server.namespace)
    assert not child["metadata"].get("ownerReferences")


def pod(name: str, image: str = IMAGE, volumes: list[Json] | None = None, **container: object) -> Json:
    main = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", "sleep 100"]}
    mounts = [{"name": each["name"], "mountPath": "/mnt"} for each in volumes or []]
    containers = [main | ({"volumeMounts": mounts} if mounts else {}) | container]
    spec: Json = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": containers}
    about = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
    return {**about, "spec": spec | ({"volumes": volumes} if volumes else {})}


async def test_pods_that_cannot_start_say_why(server: Subject) -> None:
    variable = {"name": "S", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}
    await server.api.create(PODS, pod("secret", env=[variable]), server.namespace)
    await server.api.create(PODS, pod("image", "localhost/there/is:none"), server.namespace)
    volume = {"name": "code", "configMap": {"name": "none"}}
    await server.api.create(PODS, pod("map", volumes=[volume]), server.namespace)

    async def reasons() -> dict[str, str]:
        found = {}
        for name in ("secret", "image", "map"):
            body = await server.api.get(PODS, name, server.namespace)
            for status in body["status"].get("containerStatuses") or ():
                assert body["status"]["phase"] == "Pending"
                found[name] = status["state"]["waiting"]["reason"]
        begun = len(found) == 3 and "ContainerCreating" not in (found["secret"], found["image"])
        return found if begun else {}

    found = await server.until(reasons)
    assert found.pop("image") in ("ErrImagePull", "ImagePullBackOff")
    assert found == {"secret": "CreateContainerConfigError", "map": "ContainerCreating"}
    (status,) = (await server.api.get(PODS, "secret", server.namespace))["status"]["containerStatuses"]
    assert status["state"]["waiting"]["message"] == 'secret "none" not found'
    for name in ("secret", "image", "map"):
        await server.api.delete(PODS, name, server.namespace)


async def test_who_comes_late_to_a_deletion_in_the_foreground_goes_as_well(server: Subject) -> None:
    owner = await create(server, config_map("owner"))
    await create(server, config_map("held", owner, blocking=True))
    held = {"metadata": {"finalizers": ["example.com/mine"]}}
    await server.api.patch(CONFIGMAPS, "held", held, server.namespace)
    await server.api.delete(CONFIGMAPS, "owner", server.namespace, propagation="Foreground")
    await create(server, config_map("late", owner, blocking=True))
    await server.api.patch(CONFIGMAPS, "held", {"metadata": {"finalizers": None}}, server.namespace)
    await left(server)
