"""What every reconciler is given: the cluster, the caches, the time. Nothing here reads a clock by itself."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from app.api import wellknown
from app.api.app import AppVersion
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.api import Api, Json, PatchType, Resource
from app.cluster.errors import NotFound
from app.cluster.events import EventRecorder, ObjectRef
from app.cluster.informer import Informer
from app.lifecycle import config, happenings, policies
from app.lifecycle.phases import Phase
from app.settings import Settings
from app.worker.caches import Caches
from app.worker.traces import Traces


class _Named(Protocol):
    @property
    def metadata(self) -> Any: ...


def _nobody(happening: happenings.Happening) -> None:
    """Nobody asked for CloudEvents."""


@dataclass(frozen=True, slots=True)
class Context:
    api: Api
    caches: Caches
    settings: Settings
    events: EventRecorder
    now: Callable[[], datetime]
    # Tasks (uid) that this process has made and not looked at yet: nobody else can have given them a verdict.
    newborn: set[str] = field(default_factory=set)
    # Tasks that it is just making. A watch may show one before the answer to its own create does, which says the uid.
    births: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    notify: Callable[[happenings.Happening], None] = _nobody  # returns at once
    counts: Counter[str] = field(default_factory=Counter)  # for telemetry.metrics
    traces: Traces = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "traces", Traces(self.caches))

    def config(self) -> config.Config:
        """What the installation's KeptnConfig says at this moment."""
        return self.caches.config(self.settings.namespace)

    def policy(self, namespace: str, annotations: Mapping[str, str]) -> policies.Policy:
        """What a failed check does to the workload with these annotations in `namespace`, at this moment."""
        there = self.caches.namespaces.get("", namespace)
        of_namespace = there.metadata.annotations.get(wellknown.CHECK_POLICY, "") if there else ""
        return policies.policy(annotations.get(wellknown.CHECK_POLICY, ""), of_namespace, self.config())

    def carrier(self, obj: WorkloadVersion | AppVersion, phase: Phase | None) -> dict[str, str]:
        """The trace context of a version's phase, to be noted in its status and handed to its checks; {} without.

        `phase` None means the version's own span. Without a collector there is no trace, as in Keptn.
        """
        return self.traces.carrier(obj, phase) if self.config().otel_collector else {}

    def stamp(self) -> str:
        """The time, as the API server writes it: RFC 3339 in UTC, whole seconds."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    async def create(self, resource: Resource, body: Json, cache: Informer[Any]) -> Json:
        """Creates and shows the result to the cache at once, so that what follows need not wait for the watch."""
        created = await self.api.create(resource, body, body["metadata"].get("namespace", ""))
        cache.observe(created)
        return created

    async def write_status(self, resource: Resource, target: _Named, fields: Json, cache: Informer[Any]) -> None:
        """Merges `fields` into the status of just the object that was decided on.

        Raises Conflict if it has changed since: the decision is then made again on what it is now. An object that is
        gone needs no status.
        """
        meta = target.metadata
        body = {"metadata": {"resourceVersion": meta.resource_version, "uid": meta.uid}, "status": fields}
        with contextlib.suppress(NotFound):
            cache.observe(
                await self.api.patch(
                    resource, meta.name, body, meta.namespace, patch_type=PatchType.MERGE, subresource="status"
                )
            )

    def event(self, kind: str, target: _Named, reason: str, message: str, *, warning: bool = False) -> None:
        """Records an event on an object of ours or of the user's, in Holdfast's own words."""
        self._record(kind, target, reason, message, warning=warning)

    def tell(
        self, kind: str, obj: happenings.Regarded, phase: Phase, suffix: str, text: str, *, warning: bool = False
    ) -> None:
        """Tells of a phase, or of one of the things that `happenings` names, in Keptn's words: event and CloudEvent.

        `suffix` is how far it has come (``happenings.STARTED``), `text` the same for people ("has started").
        """
        told = happenings.happening(_api_version(kind), kind, obj, phase, suffix, text, warning=warning)
        self._record(kind, obj, told.reason, told.message, warning=warning, annotations=told.annotations)
        self.notify(told)

    def _record(
        self,
        kind: str,
        target: _Named,
        reason: str,
        message: str,
        *,
        warning: bool,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        meta = target.metadata
        self.events.record(
            ObjectRef(_api_version(kind), kind, meta.namespace, meta.name, meta.uid),
            type="Warning" if warning else "Normal",
            reason=reason,
            message=message,
            annotations=annotations,
            component=happenings.component(kind),
        )


async def together(calls: list[Coroutine[Any, Any, None]]) -> None:
    """Awaits all calls, then raises the first error there was: one that fails does not break off the others."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _api_version(kind: str) -> str:
    return _API_VERSIONS.get(kind, wellknown.API_VERSION)


_API_VERSIONS = {
    "Pod": "v1",
    "Namespace": "v1",
    "ConfigMap": "v1",
    "KeptnConfig": resources.CONFIGS.api_version,
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Rollout": "argoproj.io/v1alpha1",
}
