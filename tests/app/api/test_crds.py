import json
from pathlib import Path

import pytest
import yaml

from app.api import crds
from app.api.versions import KINDS, Kind

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("folder", crds.FOLDERS)
def test_the_committed_crds_are_what_the_models_give(folder: str, tmp_path: Path) -> None:
    fresh = crds.write_crds(tmp_path)
    committed = {path.name: path.read_text() for path in (ROOT / folder).glob("*.yaml")}
    assert committed == {path.name: path.read_text() for path in fresh}, "run: python -m app.api.crds"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_written_reads_back_as_it_was_made(kind: Kind, tmp_path: Path) -> None:
    crds.write_crds(tmp_path / "made")
    loaded = yaml.safe_load((tmp_path / "made" / f"{kind.plural}.{kind.group}.yaml").read_text())
    assert loaded == crds.crd(kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_newest_version_is_stored_and_every_version_keeps_its_status_apart(kind: Kind) -> None:
    versions = crds.crd(kind)["spec"]["versions"]
    assert [version["name"] for version in versions if version["storage"]] == [kind.versions[0].name]
    assert all(version["subresources"] == {"status": {}} for version in versions)


def test_a_client_that_applies_a_crd_can_annotate_it_with_the_whole() -> None:
    # kubectl apply without --server-side keeps a copy in an annotation, and annotations hold 256 KiB.
    for kind in KINDS:
        assert len(json.dumps(crds.crd(kind))) < 200_000
