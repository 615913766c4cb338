import io
import json

from rich.console import Console

from app.migrate import report
from app.migrate.cluster import Cluster, Unread
from app.migrate.finding import Level
from tests.app.migrate.objects import VERSION, cluster, crd, crds, custom, operator

BUSY = cluster(
    crds=crds(crd("keptntasks")),
    operators=(operator("lifecycle-operator", "registry.example.com/keptn/lifecycle-operator:v2"),),
    definitions=(custom("KeptnTaskDefinition", "[red]", spec={}),),
    versions=(VERSION.passed().status(status="Succeeded").raw,),
    unread=(Unread("all Pods", "not [you]"),),
)


def shown(of: Cluster) -> str:
    out = io.StringIO()
    report.show(Console(file=out, width=60), of, report.findings(of))
    return out.getvalue()


def test_what_needs_somebody_comes_first() -> None:
    levels = [each.level for each in report.findings(BUSY)]
    assert levels == [Level.ACTION, Level.ACTION, Level.NOTE]
    assert report.needs_action(report.findings(BUSY))


def test_a_cluster_without_keptn_needs_nobody() -> None:
    found = report.findings(cluster())
    assert [each.level for each in found] == [Level.NOTE]
    assert not report.needs_action(found)
    assert "There is nothing to do." in shown(cluster())


def test_for_programs_all_of_it_is_there() -> None:
    read = json.loads(report.as_json(BUSY, report.findings(BUSY)))
    assert (read["installation"], read["action"], read["unread"]) == (
        "keptn-system",
        True,
        [{"what": "all Pods", "why": "not [you]"}],
    )
    assert read["findings"][0].keys() == {"level", "about", "what", "do"}
    assert [each["level"] for each in read["findings"]] == ["action", "action", "note"]


def test_for_people_names_are_whole_and_as_they_are() -> None:
    text = shown(BUSY)
    assert "To do (2)" in text
    assert "KeptnTaskDefinition shop/[red]" in text
    assert "all Pods: not [you]" in text
    assert "There is something to do." in text
    assert max(map(len, text.splitlines())) <= 60


def test_nothing_is_said_twice() -> None:
    twice = cluster(definitions=(custom("KeptnTaskDefinition", "a", spec={}),) * 2, crds=crds(crd("keptntasks")))
    assert len(report.findings(twice)) == 1
