import pytest

from app.cluster import selector

LABELS = {"app": "shop", "tier": "web", "empty": ""}


@pytest.mark.parametrize(
    "text",
    ["", "app", "app=shop", "app==shop", "app = shop", "app!=other", "none!=x", "!none", "app in (a, shop)",
     "app notin (a,b)", "none notin (a)", "app=shop,tier in (web,db),!none", "empty="],
)  # fmt: skip
def test_labels_that_match(text: str) -> None:
    assert selector.labels_match(text, LABELS)


@pytest.mark.parametrize(
    "text",
    ["none", "app=other", "app!=shop", "!app", "app in (a,b)", "none in (a)", "app notin (shop)", "app=shop,none"],
)
def test_labels_that_do_not_match(text: str) -> None:
    assert not selector.labels_match(text, LABELS)


def test_fields_are_paths_and_missing_ones_are_empty() -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}}
    assert selector.fields_match("", pod)
    assert selector.fields_match("metadata.name=p,spec.nodeName!=m,status.phase=", pod)
    assert not selector.fields_match("metadata.name=p,spec.nodeName=m", pod)
