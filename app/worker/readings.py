"""Where an objective's value comes from: a KeptnMetric, or a server that is asked straight away.

Everything is read live, once for each attempt: a metric's value a moment ago is not its value now, and a Secret in a
cache would be one more place where it lies. What the worker may read of Secrets is for the chart to say; see
docs/evaluations.md.
"""

import base64
import binascii
import re
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from app.api.evaluation import EvaluationDefinition, Objective, Provider, SecretKey
from app.api.meta import Object
from app.api.metric import Metric, MetricsProvider
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import Forbidden, NotFound
from app.lifecycle import readings
from app.lifecycle.evaluations import Reading
from app.worker.context import Context
from app.worker.prometheus import Ask, AskError, Server, ask

T = TypeVar("T", bound=Object)

# Keptn's keys in a Secret for Prometheus. With both there, `key` says nothing, as in Keptn.
_USER: Final = "user"
_PASSWORD: Final = "password"
# What a header can have; above all, no line's end.
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


class _ProblemError(Exception):
    """There is no value; the message is for the objective's status."""


class Readings:
    def __init__(self, context: Context, ask: Ask = ask) -> None:
        self._context = context
        self._ask = ask

    async def read(self, objective: Objective, definition: EvaluationDefinition, namespace: str) -> Reading:
        """The value for an objective of an evaluation in `namespace`, as it is now.

        Raises ApiError when the API server has other worries, which costs the evaluation no attempt.
        """
        try:
            if objective.query:
                return await self._query(objective.query, definition)
            return await self._metric(objective, namespace)
        except (_ProblemError, AskError) as error:
            return Reading(problem=str(error))

    async def _query(self, query: str, definition: EvaluationDefinition) -> Reading:
        meta, provider = definition.metadata, definition.spec.provider
        whose = f"KeptnEvaluationDefinition {meta.namespace}/{meta.name}"
        if provider is None:
            raise _ProblemError(
                f"{whose} has an objective with a query and nobody to ask; add spec.provider with type prometheus and "
                "a targetServer"
            )
        kind, where = provider.type, meta.namespace
        if provider.name and not provider.target_server:
            # All of it is the named one's: its Secret goes to nobody's server but its own.
            found = await self._named(provider.name, meta.namespace)
            provider, kind, where = found.spec, found.type, found.metadata.namespace
        if kind not in readings.SPEAK_PROMETHEUS:
            raise _ProblemError(
                f"the provider of {whose} is of type {kind!r}; Holdfast can ask {_types()}. For another, keep Keptn's "
                "metrics operator and name its KeptnMetric in keptnMetricRef"
            )
        return Reading(await self._ask(await self._server(provider, where), query))

    async def _named(self, name: str, namespace: str) -> MetricsProvider:
        """The provider that a definition in `namespace` names: of that namespace, else of the installation's."""
        places = tuple(dict.fromkeys((namespace, self._context.settings.namespace)))
        for place in places:
            found = await self._provider(name, place)
            if found is not None:
                return found
        raise _ProblemError(
            f"there is no KeptnMetricsProvider {name} in namespace {' or '.join(places)}; create it, or write a "
            "targetServer into the definition's spec.provider"
        )

    async def _metric(self, objective: Objective, namespace: str) -> Reading:
        metric = await self._find(objective, namespace)
        if readings.is_fresh(metric, self._context.now()):
            return readings.value(metric, self._context.now())
        name = metric.spec.provider.name
        provider = await self._provider(name, metric.metadata.namespace) if name else None
        if provider is None or not readings.can_be_asked(metric, provider):
            return readings.value(metric, self._context.now())
        server = await self._server(provider.spec, metric.metadata.namespace)
        return Reading(await self._ask(server, metric.spec.query))

    async def _find(self, objective: Objective, namespace: str) -> Metric:
        """The KeptnMetric: of the namespace that the objective names, else the evaluation's or the installation's."""
        reference = objective.keptn_metric_ref
        if not reference.name:
            raise _ProblemError("the objective names no metric; write keptnMetricRef.name")
        places = [reference.namespace] if reference.namespace else [namespace, self._context.settings.namespace]
        for place in dict.fromkeys(places):
            try:
                return _read(Metric, await self._context.api.get(resources.METRICS, reference.name, place))
            except NotFound as error:
                if not _knows_the_kind(error):
                    raise _ProblemError(
                        f"the cluster has no KeptnMetrics ({resources.METRICS.api_version}), so there is no "
                        f"{reference.name}; install their CRD, or give the objective a query and the definition a "
                        "spec.provider"
                    ) from None
            except Forbidden as error:
                raise _ProblemError(f"may not read KeptnMetric {place}/{reference.name}: {error.message}") from None
        where = " or ".join(dict.fromkeys(places))
        raise _ProblemError(f"there is no KeptnMetric {reference.name} in namespace {where}")

    async def _provider(self, name: str, namespace: str) -> MetricsProvider | None:
        """A KeptnMetricsProvider, None if it is not there or not for us to read."""
        try:
            return _read(MetricsProvider, await self._context.api.get(resources.METRICS_PROVIDERS, name, namespace))
        except (NotFound, Forbidden):
            return None

    async def _server(self, provider: Provider, namespace: str) -> Server:
        """Whom to ask, and with what from the Secret that the provider names in its own namespace."""
        authorization = ""
        if provider.secret_key_ref is not None and provider.secret_key_ref.name.strip():
            authorization = await self._authorization(provider.secret_key_ref, namespace)
        return Server(provider.target_server, authorization, provider.insecure_skip_tls_verify)

    async def _authorization(self, reference: SecretKey, namespace: str) -> str:
        where = f"Secret {namespace}/{reference.name}"
        try:
            secret = await self._context.api.get(resources.SECRETS, reference.name, namespace)
        except NotFound:
            if reference.optional:
                return ""
            raise _ProblemError(f"there is no {where}; create it, or take the provider's secretKeyRef away") from None
        except Forbidden:
            raise _ProblemError(
                f"Holdfast may not read {where}; add it to the chart's value evaluations.secrets, or bind its "
                "ServiceAccount lifecycle-operator to a Role that gets just this Secret"
            ) from None
        data: Json = secret.get("data") or {}
        try:
            if _USER in data and _PASSWORD in data:
                pair = b":".join((_plain(data[_USER]), _plain(data[_PASSWORD])))
                return f"Basic {base64.b64encode(pair).decode('ascii')}"
            token = _plain(data[reference.key]).decode("utf-8", "replace").strip() if reference.key in data else None
        except (binascii.Error, ValueError):
            token = ""
        if token is None and reference.optional:
            return ""
        if token is None:
            raise _ProblemError(
                f"{where} has neither the keys user and password nor the key {reference.key!r} of the provider's "
                "secretKeyRef"
            )
        if not _PRINTABLE.fullmatch(token):
            raise _ProblemError(f"key {reference.key!r} of {where} holds no token: it must be one word without spaces")
        return f"Bearer {token}"


def _read(model: type[T], raw: Json) -> T:
    """The view of an object whose CRD is not ours, and may let through what nobody can read."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        where = f"{raw['kind']} {raw['metadata']['namespace']}/{raw['metadata']['name']}"
        raise _ProblemError(f"{where} cannot be read: {field}: {error.errors()[0]['msg']}") from None


def _plain(encoded: Any) -> bytes:
    return base64.b64decode(str(encoded), validate=True)


def _knows_the_kind(error: NotFound) -> bool:
    """Whether the server knows the kind and just has no object of that name: only then it says which object."""
    return bool(error.details.get("name"))


def _types() -> str:
    return ", ".join(sorted(readings.SPEAK_PROMETHEUS))
