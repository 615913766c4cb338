import os
import stat
from pathlib import Path

import pytest

from localkube import build, products
from localkube.errors import LocalkubeError
from localkube.products import Product, Program
from localkube.progress import Progress

HELLO = Product("hello", "1.2.3", (Program("hello", "example/hello"), Program("bye", "example/bye", built_as="v2")))

# Stands in for Go: lists two packages, "compiles" them, and leaves programs that say the version they are told to.
FAKE_GO = """#!/bin/sh
case "$1" in
list) echo example/hello; echo example/bye ;;
build)
  test -n "$FAKE_FAILS" && { echo "# example/hello"; echo "hello.go:1: broken"; exit 1; }
  while test "$1" != -o; do shift; done
  for name in hello v2; do
    printf '#!/bin/sh\\necho v%s\\n' "$FAKE_VERSION" > "$2$name"
    chmod +x "$2$name"
  done
  echo example/hello; echo example/bye ;;
version) echo go version go1.25.0 linux/amd64 ;;
esac
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    go = tmp_path / "machine" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(go.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "modules" / "hello").mkdir(parents=True)
    monkeypatch.setattr(products, "MODULES", tmp_path / "modules")
    monkeypatch.setenv("PATH", os.pathsep.join([str(go.parent), os.environ["PATH"]]))
    monkeypatch.setenv("FAKE_VERSION", "1.2.3")
    return tmp_path / "cache"


def test_what_is_missing_is_built_and_found_by_name(cache: Path) -> None:
    found = build.ensure(cache, Progress(), [HELLO])
    assert found == {"hello": HELLO.folder(cache) / "hello", "bye": HELLO.folder(cache) / "bye"}
    assert all(os.access(program, os.X_OK) for program in found.values())


def test_what_is_there_is_not_built_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build.ensure(cache, Progress(), [HELLO])
    monkeypatch.setenv("FAKE_FAILS", "yes")
    build.ensure(cache, Progress(), [HELLO])
    assert build.missing(cache, [HELLO]) == []


def test_a_build_that_fails_leaves_no_product_and_says_why(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAILS", "yes")
    with pytest.raises(LocalkubeError, match=r"(?s)building hello 1.2.3 failed:.*hello.go:1: broken"):
        build.ensure(cache, Progress(), [HELLO])
    assert list((cache / "products").iterdir()) == []


def test_a_program_of_another_version_is_no_product(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "0.0.0")
    with pytest.raises(LocalkubeError, match=r"calls itself 'v0\.0\.0', not 1\.2\.3"):
        build.ensure(cache, Progress(), [HELLO])
    assert build.missing(cache, [HELLO]) == [HELLO]


def test_what_a_cut_off_build_left_is_swept_away(cache: Path) -> None:
    leftover = cache / "products" / ".building-x"
    leftover.mkdir(parents=True)
    (leftover / "half").touch()
    build.ensure(cache, Progress(), [HELLO])
    assert not leftover.exists()


def test_go_uses_caches_of_our_own_and_fetches_no_other_go(cache: Path) -> None:
    env = build.go_environment(cache, Path("/somewhere/go/bin/go"))
    assert env["GOMODCACHE"] == str(cache / "go-mod")
    assert env["GOTOOLCHAIN"] == "local"
    assert env["PATH"].startswith("/somewhere/go/bin:")


def test_a_full_disk_is_refused_before_anything_is_built(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: _Usage())
    with pytest.raises(LocalkubeError, match=r"1\.0 GiB left and a build needs 10 GiB"):
        build.ensure(cache, Progress(), [HELLO])


class _Usage:
    free = 2**30
