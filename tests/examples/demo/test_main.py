from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from app.api.core import Pod
from examples.demo import __main__ as demo
from examples.demo import shop
from examples.demo.shop import Expected
from examples.demo.story import Story
from tests.examples.demo import tale
from tests.examples.demo.cluster import Cluster

pytestmark = pytest.mark.looptime

DATABASE = Expected("StatefulSet", "cart-db", "cart-db-migrations", "python", 2, "shop")
AGENT = Expected("DaemonSet", "node-agent", "node-agent-memory", "container", None, "shop")


def _all_goes_well(told: Story) -> None:
    tale.tell_all(told)
    second: Pod = tale.pod(tale.GOOD, held=False, ready=True, name="storefront-2")
    told.pod(4.0, None, second)
    for workload in (DATABASE, AGENT):
        told.pod(0.0, None, tale.pod(workload, held=True))
        tale.run(told, workload.definition, 1.0, 2.0)
        told.pod(3.0, None, tale.pod(workload, held=False, ready=True))
    told.pod(4.0, None, tale.pod(DATABASE, held=False, ready=True, name="cart-db-2"))


def _checkout_is_let_go(told: Story) -> None:
    _all_goes_well(told)
    told.pod(9.0, None, tale.pod(tale.BAD, held=False, name="checkout-1"))


async def _run(monkeypatch: pytest.MonkeyPatch, cluster: Cluster, *, terminal: bool) -> tuple[int, str]:
    async def connect() -> Cluster:
        return cluster

    async def no_kubectl() -> None:
        return None

    monkeypatch.setattr("examples.demo.__main__.KubeApi.connect", connect)
    monkeypatch.setattr("examples.demo.kubectl.rollout_status", no_kubectl)
    monkeypatch.setattr("examples.demo.kubectl.metrics", no_kubectl)
    file = StringIO()
    console = Console(file=file, width=120, force_terminal=terminal, highlight=False)
    status = await demo._run(console, 120.0, plain=not terminal)
    return status, file.getvalue()


async def test_in_a_log_all_is_told_in_lines_and_the_end_is_success(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(_all_goes_well)
    status, text = await _run(monkeypatch, cluster, terminal=False)
    assert status == 0, text
    assert "\x1b" not in text
    assert "StatefulSet cart-db: pod cart-db-1 is held" in text
    assert "Deployment checkout: the rollout has failed" in text
    assert "Application shop: Completed, Succeeded" in text
    assert "NO " not in text
    assert text.rstrip().endswith("make cluster-down")
    assert cluster.applied[0] == "Namespace shop"


async def test_on_a_terminal_there_is_a_picture_that_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = await _run(monkeypatch, Cluster(_all_goes_well), terminal=True)
    assert status == 0, text
    assert "\x1b[" in text
    assert text.count("The shop after") > 5


async def test_a_failed_one_that_is_let_go_makes_the_demo_fail_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = await _run(monkeypatch, Cluster(_checkout_is_let_go), terminal=False)
    assert status == 1
    assert "NO   its pods are still held" in text
    assert "not held: checkout-1" in text
    assert "The last events in namespace shop" in text


async def test_a_cluster_in_which_nothing_happens_is_given_up_after_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, text = await _run(monkeypatch, Cluster(), terminal=False)
    assert status == 1
    assert "Not everything has happened within 120 s." in text


async def test_the_shop_of_an_earlier_run_is_taken_away_first(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(_all_goes_well, shop_is_there=True)
    status, text = await _run(monkeypatch, cluster, terminal=False)
    assert status == 0, text
    assert "Taking away the shop of an earlier run" in text
    assert cluster.deleted == ["namespaces"]
    assert len(cluster.applied) == len(shop.documents())


@pytest.mark.parametrize("missing_crds", [True, False])
async def test_without_holdfast_nothing_is_applied(monkeypatch: pytest.MonkeyPatch, missing_crds: bool) -> None:
    cluster = Cluster(_all_goes_well, ready=missing_crds)
    cluster.missing_crds = missing_crds
    status, text = await _run(monkeypatch, cluster, terminal=False)
    assert status == 2
    assert "Run `make install` first." in text
    assert cluster.applied == []


def test_without_a_cluster_the_demo_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    monkeypatch.setattr("sys.argv", ["demo"])
    assert demo.main() == 2
    assert "Run `make cluster`" in " ".join(capsys.readouterr().out.split())


def test_a_former_shop_that_does_not_go_is_said_and_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def stuck(*_: object) -> int:
        raise TimeoutError

    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setattr("sys.argv", ["demo"])
    monkeypatch.setattr("examples.demo.__main__._run", stuck)
    assert demo.main() == 2
    assert "does not go away" in capsys.readouterr().out
