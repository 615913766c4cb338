"""quiet: a KeptnApp of ours says something else only if something is new, so its checks are not made in a loop."""

from collections import Counter
from collections.abc import Callable

from app.cluster import resources
from tests.simulation.apiserver.store import Change

Key = tuple[str, str]

# Two writes for one piece of news: once it is seen that content is new, and once its workload says so.
_FOR_EACH = 2


class Revising:
    """Looks at every change. `finding` is called with the rule's name and what is wrong."""

    def __init__(self, finding: Callable[[str, str], None]) -> None:
        self._finding = finding
        self._news: Counter[Key] = Counter()
        self._written: Counter[Key] = Counter()

    def check(self, change: Change) -> None:
        body, resource = change.body, change.resource
        if resource in (resources.WORKLOADS, resources.WORKLOAD_VERSIONS):
            if change.old is None or change.new is None or change.old["spec"] != change.new["spec"]:
                self._news[body["metadata"]["namespace"], body["spec"]["app"]] += 1
        elif resource == resources.APPS:
            self._app(change, (body["metadata"]["namespace"], body["metadata"]["name"]))

    def _app(self, change: Change, key: Key) -> None:
        if not change.by.startswith("worker"):
            self._news[key] += 1
        elif change.old is None:
            self._written[key] = self._news[key] = 0
        elif change.new is not None and change.old["spec"] != change.new["spec"]:
            self._written[key] += 1
            if self._written[key] > _FOR_EACH * (self._news[key] + 1):
                times, news = self._written[key], self._news[key]
                self._finding("quiet", f"KeptnApp {key[1]} was written {times} times, and {news} things were new of it")
