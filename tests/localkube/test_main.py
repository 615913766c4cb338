from pathlib import Path

import pytest

from localkube import __main__ as program
from localkube import cluster
from localkube.errors import LocalkubeError
from localkube.paths import Paths
from localkube.progress import Progress


@pytest.fixture(autouse=True)
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    found = Paths(tmp_path / "state", tmp_path / "run")
    monkeypatch.setattr(program, "default_paths", lambda: found)
    return found


def test_status_of_nothing_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["status"]) == 3
    assert capsys.readouterr().out == "The cluster is down.\n"


def test_loading_without_a_cluster_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["load", "image.tar"]) == 1
    assert "localkube: the cluster is not up: run `python3 -m localkube up` first" in capsys.readouterr().err


def test_what_a_person_has_to_act_on_comes_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(paths: Paths, cache: Path, progress: Progress) -> float:
        raise LocalkubeError("a cluster needs root")

    monkeypatch.setattr(cluster, "up", refuse)
    assert program.main(["up"]) == 1
    assert capsys.readouterr().err == "localkube: a cluster needs root\n"


def test_a_start_tells_its_time_and_how_things_stand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "up", lambda paths, cache, progress: 5.25)
    assert program.main(["up"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "The start took 5.2 s."


def test_ctrl_c_says_that_the_next_start_clears_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(paths: Paths, progress: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster, "down", interrupt)
    assert program.main(["down"]) == 130
    assert "the next `up` clears away" in capsys.readouterr().err


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(SystemExit):
        program.main(["sideways"])
