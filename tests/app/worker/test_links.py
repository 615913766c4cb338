from app.api.meta import Object
from app.worker.links import Link, Links, RevisionKey, revision_key_of
from tests.builders import daemon_set, job, pod, replica_set, stateful_set

V1, V2 = ("shop", "v1"), ("shop", "v2")


def key(name: str) -> RevisionKey:
    return RevisionKey("shop", "ReplicaSet", name, f"uid-{name}", "")


def link(version: tuple[str, str], revision: str, uid: str = "u") -> Link:
    return Link(version, uid, revision, "Deployment", Object())


def test_a_revision_waits_for_one_version_at_a_time() -> None:
    links = Links()
    links.assign(key("a"), link(V1, "ra"))
    links.assign(key("b"), link(V1, "rb"))
    links.assign(key("a"), link(V2, "ra"))
    assert links.waiting_for(V1) == [key("b")]
    assert links.revisions(V1, "u") == ["rb"]
    assert links.waiting_for(V2) == [key("a")]


def test_a_revision_that_waits_no_more_is_forgotten() -> None:
    links = Links()
    links.assign(key("a"), link(V1, "ra"))
    links.drop(key("a"))
    links.drop(key("a"))
    assert links.get(key("a")) is None
    assert links.waiting_for(V1) == []
    assert links == Links()


def test_what_waits_is_listed_in_one_order() -> None:
    names = ["c", "a", "b"]
    links = Links()
    for name in names:
        links.assign(key(name), link(V1, name))
    assert links.revisions(V1, "u") == sorted(names)


def test_all_pods_of_a_replica_set_are_one_revision() -> None:
    owner = replica_set("web-1")
    one, two = (pod(name).owned_by(owner).revision(name).view for name in ("a", "b"))
    assert revision_key_of(one) == revision_key_of(two) == RevisionKey("shop", "ReplicaSet", "web-1", "uid-web-1", "")


def test_pods_of_a_set_are_told_apart_by_their_revision() -> None:
    for owner in (stateful_set("db"), daemon_set("db")):
        one, two = (pod("db-0").owned_by(owner).revision(name).view for name in ("r1", "r2"))
        assert revision_key_of(one) != revision_key_of(two)


def test_a_pod_of_nobody_or_of_a_job_has_no_revision() -> None:
    assert revision_key_of(pod("p").view) is None
    assert revision_key_of(pod("p").owned_by(job("j")).view) is None


def test_who_waited_for_a_version_that_is_gone_does_not_wait_for_its_namesake() -> None:
    links = Links()
    links.assign(key("a"), link(V1, "ra", "gone"))
    links.assign(key("b"), link(V1, "rb", "new"))
    assert links.revisions(V1, "new") == ["rb"]
    assert links.waiting_for(V1) == [key("a"), key("b")]
