"""What operators see of the leader's work: what changes, as Prometheus' figures and as spans.

It goes by what the caches tell, not by what reconcilers do: whoever wrote a change, it is seen here, once. What is
there already is told first, without an old state, and so is nothing new.
"""

import logging
from collections.abc import Sequence

from app.api.app import AppVersion
from app.api.config import Config
from app.api.evaluation import Evaluation
from app.api.meta import Object
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.lifecycle import spans, traces
from app.lifecycle.phases import APP_DEPLOY, APP_PHASES, WORKLOAD_PHASES
from app.lifecycle.traces import SpanContext
from app.telemetry.gauges import has_evaluation_ended, has_task_ended
from app.telemetry.metrics import Led, Metrics, Work
from app.telemetry.tracing import Tracing
from app.worker.context import Context

log = logging.getLogger(__name__)

_QUOTED = 80  # characters


class Observing:
    """Of one term of leadership."""

    def __init__(self, context: Context, metrics: Metrics, tracing: Tracing) -> None:
        self._context = context
        self._metrics = metrics
        self._tracing = tracing

    def begin(self, controllers: Sequence[Work]) -> None:
        """To be called before anybody works, so that nothing is missed."""
        caches = self._context.caches
        self._metrics.lead(
            Led(
                app_versions=caches.app_versions.all,
                versions=caches.versions.all,
                tasks=caches.tasks.all,
                evaluations=caches.evaluations.all,
                controllers=controllers,
                counts=self._context.counts,
            )
        )
        caches.configs.subscribe(self._config)
        caches.app_versions.subscribe(self._app_version)
        caches.versions.subscribe(self._version)
        caches.tasks.subscribe(self._task)
        caches.evaluations.subscribe(self._evaluation)

    def _config(self, old: Config | None, new: Config | None) -> None:
        self._tracing.configure(self._context.config().otel_collector)

    def _app_version(self, old: AppVersion | None, new: AppVersion | None) -> None:
        self._metrics.app_version(old, new)
        self._forget(old, new)
        if not self._tracing.on or old is None or new is None:
            return
        if not old.status.start_time and new.status.start_time:
            self._complain(new)
        self._tracing.emit(spans.of_app(old, new, self._context.traces.trace_of(new), self._context.stamp()))

    def _version(self, old: WorkloadVersion | None, new: WorkloadVersion | None) -> None:
        self._metrics.version(old, new)
        self._forget(old, new)
        if self._tracing.on and old is not None and new is not None:
            trace_id = self._context.traces.trace_of(new)
            # Only its own span has one above it, and to find that all versions of its app are looked at.
            above = self._above(new) if spans.has_ended(new) else None
            self._tracing.emit(spans.of_workload(old, new, above, trace_id, self._context.stamp()))

    def _task(self, old: Task | None, new: Task | None) -> None:
        self._metrics.task(old, new)
        if not self._tracing.on or old is None or new is None:
            return
        span = spans.of_task(new, self._context.stamp())
        if has_task_ended(new) and not has_task_ended(old) and span is not None:
            self._tracing.emit([span])

    def _evaluation(self, old: Evaluation | None, new: Evaluation | None) -> None:
        self._metrics.evaluation(old, new)
        if not self._tracing.on or old is None or new is None:
            return
        owner = self._owner(new)
        if has_evaluation_ended(new) and not has_evaluation_ended(old) and owner is not None:
            phases = APP_PHASES if isinstance(owner, AppVersion) else WORKLOAD_PHASES
            phase = next((each for each in phases if each.check == new.spec.check_type), None)
            parent = traces.context(owner, phase, self._context.traces.trace_of(owner))
            self._tracing.emit([spans.of_evaluation(new, parent, spans.metadata_of(owner), self._context.stamp())])

    def _forget(self, old: Object | None, new: Object | None) -> None:
        """What was remembered of a version that is gone."""
        if old is not None and new is None:
            self._context.traces.forget(old.metadata.uid)

    def _owner(self, evaluation: Evaluation) -> AppVersion | WorkloadVersion | None:
        reference = evaluation.metadata.controller
        if reference is None:
            return None
        caches = self._context.caches
        cache = caches.app_versions if reference.kind == "KeptnAppVersion" else caches.versions
        owner: AppVersion | WorkloadVersion | None = cache.get(evaluation.metadata.namespace, reference.name)
        return owner if owner is not None and owner.metadata.uid == reference.uid else None

    def _above(self, version: WorkloadVersion) -> SpanContext | None:
        """The AppDeploy span of the app version that the workload belongs to."""
        known = traces.extract(version.spec.trace_id)
        if known is not None:
            return known
        told = self._context.traces
        covering = traces.newest(each for each in told.app_versions(version) if traces.covers(each, version))
        return traces.context(covering, APP_DEPLOY, told.trace_of(covering)) if covering else None

    def _complain(self, version: AppVersion) -> None:
        """Says which of the links that were asked for cannot be made."""
        for link in version.spec.span_links:
            if traces.parse(link) is None:
                message = (
                    f"spec.spanLinks of KeptnAppContext {version.spec.app_name} has {link[:_QUOTED]!r}, which is not a "
                    "W3C traceparent, so the trace does not link to it: write 00-<32 hex digits>-<16 hex digits>-01."
                )
                self._context.event("KeptnAppVersion", version, "SpanLinkIgnored", message, warning=True)
                about = {"object_namespace": version.metadata.namespace, "object_name": version.metadata.name}
                log.warning("a span link is ignored", extra=about)
