import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_clients_synchronous_half_and_its_typed_models_stay_out_of_memory() -> None:
    loaded = run("import sys, app.cluster.kube; print(*sys.modules)").split()
    assert "kubernetes.aio.client.rest" in loaded
    unwanted = {"requests", "urllib3", "oauthlib", "kubernetes.client", "kubernetes.aio.client.models.v1_pod"}
    assert unwanted.isdisjoint(loaded)


def test_the_whole_client_can_still_be_imported_afterwards() -> None:
    code = "import app.cluster.kube, kubernetes, kubernetes.aio; print(kubernetes.aio.client.V1Pod.__name__)"
    assert run(code) == "V1Pod"


def test_a_client_that_was_imported_before_is_used_as_it_is() -> None:
    code = "import kubernetes as before, app.cluster.kube, sys; print(sys.modules['kubernetes'] is before)"
    assert run(code) == "True"
