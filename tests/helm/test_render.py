"""helm/render.py and webhook-config/: the same as the chart, without Helm."""

import pytest
import yaml

from helm import render
from tests.helm.conftest import Json, Rendered


def test_the_manifests_are_what_the_chart_renders_to() -> None:
    assert render.stale() == [], "run `make generate`"


def applied() -> list[Json]:
    files = sorted(render.TARGET.glob("*.yaml"))
    return [item for file in files for item in yaml.load_all(file.read_text(), yaml.CSafeLoader) if item]


def identity(item: Json) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def test_nothing_of_the_chart_is_missing_and_the_namespace_comes_first(chart: Rendered) -> None:
    found = [identity(item) for item in applied()]
    assert found[0] == ("Namespace", render.NAMESPACE)
    assert sorted(found[1:]) == sorted(identity(item) for item in chart.objects)


def test_nothing_speaks_of_helm() -> None:
    for item in applied():
        metadata = item["metadata"]
        keys = {**metadata.get("labels", {}), **(metadata.get("annotations") or {})}
        assert not [key for key in keys if key.startswith("helm.sh/")]
        assert keys.get("app.kubernetes.io/managed-by") != "Helm"
        assert "annotations" not in metadata or metadata["annotations"]


def test_comments_that_explain_are_kept() -> None:
    assert "# Bare pods and the pods of Jobs" in (render.TARGET / render.EVERYTHING_ELSE).read_text()


def test_what_the_check_finds_it_names(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rendered = render.files()
    monkeypatch.setattr(render, "files", lambda: {**rendered, render.EVERYTHING_ELSE: "something else"})
    assert render.main(["--check"]) == 1
    assert f"webhook-config/{render.EVERYTHING_ELSE} is not what the chart renders to" in capsys.readouterr().out


def test_annotations_that_are_left_empty_go_and_others_stay() -> None:
    text = "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n  labels:\n    a: b\n"
    assert render.plain(text) == "metadata:\n  labels:\n    a: b\n"
    text = "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n    x: y\n"
    assert render.plain(text) == "metadata:\n  annotations:\n    x: y\n"


def test_without_helm_it_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELM", raising=False)
    monkeypatch.setenv("PATH", "/no/such/folder")
    monkeypatch.setattr(render, "ROOT", render.ROOT / "no such folder")
    with pytest.raises(render.RenderError, match="make cluster"):
        render.find_helm()
