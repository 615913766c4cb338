"""What cannot be worked on says so itself: an event on the object, in plain words, once until it has recovered."""

from collections.abc import Callable
from typing import Any

from app.api.app import AppVersion
from app.api.meta import Object, ObjectMeta
from app.api.workload import WorkloadVersion
from app.cluster.controller import STUCK_AFTER
from app.cluster.errors import ApiError
from app.cluster.informer import Informer
from app.lifecycle.explain import PREFIX
from app.lifecycle.happenings import RECONCILE_ERROR
from app.lifecycle.phases import APP_PHASES, WORKLOAD_PHASES
from app.worker.context import Context
from app.worker.gates import GateRefused
from app.worker.links import Links, RevisionKey

REASON = "ReconcileFailed"
_PHASES = (*WORKLOAD_PHASES, *APP_PHASES)


class Poison:
    """Callbacks for controllers, one for each way in which their keys name an object."""

    def __init__(self, context: Context, links: Links) -> None:
        self._context = context
        self._links = links

    def of(self, kind: str, cache: Informer[Any]) -> Callable[[tuple[str, str], Exception], None]:
        def stuck(key: tuple[str, str], error: Exception) -> None:
            self._tell(kind, cache.get(*key), error)

        return stuck

    def revision(self, key: RevisionKey, error: Exception) -> None:
        """On the user's workload if it is known by now, else on what owns the held pods."""
        if isinstance(error, GateRefused):
            return  # it is told of in its own words
        link = self._links.get(key)
        if link is not None:
            self._tell(link.parent_kind, link.parent, error)
        else:
            meta = ObjectMeta(name=key.owner_name, namespace=key.namespace, uid=key.owner_uid)
            self._tell(key.owner_kind, Object(metadata=meta), error)

    def namespace(self, name: str, error: Exception) -> None:
        self._tell("Namespace", self._context.caches.namespaces.get("", name), error)

    def _tell(self, kind: str, target: Object | None, error: Exception) -> None:
        if target is None:
            return
        # Only what the API server says is for everybody's eyes. Another error may quote what an object holds.
        what = str(error) if isinstance(error, ApiError) else f"an error inside Holdfast, {type(error).__name__}"
        where = f"kubectl -n {self._context.settings.namespace} logs deployment/lifecycle-operator"
        message = (
            f"{PREFIX}{kind} {target.metadata.name} cannot be worked on: {what}. It has failed {STUCK_AFTER} times and "
            f"is tried again, at most a minute apart; nothing else is held up by it. The whole error: {where}"
        )
        self._context.event(kind, target, REASON, message, warning=True)
        if isinstance(target, WorkloadVersion | AppVersion):
            phase = next((each for each in _PHASES if each.name == target.status.current_phase), None)
            if phase is not None:
                self._context.tell(kind, target, phase, RECONCILE_ERROR, "could not get reconciled", warning=True)
