"""The chart's CRDs: those of crds/, kept when the release goes."""

import copy
from pathlib import Path

import yaml

from tests.helm.conftest import Json, Rendered

CRDS = Path(__file__).resolve().parents[2] / "crds"


def test_they_are_those_of_the_repository(chart: Rendered) -> None:
    def bare(crd: Json) -> Json:
        crd = copy.deepcopy(crd)
        del crd["metadata"]
        return crd

    ours = {file.stem: bare(yaml.safe_load(file.read_text())) for file in CRDS.glob("*.yaml")}
    assert ours
    assert {crd["metadata"]["name"]: bare(crd) for crd in chart.all("CustomResourceDefinition")} == ours


def test_they_outlive_the_release(chart: Rendered) -> None:
    for crd in chart.all("CustomResourceDefinition"):
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_they_keep_their_own_labels_beside_the_charts(chart: Rendered) -> None:
    for crd in chart.all("CustomResourceDefinition"):
        own = yaml.safe_load((CRDS / f"{crd['metadata']['name']}.yaml").read_text())["metadata"]["labels"]
        assert own.items() <= crd["metadata"]["labels"].items()
        assert crd["metadata"]["labels"]["app.kubernetes.io/instance"] == "holdfast"
