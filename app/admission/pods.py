"""Which pods are held: a ladder of early returns, the commonest and cheapest first."""

import asyncio
import logging
from typing import Final

from app.admission.cache import Caches
from app.admission.parents import Parents, Unreadable
from app.admission.review import Json, Request, Response, allowed, patched
from app.api.core import Pod
from app.api.meta import Object, OwnerReference
from app.lifecycle import gates, keys, policies
from app.lifecycle.identity import Identity, has_own_keys, identify, owner_of

log = logging.getLogger(__name__)

# All of an answer, live reads included. The webhook's own timeout in the cluster is 3 s.
ANSWER_SECONDS: Final = 2.0


class PodGate:
    """The handler of pods.

    It opts nobody in: the webhook's namespace selector sends only pods of namespaces that did. A pod that cannot be
    judged is held, for the worker to sort out; only what cannot be a pod at all is let through.
    """

    def __init__(
        self, parents: Parents, caches: Caches, installation: str, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._parents = parents
        self._caches = caches
        self._installation = installation
        self._answer_seconds = answer_seconds

    async def __call__(self, request: Request) -> Response:
        raw = request.object
        if request.operation != "CREATE" or request.kind != "Pod" or request.subresource or raw is None:
            return allowed()
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self._judge(request.namespace, raw)
        except Unreadable as error:
            return _unjudged(raw, str(error))
        except TimeoutError:
            return _unjudged(raw, f"it could not be judged within {self._answer_seconds:g} s")
        except Exception as error:
            log.exception("a pod could not be judged", extra={"namespace": request.namespace, "uid": request.uid})
            return _unjudged(raw, f"Holdfast could not judge it ({type(error).__name__}, see its log)")

    async def _judge(self, namespace: str, raw: Json) -> Response:
        pod = Pod.model_validate(raw)
        owner = owner_of(pod)
        if owner is None:  # a pod of nobody, or of a Job, our own tasks' among them
            return allowed()
        own = has_own_keys(pod)
        if pod.spec.node_name:  # the API server takes no gate on a pod that has its node
            return allowed(["spec.nodeName is set, so this pod is not held for its checks"] if own else ())
        parent = None if own else await self._parents.parent(namespace, pod, owner)
        identity = identify(pod, parent)
        if identity is None:
            return allowed()
        if not gates.is_held(pod) and await self._has_passed(namespace, pod, owner, identity):
            return allowed()
        return patched(gates.hold(raw), self._advice(namespace, pod, parent or pod, identity))

    async def _has_passed(self, namespace: str, pod: Pod, owner: OwnerReference, identity: Identity) -> bool:
        passed = self._caches.revisions_passed(namespace, identity.workload_name)
        if not any(revision.partition("/")[0] == owner.uid for revision in passed):
            return False
        try:
            return await self._parents.revision(namespace, pod, owner) in passed
        except Unreadable:
            return False  # the worker will know

    def _advice(self, namespace: str, pod: Pod, source: Object, identity: Identity) -> list[str]:
        """What is wrong by the looks of it, but may be right by the time that it matters."""
        advice = []
        container = keys.value(source, keys.CONTAINER)
        names = [c.name for c in pod.spec.containers]
        if container and container not in names and not keys.value(source, keys.VERSION):
            advice.append(
                f"{keys.CONTAINER}: this pod has no container {container!r}, only {', '.join(names)}; "
                "a hash of all containers is its version instead"
            )
        if policies.is_unknown(identity.check_policy):
            advice.append(policies.unknown(identity.check_policy))
        if self._caches.task_definitions.has_synced:
            for key, definitions in (
                (keys.PRE_TASKS, identity.pre_deployment_tasks),
                (keys.POST_TASKS, identity.post_deployment_tasks),
            ):
                advice += [
                    self._missing(key, name, namespace) for name in definitions if not self._known(name, namespace)
                ]
        return advice

    def _known(self, name: str, namespace: str) -> bool:
        get = self._caches.task_definitions.get
        return get(namespace, name) is not None or get(self._installation, name) is not None

    def _missing(self, key: str, name: str, namespace: str) -> str:
        places = " or ".join(dict.fromkeys((namespace, self._installation)))
        wait = "the pod is held until it is there" if key == keys.PRE_TASKS else "the task waits until it is there"
        return f"{key}: no KeptnTaskDefinition {name!r} in namespace {places}; {wait}: create it, or correct the name"


def _unjudged(raw: Json, why: str) -> Response:
    try:
        ops = gates.hold(raw)
    except (TypeError, AttributeError):
        return allowed([f"this pod is not held: {why}"])
    return patched(ops, [f"this pod is held for now: {why}"])
