"""Which Deployments end all of their old pods before the new ones are checked: for them a failed check is an outage."""

import math

from app.api.core import Deployment
from app.lifecycle.explain import PREFIX

_ADVICE = (
    "with each update all old pods end before the new ones are checked, so a check that fails, or takes long, is an "
    "outage. Set spec.strategy to RollingUpdate with a maxUnavailable that leaves some of them running."
)


def warning(deployment: Deployment) -> str:
    """What its owner should know of its update strategy, "" if enough old pods stay until the new ones are up."""
    strategy, replicas = deployment.spec.strategy, deployment.spec.replicas
    if strategy.type == "Recreate":
        return f"{PREFIX}spec.strategy is Recreate: {_ADVICE}"
    rolling = strategy.rolling_update
    if not replicas or _unavailable(rolling.max_surge, rolling.max_unavailable, replicas) < replicas:
        return ""
    said = f"spec.strategy.rollingUpdate.maxUnavailable is {rolling.max_unavailable} of {replicas} replicas"
    return f"{PREFIX}{said}: {_ADVICE}"


def _unavailable(surge: int | str, unavailable: int | str, replicas: int) -> int:
    """How many may be missing, as the Deployment controller counts: it has to be able to do something."""
    fewer = math.floor(_share(unavailable, replicas))
    return fewer if fewer or math.ceil(_share(surge, replicas)) else 1


def _share(number: int | str, replicas: int) -> float:
    return int(number.removesuffix("%")) * replicas / 100 if isinstance(number, str) else number
