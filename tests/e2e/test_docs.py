"""Every example of the documentation works: each page's blocks, in order, in a namespace of the page's own."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from docsite import blocks
from tests.e2e import dump, pages
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.namespaces import Namespaces

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 8
DEFINITION = """
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata:
  name: check
spec:
  python:
    inline:
      code: print("hello")
  retries: 3
"""
EXAMPLES = {name: blocks.blocks((ROOT / name).read_text()) for name in blocks.pages(ROOT)}
PAGES = [name for name, found in EXAMPLES.items() if any(each.is_yaml or each.tests for each in found)]


@pytest.fixture(scope="module")
def walks(
    kube: Kube, kubectl: Kubectl, namespaces: Namespaces, python_image: str, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[None]]]:
    """All pages that are asked for, several at once: most of the time is the cluster's."""
    ours = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    wanted = [str(item.callspec.params["page"]) for item in ours if "page" in item.callspec.params]

    def walk(name: str) -> None:
        namespace = namespaces.new("docs-" + Path(name).stem)
        try:
            pages.Page(kube, kubectl, namespace, python_image, EXAMPLES[name]).walk()
        except Exception as error:
            error.add_note(dump.namespace(kube, namespace))
            raise
        finally:
            namespaces.delete(namespace)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(walk, name) for name in wanted}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_work(page: str, walks: dict[str, Future[None]]) -> None:
    walks[page].result(timeout=300)


@pytest.mark.parametrize(
    ("language", "text", "tests", "complaint"),
    [
        ("yaml", DEFINITION.replace("retries", "retires"), (), "retires"),
        ("yaml", "spec: {}\n", (), "no object"),
        ("yaml", "failurePolicy: Perhaps\n", ("values",), "failurePolicy"),
        ("", "kubectl get configmap that-is-not-there\n", ("run",), "that-is-not-there"),
        ("yaml", DEFINITION, ("until KeptnTaskDefinition/check spec.retries=4",), "spec.retries=4"),
    ],
)
def test_an_example_that_does_not_work_is_found(
    kube: Kube,
    kubectl: Kubectl,
    namespace: str,
    python_image: str,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    text: str,
    tests: tuple[str, ...],
    complaint: str,
) -> None:
    monkeypatch.setattr(pages, "PATIENCE", 1)
    block = blocks.Block(7, language, text, tests)
    with pytest.raises(Exception, match=complaint) as found:
        pages.Page(kube, kubectl, namespace, python_image, [block]).walk()
    assert found.value.__notes__ == ["in the block at line 7"]
