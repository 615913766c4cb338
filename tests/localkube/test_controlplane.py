import json
from pathlib import Path

import pytest

from localkube import controlplane
from localkube.paths import Paths

PROGRAM = Path("/cache/program")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / "state", tmp_path / "run")
    found.config.mkdir(parents=True)
    return found


def options(argv: list[str]) -> dict[str, str]:
    assert argv[0] == str(PROGRAM)
    return {name: value for name, _, value in (word.partition("=") for word in argv[1:])}


def test_etcd_stays_on_loopback_and_never_syncs(paths: Paths) -> None:
    told = options(controlplane.etcd(paths, PROGRAM))
    urls = [value for name, value in told.items() if name.endswith("-urls")]
    assert len(urls) == 4
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    assert "--unsafe-no-fsync" in told


def test_the_api_server_binds_the_nodes_address_only(paths: Paths) -> None:
    told = options(controlplane.api_server(paths, PROGRAM))
    assert told["--bind-address"] == told["--advertise-address"] == "10.250.0.1"
    assert told["--authorization-mode"] == "Node,RBAC"
    assert told["--enable-aggregator-routing"] == "true"


def test_the_api_server_reaches_the_kubelet_by_its_own_certificate(paths: Paths) -> None:
    told = options(controlplane.api_server(paths, PROGRAM))
    assert told["--kubelet-client-certificate"] == f"{paths.pki}/apiserver-kubelet-client.crt"
    assert told["--kubelet-certificate-authority"] == f"{paths.pki}/ca.crt"


def test_the_controller_manager_runs_every_controller_without_an_election(paths: Paths) -> None:
    told = options(controlplane.controller_manager(paths, PROGRAM))
    assert told["--controllers"].split(",")[0] == "*"
    assert "token-cleaner-controller" in told["--controllers"]
    assert told["--leader-elect"] == "false"
    assert told["--bind-address"] == "127.0.0.1"


def test_client_limits_are_raised_everywhere(paths: Paths) -> None:
    told = options(controlplane.controller_manager(paths, PROGRAM))
    assert told["--kube-api-qps"] == "300"
    assert told["--concurrent-job-syncs"] == "20"
    file = Path(options(controlplane.scheduler(paths, PROGRAM))["--config"])
    assert json.loads(file.read_text())["clientConnection"]["qps"] == 300
