import os
import subprocess
import sys
from pathlib import Path

import pytest

from localkube.paths import default_paths, repository

# A test run of its own, in which starting the cluster is a command that says so and ends with FAKE_CODE.
CONFTEST = """
import os, sys
from localkube import cluster, pytest_plugin

pytest_plugins = ["localkube.pytest_plugin"]
cluster.is_up = lambda paths: bool(os.environ.get("FAKE_UP"))
pytest_plugin.UP = (sys.executable, "-c", "print('STARTED'); exit(int('" + os.environ["FAKE_CODE"] + "'))")
"""
TESTS = """
def test_one(kubeconfig):
    print("KUBECONFIG", kubeconfig)

def test_two(kubeconfig):
    assert kubeconfig.name == "kubeconfig"
"""


def outcome(folder: Path, *options: str, code: int = 0, up: str = "") -> str:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *options, "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(repository()), "FAKE_CODE": str(code), "FAKE_UP": up},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_a_running_cluster_is_taken_as_it_is(tmp_path: Path) -> None:
    told = outcome(tmp_path, "-s", up="yes")
    assert "2 passed" in told
    assert "STARTED" not in told
    assert f"KUBECONFIG {default_paths().kubeconfig}" in told


def test_a_cluster_that_is_down_is_started_once_and_in_sight(tmp_path: Path) -> None:
    told = outcome(tmp_path)
    assert "2 passed" in told
    # With is_up faked to stay false, a second start would show.
    assert told.count("STARTED") == 1


@pytest.mark.parametrize("code", [1, 130])
def test_a_cluster_that_will_not_start_fails_the_tests_and_skips_none(tmp_path: Path, code: int) -> None:
    told = outcome(tmp_path, code=code)
    assert "2 errors" in told
    assert f"ended with {code}; it said above why" in told
