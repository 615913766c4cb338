"""Every example of the documentation works: each page's blocks, in order, in a namespace of the page's own."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from docsite import blocks
from tests.e2e import dump
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.namespaces import Namespaces
from tests.e2e.pages import Page

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 8
EXAMPLES = {name: blocks.blocks((ROOT / name).read_text()) for name in blocks.pages(ROOT)}
PAGES = [name for name, found in EXAMPLES.items() if any(each.is_yaml or each.tests for each in found)]


@pytest.fixture(scope="module")
def walks(
    kube: Kube, kubectl: Kubectl, namespaces: Namespaces, python_image: str, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[None]]]:
    """All pages that are asked for, several at once: most of the time is the cluster's."""
    wanted = [
        item.callspec.params["page"]
        for item in request.session.items
        if hasattr(item, "callspec") and item.path == request.path
    ]

    def walk(name: str) -> None:
        namespace = namespaces.new("docs-" + Path(name).stem)
        try:
            Page(kube, kubectl, namespace, python_image, EXAMPLES[name]).walk()
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
