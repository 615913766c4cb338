"""Which held revision waits for which version, and whose workload it is. Rebuilt from the held pods after a restart."""

from collections import defaultdict
from dataclasses import dataclass, field

from app.api.core import Pod
from app.api.meta import Object
from app.api.wellknown import CONTROLLER_REVISION_HASH
from app.lifecycle.explain import Refusal
from app.lifecycle.identity import owner_of

VersionKey = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class RevisionKey:
    """All held pods of one revision of one owner: the unit that is judged and released together."""

    namespace: str
    owner_kind: str
    owner_name: str
    owner_uid: str
    hash: str

    @property
    def value(self) -> str:
        """By which an index knows it."""
        return f"{self.owner_uid}/{self.hash}"


@dataclass(frozen=True, slots=True)
class Link:
    """What a revision waits for. `revision` is its name in `status.revisions`; `parent` is the user's workload.

    `uid` is the version's: once it was deleted, another content may have its name, and whoever waited for the one does
    not wait for the other.
    """

    version: VersionKey
    uid: str
    revision: str
    parent_kind: str
    parent: Object


def revision_key_of(pod: Pod) -> RevisionKey | None:
    """The revision that a pod belongs to, None if nobody owns it."""
    owner = owner_of(pod)
    if owner is None:
        return None
    revision = "" if owner.kind == "ReplicaSet" else pod.metadata.labels.get(CONTROLLER_REVISION_HASH, "")
    return RevisionKey(pod.metadata.namespace, owner.kind, owner.name, owner.uid, revision)


@dataclass(slots=True)
class Links:
    _links: dict[RevisionKey, Link] = field(default_factory=dict)
    _of_version: defaultdict[VersionKey, set[RevisionKey]] = field(default_factory=lambda: defaultdict(set))
    # Revisions that have passed and whose gates somebody does not let us open.
    refusals: dict[RevisionKey, Refusal] = field(default_factory=dict)

    def get(self, key: RevisionKey) -> Link | None:
        return self._links.get(key)

    def assign(self, key: RevisionKey, link: Link) -> None:
        self.drop(key)
        self._links[key] = link
        self._of_version[link.version].add(key)

    def drop(self, key: RevisionKey) -> None:
        """Forgets a revision of which no pod is held any more."""
        link = self._links.pop(key, None)
        if link is None:
            return
        waiting = self._of_version[link.version]
        waiting.discard(key)
        if not waiting:
            del self._of_version[link.version]

    def waiting_for(self, version: VersionKey) -> list[RevisionKey]:
        return sorted(self._of_version.get(version, ()), key=str)

    def revisions(self, version: VersionKey, uid: str) -> list[str]:
        """What waits for just this version, as its status lists it."""
        links = (self._links[key] for key in self.waiting_for(version))
        return [link.revision for link in links if link.uid == uid]
