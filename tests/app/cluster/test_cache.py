import itertools
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from app.cluster.cache import Cache, Stamp


class Meta:
    def __init__(self, stamp: Stamp) -> None:
        self.namespace, self.name = stamp.key
        self.uid, self.resource_version = stamp.uid, str(stamp.version)


class Item:
    def __init__(self, stamp: Stamp, owner: str = "o") -> None:
        self.metadata, self.owner = Meta(stamp), owner

    def __repr__(self) -> str:
        return f"{self.metadata.name}@{self.metadata.resource_version}"


def owners(item: Item) -> Iterable[str]:
    return [item.owner]


def stamp(version: int, uid: str = "u", name: str = "a") -> Stamp:
    return Stamp(("n", name), uid, version)


def cache(**options: int) -> Cache[Item]:
    return Cache({"owner": owners}, **options)


def seen(changes: Iterable[tuple[Item | None, Item | None]]) -> list[str]:
    return [f"{old}>{new}" for old, new in changes]


def test_an_older_version_of_an_object_changes_nothing() -> None:
    store = cache()
    assert seen(store.put(stamp(5), Item(stamp(5)))) == ["None>a@5"]
    assert store.put(stamp(5), Item(stamp(5))) == []
    assert store.put(stamp(4), Item(stamp(4))) == []
    assert seen(store.put(stamp(6), Item(stamp(6)))) == ["a@5>a@6"]


def test_what_has_gone_does_not_come_back_by_a_late_answer() -> None:
    store = cache()
    store.put(stamp(5), Item(stamp(5)))
    assert seen(store.remove(stamp(7))) == ["a@5>None"]
    assert store.put(stamp(6), Item(stamp(6))) == []
    assert store.remove(stamp(7)) == []
    assert seen(store.put(stamp(8), Item(stamp(8)))) == ["None>a@8"], "it may match the selector again"


def test_a_namesake_is_a_deletion_and_an_addition() -> None:
    store = cache()
    store.put(stamp(5), Item(stamp(5)))
    assert seen(store.put(stamp(9, "v"), Item(stamp(9, "v")))) == ["a@5>None", "None>a@9"]
    assert store.put(stamp(7), Item(stamp(7))) == []
    assert store.remove(stamp(8)) == [], "the late deletion of the first is not one of its namesake"


def test_what_a_namesake_replaced_does_not_come_back_when_the_namesake_goes() -> None:
    store = cache()
    store.put(stamp(5), Item(stamp(5)))
    store.put(stamp(9, "v"), Item(stamp(9, "v")))
    store.remove(stamp(10, "v"))
    assert store.put(stamp(7), Item(stamp(7))) == []


def test_a_list_removes_what_it_lacks_unless_that_is_younger_than_the_list() -> None:
    store = cache()
    for version, name in ((5, "a"), (6, "b"), (30, "c")):
        store.put(stamp(version, name, name), Item(stamp(version, name, name)))
    listed = [(stamp(5, "a", "a"), Item(stamp(5, "a", "a"))), (stamp(12, "d", "d"), Item(stamp(12, "d", "d")))]
    assert seen(store.replace(listed, 20)) == ["b@6>None", "None>d@12"]
    assert [item.metadata.name for item in store.all()] == ["a", "c", "d"]
    assert store.put(stamp(19, "b", "b"), Item(stamp(19, "b", "b"))) == []


def test_a_list_does_not_take_an_object_back_in_time() -> None:
    store = cache()
    store.put(stamp(30), Item(stamp(30)))
    assert store.replace([(stamp(5), Item(stamp(5)))], 20) == []


def test_what_a_list_has_but_leaves_out_is_removed() -> None:
    store = cache()
    store.put(stamp(5), Item(stamp(5)))
    assert seen(store.replace([(stamp(6), None)], 20)) == ["a@5>None"]


def test_a_reset_believes_the_list_whatever_the_versions() -> None:
    store = cache()
    store.put(stamp(500, "a", "a"), Item(stamp(500, "a", "a")))
    store.put(stamp(501, "b", "b"), Item(stamp(501, "b", "b")))
    store.remove(stamp(502, "c", "c"))
    listed = [(stamp(5, x, x), Item(stamp(5, x, x))) for x in "ac"]
    assert seen(store.reset(listed)) == ["b@501>None", "a@500>a@5", "None>c@5"]
    assert [item.metadata.name for item in store.by_index("owner", "o")] == ["a", "c"]


def test_an_index_follows_changes_and_forgets_empty_values() -> None:
    store = cache()
    store.put(stamp(5), Item(stamp(5), "x"))
    store.put(stamp(6), Item(stamp(6), "y"))
    assert store.by_index("owner", "x") == []
    assert [str(item) for item in store.by_index("owner", "y")] == ["a@6"]
    store.remove(stamp(7))
    assert store.by_index("owner", "y") == []
    assert store._indexed == {"owner": {}}


def test_an_object_that_an_index_cannot_read_is_kept_out_of_that_index_only() -> None:
    store: Cache[Item] = Cache({"bad": lambda item: [str(1 // 0)], "owner": owners})
    store.put(stamp(5), Item(stamp(5)))
    assert len(store.by_index("owner", "o")) == 1


def test_tombstones_are_bounded() -> None:
    store = cache(tombstones=2)
    for number in range(5):
        store.remove(stamp(10 + number, str(number)))
    assert list(store._tombstones) == ["3", "4"]


HISTORY = [("put", 1, "u"), ("put", 2, "u"), ("remove", 3, "u"), ("put", 4, "v"), ("put", 5, "v"), ("remove", 6, "v"),
           ("put", 7, "w"), ("put", 8, "w")]  # fmt: skip


@given(st.lists(st.sampled_from(HISTORY), max_size=12), st.permutations(HISTORY), st.integers(0, 1))
def test_f13_repeated_and_reordered_events_end_in_the_same_state(
    repeats: list[tuple[str, int, str]], order: list[tuple[str, int, str]], gone: int
) -> None:
    if gone:
        order = [*order, ("remove", 9, "w")]
    store = cache()
    for verb, version, uid in [*repeats, *order, *repeats]:
        if verb == "put":
            store.put(stamp(version, uid), Item(stamp(version, uid)))
        else:
            store.remove(stamp(version, uid))
    assert [str(item) for item in store.all()] == ([] if gone else ["a@8"])
    assert store.by_index("owner", "o") == store.all()


def test_f13_what_is_told_adds_up_to_what_is_there_for_every_order_of_a_short_history() -> None:
    for order in itertools.permutations(HISTORY[:6]):
        store, told = cache(), 0
        for verb, version, uid in order:
            act = stamp(version, uid)
            changes = store.put(act, Item(act)) if verb == "put" else store.remove(act)
            told += sum((new is not None) - (old is not None) for old, new in changes)
        assert told == len(store.all()) == 0
