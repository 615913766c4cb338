"""Everything that happens to one kind of object in a namespace, with the time at which the API said so."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from tests.e2e.kube.client import SECONDS, Kube, NotInTime, Watch
from tests.e2e.kube.resources import Json, path


@dataclass(frozen=True)
class Seen:
    at: float  # time.monotonic()
    type: str
    object: Json


class Recording:
    """Use as a context manager: records from entry to exit, beginning with what is there already."""

    def __init__(self, kube: Kube, kind: str, namespace: str, *, labels: str = "", fields: str = "") -> None:
        self._kube = kube
        self._kind = kind
        self._namespace = namespace
        self._selectors = {"labels": labels, "fields": fields}
        self._news = threading.Condition()
        self._seen: list[Seen] = []
        self._stopped = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name=f"record {kind} {namespace}")

    def __enter__(self) -> "Recording":
        query = {f"{name[:-1]}Selector": value for name, value in self._selectors.items() if value}
        answer = self._kube.send("GET", path(self._kind, self._namespace), **query).body
        for item in answer["items"]:
            self._add("ADDED", item)
        self._since = answer["metadata"]["resourceVersion"]
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._news:
            self._stopped.set()
            if self._watch is not None:
                self._watch.stop()
        self._thread.join()

    @property
    def seen(self) -> list[Seen]:
        with self._news:
            return list(self._seen)

    @property
    def made(self) -> list[str]:
        """The names of all objects that have ever been there, in order."""
        return [seen.object["metadata"]["name"] for seen in self.seen if seen.type == "ADDED"]

    def wait(self, done: Callable[[Seen], bool], what: str, *, seconds: float = SECONDS) -> Seen:
        """The first thing seen for which `done` holds."""
        with self._news:
            found = self._news.wait_for(lambda: [seen for seen in self._seen if done(seen)], seconds)
        if not found:
            raise NotInTime(f"not within {seconds:g} s: {what}")
        return found[0]

    def _run(self) -> None:
        while True:
            watch = self._kube.watch(self._kind, self._namespace, self._since, 300, **self._selectors)
            with self._news:
                if self._stopped.is_set():
                    watch.close()
                    return
                self._watch = watch
            for change in watch:
                if change.type == "ERROR":
                    break
                self._since = change.object["metadata"]["resourceVersion"]
                self._add(change.type, change.object)
            with self._news:
                self._watch = None
                watch.close()
                if self._stopped.is_set():
                    return

    def _add(self, type: str, item: Json) -> None:
        with self._news:
            self._seen.append(Seen(time.monotonic(), type, item))
            self._news.notify_all()
