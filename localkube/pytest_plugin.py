"""For tests that need the cluster: `pytest_plugins = ["localkube.pytest_plugin"]` and the fixture `kubeconfig`."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from localkube import cluster
from localkube.paths import default_paths, repository

UP: tuple[str, ...] = (sys.executable, "-m", "localkube", "up")


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of the running cluster, which is started when it is not up, and left up afterwards."""
    paths = default_paths()
    if not cluster.is_up(paths):
        with shown(request.config):
            done = subprocess.run(UP, cwd=repository(), check=False)
        if done.returncode != 0:
            pytest.fail(f"`{' '.join(UP[1:])}` ended with {done.returncode}; it said above why", pytrace=False)
    return paths.kubeconfig


def shown(config: pytest.Config) -> AbstractContextManager[None]:
    """Let output through while a first start builds for minutes: silence would look like a hang."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return nullcontext()
    through: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return through
