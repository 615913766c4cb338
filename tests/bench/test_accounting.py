from typing import Any

import pytest

from app.cluster.errors import NotFound
from bench import accounting
from bench.accounting import Written

pytestmark = pytest.mark.looptime


def _page(events: int, leases: int, tasks: int, other: int = 0) -> str:
    name = "apiserver_flowcontrol_dispatched_requests_total"
    counts = {"events": events, "leases": leases, "writes-keptntask": tasks, "writes-other": other}
    lines = [
        f'{name}{{flow_schema="holdfast-bench-{kind}",priority_level="workload-low"}} {count}'
        for kind, count in counts.items()
    ]
    return "\n".join([*lines, f'{name}{{flow_schema="service-accounts",priority_level="workload-low"}} 1000'])


class _Cluster:
    """Takes FlowSchemas, and has a metrics page on which the leases move if `counts`."""

    def __init__(self, *, counts: bool) -> None:
        self.schemas: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self._counts = counts
        self._leases = 5

    async def create(self, resource: object, body: dict[str, Any], *_: object, **__: object) -> dict[str, Any]:
        self.schemas.append(body)
        return body

    async def delete(self, resource: object, name: str, *_: object, **__: object) -> dict[str, Any]:
        self.deleted.append(name)
        if len(self.deleted) == 2:
            raise NotFound(404, "NotFound", "it is gone")
        return {}

    async def metrics(self) -> str:
        self._leases += self._counts
        return _page(0, self._leases, 0)


def test_events_leases_and_all_else_are_told_apart() -> None:
    written = accounting.written(_page(3, 4, 5, other=2))
    assert (written.events, written.leases, written.others) == (3, 4, 7)
    assert {kind: count for kind, count in written.kinds.items() if count} == {"KeptnTask": 5, "other": 2}


def test_a_difference_and_a_sum_of_what_was_written() -> None:
    assert Written(5, 6, {"Pod": 7, "Job": 1}).since(Written(1, 2, {"Pod": 3})) == Written(4, 4, {"Pod": 4, "Job": 1})
    assert Written(1, 1, {"Pod": 1}).plus(Written(1, 2, {"Job": 3})) == Written(2, 3, {"Pod": 1, "Job": 3})


async def test_the_narrow_schemas_come_before_the_one_for_all_else() -> None:
    cluster = _Cluster(counts=True)
    assert await accounting.begin(cluster, "keptn-system", "rollouts", cluster.metrics)  # type: ignore[arg-type]
    by_precedence = sorted(cluster.schemas, key=lambda body: body["spec"]["matchingPrecedence"])
    rules = [body["spec"]["rules"][0]["resourceRules"][0] for body in by_precedence]
    plurals = [rule["resources"] for rule in rules]
    assert (plurals[0], plurals[1], plurals[-1]) == (["events"], ["leases"], ["*"])
    assert ["keptntasks", "keptntasks/status"] in plurals[2:-1]
    assert [rule["namespaces"] for rule in rules[:3]] == [["rollouts"], ["keptn-system"], ["rollouts"]]
    precedences = [body["spec"]["matchingPrecedence"] for body in by_precedence]
    assert len(set(precedences)) == len(precedences)
    for body in cluster.schemas:
        assert body["spec"]["rules"][0]["subjects"][0]["group"]["name"] == "system:serviceaccounts:keptn-system"


async def test_it_does_not_work_if_the_leaders_lease_renewals_never_show() -> None:
    cluster = _Cluster(counts=False)
    assert not await accounting.begin(cluster, "keptn-system", "rollouts", cluster.metrics, seconds=1)  # type: ignore[arg-type]


async def test_schemas_of_a_run_that_was_killed_are_made_anew() -> None:
    cluster = _Cluster(counts=True)
    assert await accounting.begin(cluster, "keptn-system", "rollouts", cluster.metrics)  # type: ignore[arg-type]
    assert cluster.deleted == [body["metadata"]["name"] for body in cluster.schemas]


async def test_all_schemas_are_taken_away_though_one_is_gone_already() -> None:
    cluster = _Cluster(counts=True)
    await accounting.end(cluster)  # type: ignore[arg-type]
    assert cluster.deleted == [body["metadata"]["name"] for body in accounting.schemas("", "")]
