"""How many pods each ReplicaSet of a Deployment should have: the sums of a rolling update and of scaling."""

import math
from dataclasses import dataclass
from functools import cached_property

from app.cluster.api import Json
from tests.simulation.controllers import objects

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_DEFAULT_SHARE = "25%"


def replicas(replica_set: Json) -> int:
    return int(replica_set["spec"]["replicas"])


def age(replica_set: Json) -> tuple[str, str]:
    """Sorts them oldest first, as Kubernetes does: those of one second by name."""
    return replica_set["metadata"]["creationTimestamp"], replica_set["metadata"]["name"]


def count(replica_sets: list[Json], field: str) -> int:
    """The sum of one field of their status."""
    return sum((each.get("status") or {}).get(field, 0) for each in replica_sets)


@dataclass(frozen=True)
class Rollout:
    """A Deployment with its ReplicaSets: that of its template, if it is there, and the old ones, oldest first."""

    deployment: Json
    new: Json | None
    old: list[Json]

    @property
    def all(self) -> list[Json]:
        return self.old if self.new is None else [*self.old, self.new]

    @property
    def wanted(self) -> int:
        return int(self.deployment["spec"]["replicas"])

    @cached_property
    def is_rolling(self) -> bool:
        strategy = self.deployment["spec"].get("strategy") or {}
        return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")

    @cached_property
    def _limits(self) -> tuple[int, int]:
        """How many pods there may be too many, and how many too few: rounded up and down, and not both zero."""
        if not self.is_rolling:
            return 0, 0
        rolling = (self.deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
        surge = objects.scaled(rolling.get("maxSurge", _DEFAULT_SHARE), self.wanted, up=True)
        unavailable = objects.scaled(rolling.get("maxUnavailable", _DEFAULT_SHARE), self.wanted, up=False)
        if not surge and not unavailable:
            unavailable = 1
        return surge, min(unavailable, self.wanted)

    @property
    def maximum(self) -> int:
        """Pods that there may be during the update."""
        return self.wanted + self._limits[0]

    @property
    def minimum(self) -> int:
        """Pods that must be available during the update; a Deployment that is not rolling is available with all."""
        return self.wanted - self._limits[1]

    def first_size(self) -> int:
        """Pods that a new ReplicaSet begins with."""
        return self._grown(0) if self.is_rolling else self.wanted

    def new_size(self) -> int:
        """Pods that the new ReplicaSet should have now."""
        assert self.new is not None
        size = replicas(self.new)
        return self.wanted if size >= self.wanted or not self.is_rolling else self._grown(size)

    def _grown(self, size: int) -> int:
        room = self.maximum - sum(map(replicas, self.all))
        return size + max(0, min(room, self.wanted - size))

    def smaller_old(self) -> dict[str, int]:
        """Sizes that old ReplicaSets may be brought down to, by name: pods that are not available go first."""
        new = [] if self.new is None else [self.new]
        not_available = sum(map(replicas, new)) - count(new, "availableReplicas")
        room = sum(map(replicas, self.all)) - self.minimum - not_available
        if room <= 0:
            return {}
        sizes = {each["metadata"]["name"]: replicas(each) for each in self.old if replicas(each)}
        before = dict(sizes)
        for each in self.old:
            name = each["metadata"]["name"]
            unhealthy = sizes.get(name, 0) - count([each], "availableReplicas")
            gone = max(0, min(room, unhealthy))
            room -= gone
            if gone:
                sizes[name] -= gone
        active = [each for each in self.old if replicas(each)]
        room = count([*active, *new], "availableReplicas") - self.minimum
        for name, size in sizes.items():
            gone = max(0, min(room, size))
            room -= gone
            sizes[name] -= gone
        return {name: size for name, size in sizes.items() if size != before[name]}

    def is_scaled(self) -> bool:
        """Whether the Deployment's size has changed since its ReplicaSets were last given theirs."""
        marks = (each["metadata"].get("annotations") or {} for each in self.all if replicas(each))
        return any(DESIRED in mark and mark[DESIRED] != str(self.wanted) for mark in marks)

    def scaled_sizes(self) -> dict[str, int]:
        """Sizes after the Deployment's own has changed, by name: each ReplicaSet keeps its share of the pods."""
        active = [each for each in self.all if replicas(each)]
        if len(active) <= 1:
            only = active[0] if active else self.new or (self.old[-1] if self.old else None)
            return {only["metadata"]["name"]: self.wanted} if only and replicas(only) != self.wanted else {}
        if self._is_saturated():
            return {each["metadata"]["name"]: 0 for each in active if each is not self.new}
        if not self.is_rolling:
            return {}
        to_add = (self.maximum if self.wanted else 0) - sum(map(replicas, active))
        # The largest first; among equals a newer one grows first, and an older one shrinks first.
        in_turn = sorted(sorted(active, key=age, reverse=to_add > 0), key=replicas, reverse=True)
        sizes: dict[str, int] = {}
        left = to_add
        for each in in_turn:
            share = self._share(each)
            added = (min if to_add > 0 else max)(share, left) if left else 0
            sizes[each["metadata"]["name"]] = replicas(each) + added
            left -= added
        largest = in_turn[0]["metadata"]["name"]
        sizes[largest] = max(0, sizes[largest] + left)
        return sizes

    def _share(self, replica_set: Json) -> int:
        size = replicas(replica_set)
        if not self.wanted:
            return -size
        mark = (replica_set["metadata"].get("annotations") or {}).get(MAXIMUM)
        before = int(mark or 0) or (self.deployment.get("status") or {}).get("replicas", 0)
        return _round(size * self.maximum / before) - size if before else 0

    def _is_saturated(self) -> bool:
        new = self.new
        if new is None or replicas(new) != self.wanted or count([new], "availableReplicas") != self.wanted:
            return False
        return (new["metadata"].get("annotations") or {}).get(DESIRED) == str(self.wanted)


def _round(number: float) -> int:
    """Halves away from zero."""
    return math.floor(number + 0.5) if number >= 0 else math.ceil(number - 0.5)
