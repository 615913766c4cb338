"""What else may refuse a request: the chart's policy about our gate, and quotas on how many there are of a kind."""

from collections.abc import Callable

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.admission import Asked, Policy
from tests.simulation.apiserver.refusals import forbidden, named
from tests.simulation.apiserver.store import Store

_POLICY = "lifecycle-gate-removal.keptn.sh"


def gate_removal(may: Callable[[str], bool]) -> Policy:
    """The chart's ValidatingAdmissionPolicy: only those whom `may` knows take our gate off a pod."""

    def policy(asked: Asked) -> None:
        if asked.resource != resources.PODS or asked.old is None or not _held(asked.old) or _held(asked.new):
            return
        if not may(asked.by):
            said = f"pod {asked.name} is held by {wellknown.GATE} until its checks pass"
            why = f"ValidatingAdmissionPolicy '{_POLICY}' with binding '{_POLICY}' denied request: {said}"
            raise forbidden(asked.resource, asked.name, why, {"message": why})

    return policy


def quotas(store: Store) -> Policy:
    """ResourceQuotas, as far as they count objects: `pods`, `count/jobs.batch`."""

    def policy(asked: Asked) -> None:
        if asked.operation != "CREATE":
            return
        counted = {f"count/{named(asked.resource)}", asked.resource.plural}
        here = [(key[1], body) for key, body in store.all(resources.RESOURCEQUOTAS) if key[0] == asked.namespace]
        for name, quota in here:
            for counter, limit in (quota["spec"].get("hard") or {}).items():
                if counter not in counted:
                    continue
                used = sum(key[0] == asked.namespace for key, _ in store.all(asked.resource))
                if used >= int(limit):
                    counts = f"requested: {counter}=1, used: {counter}={used}, limited: {counter}={limit}"
                    raise forbidden(asked.resource, asked.name, f"exceeded quota: {name}, {counts}")

    return policy


def _held(pod: Json) -> bool:
    return any(gate["name"] == wellknown.GATE for gate in pod["spec"].get("schedulingGates") or ())
