"""Builds products with Go and installs them into the cache, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localkube import checks, gotoolchain
from localkube.commands import last_lines, run
from localkube.errors import LocalkubeError
from localkube.products import COMMON_FLAGS, PRODUCTS, Product
from localkube.progress import Progress, Step

BUILDING = ".building-"


def missing(cache: Path, products: Sequence[Product] = PRODUCTS) -> list[Product]:
    """The products that the cache does not have yet."""
    return [product for product in products if not product.folder(cache).is_dir()]


def ensure(cache: Path, progress: Progress, products: Sequence[Product] = PRODUCTS) -> dict[str, Path]:
    """Build what is missing; give each program's path by name. Raises LocalkubeError when something cannot be built."""
    if missing(cache, products):
        checks.disk_space(cache)
        with only_builder(cache, progress):
            wanted = missing(cache, products)
            go = gotoolchain.ensure(cache, progress)
            for number, product in enumerate(wanted, start=1):
                build(
                    product, cache, go, progress, f"build {number} of {len(wanted)}: {product.name} {product.version}"
                )
    return {program.name: product.folder(cache) / program.name for product in products for program in product.programs}


@contextmanager
def only_builder(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the cache's lock, and sweep away what builds that were cut off have left."""
    products = cache / "products"
    products.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("waiting for another build on this machine"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in products.glob(f"{BUILDING}*"):
            shutil.rmtree(leftover)
        yield


def build(product: Product, cache: Path, go: Path, progress: Progress, title: str) -> None:
    """Build one product in a scratch folder, ask every program for its version, then rename it into place."""
    env = go_environment(cache, go)
    target = product.folder(cache)
    with (
        progress.step(title) as step,
        tempfile.TemporaryDirectory(prefix=BUILDING, dir=target.parent, ignore_cleanup_errors=True) as scratch,
    ):
        out = Path(scratch) / "out"
        out.mkdir()
        step.detail = "fetching sources"
        listed = [str(go), "list", "-mod=readonly", "-deps", *(program.package for program in product.programs)]
        total = len(run(listed, env=env, cwd=str(product.module), timeout=1800).splitlines())
        step.detail = f"compiling {total} packages"
        compile_into(out, product, go, env, step, total)
        for program in product.programs:
            if program.built_as is not None:
                (out / program.built_as).rename(out / program.name)
        step.detail = "checking"
        check_versions(product, out)
        out.rename(target)
        step.detail = f"{len(product.programs)} programs"


def compile_into(out: Path, product: Product, go: Path, env: Mapping[str, str], step: Step, total: int) -> None:
    """Run one `go build` for all programs; it names each package that it compiles, which are counted as they come."""
    packages = [program.package for program in product.programs]
    argv = [str(go), "build", "-v", *COMMON_FLAGS, "-ldflags", product.linker_flags, "-o", f"{out}{os.sep}", *packages]
    told: list[str] = []
    compiled = 0
    with subprocess.Popen(
        argv,
        cwd=product.module,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line)
            if not line.startswith(("go: ", "#", "\t")):
                compiled += 1
                step.detail = f"compiled {min(compiled, total)} of at most {total} packages"
    if process.returncode != 0:
        raise LocalkubeError(f"building {product.name} {product.version} failed:\n{last_lines(''.join(told))}")


def check_versions(product: Product, out: Path) -> None:
    """Every program must be there and say the version that was asked for."""
    for program in product.programs:
        said = run([str(out / program.name), *program.version_arguments])
        if product.version not in said:
            raise LocalkubeError(f"{program.name} was built, but calls itself {said.strip()!r}, not {product.version}")


def go_environment(cache: Path, go: Path) -> dict[str, str]:
    """Go's settings: our own module and build caches, no other toolchain, no workspace, no C.

    The proxy and checksum database stay as the machine has them; go.sum pins the content anyway.
    """
    return {
        "PATH": os.pathsep.join([str(go.parent), os.environ.get("PATH", os.defpath)]),
        "GOMODCACHE": str(cache / "go-mod"),
        "GOCACHE": str(cache / "go-build"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
    }
