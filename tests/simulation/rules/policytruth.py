"""What people have said of how much checks count: on workloads, apps and namespaces, and in KeptnConfigs."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import INSTALLATION, KINDS

ENFORCE, WARN, OBSERVE = "enforce", "warn", "observe"
OBSERVABILITY_SECONDS = 300.0
_UNITS = {"s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Said:
    """What a KeptnConfig of the installation says, or what counts without one."""

    blocking: bool = True
    observability: float = OBSERVABILITY_SECONDS


class PolicyTruth:
    """`late` is for how many seconds a word of a person may still be unheard, or be obeyed after it was taken back."""

    def __init__(self) -> None:
        self.late = 60.0
        self._words: dict[tuple[str, ...], list[tuple[float, str]]] = {}
        self._said: list[tuple[float, Said]] = [(-1.0, Said())]
        self.waits = True  # whether apps are given the time to be complete, by all that ever was written
        self._configs: dict[str, Json] = {}  # of the installation's namespace

    def see(self, change: Change) -> None:
        meta = change.body["metadata"]
        if change.resource == resources.CONFIGS:
            self._config(change)
        elif change.resource == resources.NAMESPACES:
            self._note(change, ("Namespace", meta["name"]))
        elif change.resource in _SPEAKERS:
            self._note(change, (change.resource.kind, meta["namespace"], meta["name"]))

    def in_force(self, namespace: str, kind: str, name: str, now: float) -> set[str]:
        """What counted for a workload or app, by its kind and name, at any time of the last `late` seconds."""
        keys = ((kind, namespace, name), ("Namespace", namespace))
        return {self._at(keys, time) for time in self._times(keys, now)}

    def now(self, namespace: str, kind: str, name: str) -> str:
        """What counts at this moment."""
        return self._at(((kind, namespace, name), ("Namespace", namespace)), float("inf"))

    def shortest_timeout(self, now: float) -> float:
        """Of the observability timeouts in force in the last `late` seconds."""
        return min(self._said_at(time).observability for time in self._times((), now))

    def _at(self, keys: tuple[tuple[str, ...], ...], time: float) -> str:
        for key in keys:
            word = next((word for at, word in reversed(self._words.get(key, ())) if at <= time), "").strip()
            if word:
                return word if word in (WARN, OBSERVE) else ENFORCE
        return ENFORCE if self._said_at(time).blocking else WARN

    def _said_at(self, time: float) -> Said:
        return next(said for at, said in reversed(self._said) if at <= time)

    def _times(self, keys: tuple[tuple[str, ...], ...], now: float) -> Iterator[float]:
        """The moments at which it may have been otherwise than just before."""
        yield now
        yield max(0.0, now - self.late)
        for history in (self._said, *(self._words.get(key, ()) for key in keys)):
            yield from (at for at, _ in history if now - self.late < at <= now)

    def _note(self, change: Change, key: tuple[str, ...]) -> None:
        marks = (change.new or {"metadata": {}})["metadata"].get("annotations") or {}
        word = marks.get(wellknown.CHECK_POLICY, "")
        known = self._words.get(key)
        if known is None and not word:
            return
        known = self._words.setdefault(key, [])
        if not known or known[-1][1] != word:
            known.append((change.time, word))

    def _config(self, change: Change) -> None:
        meta = change.body["metadata"]
        if meta["namespace"] != INSTALLATION:
            return
        if change.new is None:
            self._configs.pop(meta["name"], None)
        else:
            self._configs[meta["name"]] = change.new
        said = Said()
        if self._configs:
            first = min(self._configs.values(), key=_age)
            self.waits = self.waits and first["spec"].get("keptnAppCreationRequestTimeoutSeconds", 30) > 1
            text = str(first["spec"].get("observabilityTimeout", "5m"))
            said = Said(first["spec"].get("blockDeployment", True), float(text[:-1]) * _UNITS[text[-1]])
        self._said.append((change.time, said))


def _age(body: Json) -> tuple[str, str]:
    return body["metadata"]["creationTimestamp"], body["metadata"]["name"]


_SPEAKERS = frozenset({*KINDS.values(), resources.APPS})
