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
