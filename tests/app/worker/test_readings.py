import base64
from typing import Any

import pytest

from app.api.evaluation import EvaluationDefinition, Objective
from app.cluster import errors, resources
from app.lifecycle.evaluations import Reading
from app.worker.prometheus import AskError, Server
from app.worker.readings import Readings
from tests.app.worker.world import INSTALLATION, World
from tests.builders import SHOP, evaluation_definition
from tests.fakes.api import Call
from tests.simulation.clock import stamp

pytestmark = pytest.mark.looptime

URL = "http://prometheus.monitoring:9090"
SLO = evaluation_definition("slo").objective("errors", "<1")
QUERY = evaluation_definition("slo").objective("errors", "<1", "sum(errors)")
PLACES = (SHOP, INSTALLATION, "elsewhere")


class Asked:
    """A metrics server that notes what it is asked."""

    def __init__(self, answer: str | AskError = "7") -> None:
        self.answer = answer
        self.calls: list[tuple[Server, str]] = []

    async def __call__(self, server: Server, query: str) -> str:
        self.calls.append((server, query))
        if isinstance(self.answer, AskError):
            raise self.answer
        return self.answer


async def read(world: World, asked: Asked, definition: EvaluationDefinition) -> Reading:
    objective: Objective = definition.spec.objectives[0]
    return await Readings(world.context, asked).read(objective, definition, SHOP)


async def problem(world: World, definition: EvaluationDefinition, asked: Asked | None = None) -> str:
    said = await read(world, asked or Asked(), definition)
    assert not said.value
    assert asked is None or not asked.calls
    return said.problem


def metric(world: World, value: str = "5", namespace: str = SHOP, *, age: float = 0.0, **spec: Any) -> None:
    """A KeptnMetric that is fetched every ten seconds, with what its operator has written, "" for nothing."""
    spec = {"provider": {"name": "prom"}, "query": "sum(x)", "fetchIntervalSeconds": 10, **spec}
    status = {"value": value, "rawValue": value and "NQ==", "lastUpdated": stamp(-age)} if value else {}
    world.api.make(resources.METRICS, "errors", namespace, spec=spec, status=status)


def provider(world: World, name: str = "prom", namespace: str = SHOP, **spec: Any) -> None:
    given = {"type": "prometheus", "targetServer": URL, **spec}
    world.api.make(resources.METRICS_PROVIDERS, name, namespace, spec=given)


def secret(world: World, namespace: str = SHOP, **data: str | bytes) -> None:
    encoded = {
        key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        for key, value in data.items()
    }
    world.api.make(resources.SECRETS, "token", namespace, data=encoded)


def refusing(world: World, plural: str, error: errors.ApiError) -> None:
    def refuse(call: Call) -> None:
        if call.resource == plural:
            raise error

    world.api.before = refuse


class TestAKeptnMetric:
    async def test_is_read_from_its_status(self) -> None:
        asked = Asked()
        async with World(works=False) as world:
            metric(world)
            assert await read(world, asked, SLO.view) == Reading("5")
        assert asked.calls == []

    @pytest.mark.parametrize(
        ("there", "expected"),
        [
            ((SHOP, INSTALLATION), SHOP),
            ((INSTALLATION, "elsewhere"), INSTALLATION),
            (("elsewhere",), ""),
        ],
    )
    async def test_is_the_evaluations_namespaces_else_the_installations(
        self, there: tuple[str, ...], expected: str
    ) -> None:
        async with World(works=False) as world:
            for number, place in enumerate(PLACES):
                if place in there:
                    metric(world, str(number), place)
            said = await read(world, Asked(), SLO.view)
        if expected:
            assert said == Reading(str(PLACES.index(expected)))
        else:
            assert said == Reading(problem="there is no KeptnMetric errors in namespace shop or keptn-system")

    async def test_that_names_its_namespace_is_looked_for_nowhere_else(self) -> None:
        there = evaluation_definition("slo").objective("errors", "<1", namespace="elsewhere").view
        async with World(works=False) as world:
            metric(world)
            metric(world, namespace=INSTALLATION)
            assert await problem(world, there) == "there is no KeptnMetric errors in namespace elsewhere"
            metric(world, "9", "elsewhere")
            assert await read(world, Asked(), there) == Reading("9")

    async def test_is_read_anew_each_time(self) -> None:
        async with World(works=False) as world:
            metric(world)
            assert (await read(world, Asked(), SLO.view)).value == "5"
            metric(world, "6")
            assert (await read(world, Asked(), SLO.view)).value == "6"

    async def test_in_a_cluster_without_its_kind_says_what_to_do(self) -> None:
        async with World(works=False) as world:
            refusing(world, "keptnmetrics", errors.NotFound(404, "HTTP404", "no message"))
            assert "the cluster has no KeptnMetrics (metrics.keptn.sh/v1)" in await problem(world, SLO.view)

    async def test_that_we_may_not_read_is_a_problem(self) -> None:
        async with World(works=False) as world:
            refusing(world, "keptnmetrics", errors.Forbidden(403, "Forbidden", "cannot get"))
            assert await problem(world, SLO.view) == "may not read KeptnMetric shop/errors: cannot get"

    async def test_in_an_outage_of_the_api_server_is_tried_again_at_no_cost(self) -> None:
        async with World(works=False) as world:
            refusing(world, "keptnmetrics", errors.Unavailable(503, "X", "busy"))
            with pytest.raises(errors.Unavailable):
                await read(world, Asked(), SLO.view)

    async def test_whose_value_is_of_another_kind_is_a_problem(self) -> None:
        async with World(works=False) as world:
            world.api.make(resources.METRICS, "errors", SHOP, status={"value": 5})
            assert "KeptnMetric shop/errors cannot be read: status.value: " in await problem(world, SLO.view)

    async def test_of_nobody_is_a_problem(self) -> None:
        async with World(works=False) as world:
            assert "write keptnMetricRef.name" in await problem(
                world, evaluation_definition("s").objective("", "<1").view
            )


class TestAMetricThatNobodyFills:
    async def test_is_asked_of_its_provider(self) -> None:
        asked = Asked()
        async with World(works=False) as world:
            metric(world, "")
            provider(world)
            assert await read(world, asked, SLO.view) == Reading("7")
        assert asked.calls == [(Server(URL), "sum(x)")]

    @pytest.mark.parametrize(("age", "value"), [(0, "5"), (29, "5"), (31, "7"), (1e6, "7")])
    async def test_any_more_is_one_that_is_three_intervals_old(self, age: float, value: str) -> None:
        async with World(works=False) as world:
            metric(world, age=age)
            provider(world)
            assert await read(world, Asked(), SLO.view) == Reading(value)

    @pytest.mark.parametrize("kind", ["thanos", "cortex"])
    async def test_is_asked_of_what_speaks_the_same(self, kind: str) -> None:
        async with World(works=False) as world:
            metric(world, "")
            provider(world, type=kind)
            assert await read(world, Asked(), SLO.view) == Reading("7")

    async def test_is_asked_of_a_provider_whose_name_is_its_type(self) -> None:
        async with World(works=False) as world:
            metric(world, "", provider={"name": "prometheus"})
            provider(world, "prometheus", type="")
            assert await read(world, Asked(), SLO.view) == Reading("7")

    @pytest.mark.parametrize(
        ("of_provider", "of_metric"),
        [
            ({"type": "datadog"}, {}),
            ({}, {"range": {"interval": "5m", "aggregation": "p90"}}),
            ({}, {"query": ""}),
            ({}, {"provider": {"name": "another"}}),
            ({}, {"provider": {}}),
        ],
    )
    async def test_and_that_is_not_for_us_to_ask_has_its_old_value_or_none(
        self, of_provider: dict[str, Any], of_metric: dict[str, Any]
    ) -> None:
        asked = Asked()
        async with World(works=False) as world:
            provider(world, **of_provider)
            metric(world, "", **of_metric)
            assert "is Keptn's metrics operator running?" in await problem(world, SLO.view, asked)
            metric(world, age=3600, **of_metric)
            assert await read(world, asked, SLO.view) == Reading("5", note="last updated 1h0m0s ago")
        assert asked.calls == []

    async def test_says_what_its_operator_said_last(self) -> None:
        async with World(works=False) as world:
            world.api.make(resources.METRICS, "errors", SHOP, status={"errMsg": "no values in query result"})
            assert "has no value: no values in query result; is Keptn's" in await problem(world, SLO.view)

    async def test_is_asked_with_the_secret_of_its_providers_namespace(self) -> None:
        asked = Asked()
        async with World(works=False) as world:
            metric(world, "", INSTALLATION)
            provider(world, namespace=INSTALLATION, secretKeyRef={"name": "token", "key": "t"})
            secret(world, INSTALLATION, t="abc")
            secret(world, SHOP, t="wrong")
            await read(world, asked, SLO.view)
        assert asked.calls[0][0].authorization == "Bearer abc"


class TestAQuery:
    async def test_goes_to_the_definitions_provider(self) -> None:
        asked = Asked()
        async with World(works=False) as world:
            given = QUERY.provider(type="prometheus", targetServer=URL, insecureSkipTlsVerify=True).view
            assert await read(world, asked, given) == Reading("7")
        assert asked.calls == [(Server(URL, "", True), "sum(errors)")]

    async def test_that_has_no_answer_is_a_problem(self) -> None:
        async with World(works=False) as world:
            said = await read(world, Asked(AskError("nobody there")), QUERY.provider(targetServer=URL).view)
            assert said == Reading(problem="nobody there")

    async def test_without_a_provider_says_what_to_add(self) -> None:
        async with World(works=False) as world:
            assert "add spec.provider with type prometheus and a targetServer" in await problem(
                world, QUERY.view, Asked()
            )

    async def test_of_another_type_says_which_can_be_asked(self) -> None:
        async with World(works=False) as world:
            given = QUERY.provider(type="datadog", targetServer=URL).view
            assert "of type 'datadog'; Holdfast can ask cortex, prometheus, thanos" in await problem(
                world, given, Asked()
            )

    @pytest.mark.parametrize("place", [SHOP, INSTALLATION])
    async def test_goes_to_the_provider_that_the_definition_names(self, place: str) -> None:
        asked = Asked()
        async with World(works=False) as world:
            provider(world, namespace=place, secretKeyRef={"name": "token", "key": "t"})
            secret(world, place, t="abc")
            await read(world, asked, QUERY.provider(name="prom").view)
        assert asked.calls == [(Server(URL, "Bearer abc"), "sum(errors)")]

    async def test_to_an_address_of_its_own_never_carries_the_secret_of_a_named_provider(self) -> None:
        asked = Asked()
        async with World(works=False) as world:
            provider(world, namespace=INSTALLATION, secretKeyRef={"name": "token", "key": "t"})
            secret(world, INSTALLATION, t="abc")
            await read(world, asked, QUERY.provider(name="prom", targetServer="http://mine").view)
            own = QUERY.provider(name="prom", targetServer="http://mine", secretKeyRef={"name": "token", "key": "t"})
            assert "there is no Secret shop/token" in (await read(world, asked, own.view)).problem
        assert asked.calls == [(Server("http://mine"), "sum(errors)")]

    async def test_to_a_provider_that_is_not_there_says_where_it_was_looked_for(self) -> None:
        async with World(works=False) as world:
            said = await problem(world, QUERY.provider(name="prom").view, Asked())
            assert "there is no KeptnMetricsProvider prom in namespace shop or keptn-system" in said

    async def test_of_a_shared_definition_takes_the_secret_of_the_definitions_namespace(self) -> None:
        asked = Asked()
        given = QUERY.in_namespace(INSTALLATION).provider(targetServer=URL, secretKeyRef={"name": "token", "key": "t"})
        async with World(works=False) as world:
            secret(world, INSTALLATION, t="abc")
            secret(world, SHOP, t="wrong")
            await read(world, asked, given.view)
        assert asked.calls[0][0].authorization == "Bearer abc"


class TestTheSecret:
    @staticmethod
    def definition(*, optional: bool = False, key: str = "t") -> EvaluationDefinition:
        reference = {"name": "token", "key": key, "optional": optional}
        return QUERY.provider(targetServer=URL, secretKeyRef=reference).view

    async def authorization(self, world: World, **of: Any) -> str:
        asked = Asked()
        assert await read(world, asked, self.definition(**of)) == Reading("7")
        return asked.calls[0][0].authorization

    async def test_holds_a_token_under_its_key(self) -> None:
        async with World(works=False) as world:
            secret(world, t="abc\n")
            assert await self.authorization(world) == "Bearer abc"

    async def test_holds_user_and_password_as_for_keptn_whatever_the_key(self) -> None:
        async with World(works=False) as world:
            secret(world, user="me", password="pä:ss", t="abc")
            expected = base64.b64encode("me:pä:ss".encode()).decode()
            assert await self.authorization(world) == f"Basic {expected}"
            assert await self.authorization(world, key="") == f"Basic {expected}"

    async def test_is_read_anew_each_time(self) -> None:
        async with World(works=False) as world:
            secret(world, t="old")
            await self.authorization(world)
            secret(world, t="new")
            assert await self.authorization(world) == "Bearer new"

    async def test_that_is_optional_may_be_missing_or_without_the_key(self) -> None:
        async with World(works=False) as world:
            assert await self.authorization(world, optional=True) == ""
            secret(world, user="me")
            assert await self.authorization(world, optional=True) == ""

    async def test_that_is_missing_is_a_problem_and_nobody_is_asked(self) -> None:
        async with World(works=False) as world:
            assert "there is no Secret shop/token" in await problem(world, self.definition(), Asked())

    async def test_without_the_key_says_which_it_has_to_have(self) -> None:
        async with World(works=False) as world:
            secret(world, user="me", other="abc")
            said = await problem(world, self.definition(), Asked())
            assert "neither the keys user and password nor the key 't'" in said

    @pytest.mark.parametrize("optional", [True, False])
    async def test_that_we_may_not_read_says_how_to_let_us(self, optional: bool) -> None:
        async with World(works=False) as world:
            secret(world, t="abc")
            refusing(world, "secrets", errors.Forbidden(403, "Forbidden", "no"))
            said = await problem(world, self.definition(optional=optional), Asked())
            assert "may not read Secret shop/token; add it to the chart's value evaluations.secrets" in said

    @pytest.mark.parametrize("token", ["", "two words", "a\r\nHost: x", "ä", b"\xff", "a\0b"])
    async def test_with_what_cannot_be_in_a_header_is_refused_without_saying_it(self, token: str | bytes) -> None:
        async with World(works=False) as world:
            secret(world, t=token)
            said = await problem(world, self.definition(), Asked())
            assert said == "key 't' of Secret shop/token holds no token: it must be one word without spaces"

    async def test_that_is_no_base64_is_refused(self) -> None:
        async with World(works=False) as world:
            world.api.make(resources.SECRETS, "token", SHOP, data={"t": "%%%"})
            assert "holds no token" in await problem(world, self.definition(), Asked())
