from pathlib import Path

import pytest

from examples.demo import kubectl


def _kubectl(folder: Path, script: str) -> None:
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


async def test_what_kubectl_prints_and_how_it_ends_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _kubectl(tmp_path, 'echo "asked: $*"; echo "error: over" >&2; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    status = await kubectl.rollout_status()
    assert status is not None
    assert status.command == "kubectl -n shop rollout status deployment checkout"
    assert status.output == "asked: -n shop rollout status deployment checkout --timeout=5s\nerror: over"
    assert status.exit_status == 1


async def test_without_kubectl_there_is_no_word_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await kubectl.rollout_status() is None
    assert await kubectl.metrics() is None


_PODS = 'if [ "$2" = pods ]; then echo "system/pods/one system/pods/two"; exit; fi'
_SAMPLE = 'keptn_app_deploymentduration{keptn_deployment_app_name="shop",keptn_deployment_app_namespace="shop"} 21'


async def test_the_figure_is_taken_from_the_worker_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = _SAMPLE.replace('namespace="shop"', 'namespace="another"')
    page = f"echo '{other}'; case \"$3\" in */two:2222/proxy/metrics) echo '{_SAMPLE}';; esac"
    _kubectl(tmp_path, f"{_PODS}; {page}")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert await kubectl.metrics() == kubectl.Metrics(_SAMPLE, "")


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("exit 0", "no worker was found"),
        ("echo forbidden; exit 1", "forbidden"),
        (f"{_PODS}; echo no route; exit 1", "no route"),
        (f"{_PODS}; echo holdfast_leader 0", "no line keptn_app_deploymentduration{…} about shop"),
    ],
)
async def test_why_there_is_no_figure_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, trouble: str
) -> None:
    _kubectl(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert await kubectl.metrics() == kubectl.Metrics("", trouble)
