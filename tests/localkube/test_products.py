import re
from dataclasses import replace
from pathlib import Path

import pytest

from localkube import products
from localkube.products import COREDNS, ETCD, HELM, KUBERNETES, PRODUCTS, Product


def test_the_key_is_the_same_for_the_same_input() -> None:
    assert ETCD.key("x86_64") == ETCD.key("x86_64")
    assert re.fullmatch("[0-9a-f]{12}", ETCD.key())


@pytest.mark.parametrize(
    "changed",
    [
        replace(ETCD, version="3.6.7"),
        replace(ETCD, stamps=(("main.version", "x"),)),
        replace(ETCD, programs=(*ETCD.programs, *ETCD.programs)),
        replace(ETCD, name="helm"),
    ],
    ids=["version", "settings", "programs", "sources"],
)
def test_the_key_changes_with_whatever_goes_in(changed: Product) -> None:
    assert changed.key("x86_64") != ETCD.key("x86_64")


def test_the_key_changes_with_the_processor() -> None:
    assert ETCD.key("x86_64") != ETCD.key("aarch64")


def test_a_digest_does_not_run_words_together() -> None:
    assert products.digest(["ab", "c"], []) != products.digest(["a", "bc"], [])


def test_a_digest_reads_files_by_content(tmp_path: Path) -> None:
    file = tmp_path / "go.mod"
    file.write_text("one")
    first = products.digest([], [file])
    file.write_text("two")
    assert products.digest([], [file]) != first


@pytest.mark.parametrize(
    ("product", "required"),
    [
        (ETCD, "go.etcd.io/etcd/server/v3"),
        (KUBERNETES, "k8s.io/kubernetes"),
        (COREDNS, "github.com/coredns/coredns"),
        (HELM, "helm.sh/helm/v3"),
    ],
    ids=lambda value: value.name if isinstance(value, Product) else "",
)
def test_the_version_named_here_is_the_one_that_go_mod_requires(product: Product, required: str) -> None:
    wanted = rf"{re.escape(required)} v{re.escape(product.version)}(\s|$)"
    assert re.search(wanted, (product.module / "go.mod").read_text())


def test_every_staging_module_is_of_kubernetes_own_version() -> None:
    text = (KUBERNETES.module / "go.mod").read_text()
    replaced = re.findall(r"^\tk8s\.io/(\S+) => k8s\.io/(\S+) v0\.(\S+)$", text, re.MULTILINE)
    assert len(replaced) > 25
    minor_and_patch = KUBERNETES.version.partition(".")[2]
    assert all(old == new and version == minor_and_patch for old, new, version in replaced)


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_every_required_module_is_pinned_by_checksum(product: Product) -> None:
    pinned = (product.module / "go.sum").read_text()
    assert pinned.count(" h1:") > 100


def test_kubernetes_programs_are_stamped_with_their_version() -> None:
    assert "-X k8s.io/component-base/version.gitVersion=v1.34.4" in KUBERNETES.linker_flags
    assert "-X k8s.io/component-base/version.gitMinor=34" in KUBERNETES.linker_flags


def test_coredns_links_every_plugin_that_the_corefile_names() -> None:
    source = (COREDNS.module / "main.go").read_text()
    linked = set(re.findall(r"coredns/plugin/(\w+)\"", source))
    assert {"bind", "errors", "forward", "health", "kubernetes", "ready"} <= linked


def test_a_product_lies_in_the_cache_under_its_key(tmp_path: Path) -> None:
    assert ETCD.folder(tmp_path) == tmp_path / "products" / f"etcd-3.6.6-{ETCD.key()}"
